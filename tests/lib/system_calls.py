# SPDX-License-Identifier: GPL-2.0
"""System calls for which the C library has no function, on each architecture that the tests run on."""

import ctypes
import os

# A newer call has the same number on all architectures.
_NUMBERS = {
    "x86_64": {"exit": 60, "delete_module": 176, "finit_module": 313, "clone3": 435},
    "aarch64": {"exit": 93, "delete_module": 106, "finit_module": 273, "clone3": 435},
}
# Read once: where a test lets allocations fail, uname() could be the call that fails.
_MACHINE = os.uname().machine
_libc = ctypes.CDLL(None, use_errno=True)


def system_call(name, *arguments):
    """The result of the call; OSError if it fails."""
    if _MACHINE not in _NUMBERS:
        raise NotImplementedError(f"lib/system_calls.py has no numbers for {_MACHINE}")
    return succeeded(_libc.syscall(_NUMBERS[_MACHINE][name], *arguments))


def succeeded(result):
    """The result of a function of the C library that sets errno; OSError if it has failed."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def exit_thread():
    """Ends this thread alone; the process stays if it has others."""
    system_call("exit", 0)
