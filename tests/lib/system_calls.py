# SPDX-License-Identifier: GPL-2.0
"""System calls for which the C library has no function, on each architecture that the tests run on."""

import ctypes
import os

# A newer call has the same number on all architectures.
_NUMBERS = {
    "x86_64": {"exit": 60, "delete_module": 176, "finit_module": 313, "clone3": 435},
    "aarch64": {"exit": 93, "delete_module": 106, "finit_module": 273, "clone3": 435},
}
_libc = ctypes.CDLL(None, use_errno=True)


def system_call(name, *arguments):
    """The result of the call; OSError if it fails."""
    machine = os.uname().machine
    if machine not in _NUMBERS:
        raise NotImplementedError(f"lib/system_calls.py has no numbers for {machine}")
    return succeeded(_libc.syscall(_NUMBERS[machine][name], *arguments))


def succeeded(result):
    """The result of a function of the C library that sets errno; OSError if it has failed."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def exit_thread():
    """Ends this thread alone; the process stays if it has others."""
    system_call("exit", 0)
