# SPDX-License-Identifier: GPL-2.0
"""Children with a given PID or exit signal, and children that are reaped without wait()."""

import contextlib
import ctypes
import os
import signal
import struct

from lib.processes import child
from lib.system_calls import system_call

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_VFORK = 1 << 14
_CLONE_AUTOREAP = 1 << 34
_SA_NOCLDWAIT = 2


def _clone3(function, flags=0, exit_signal=0, pid=None):
    """A child that runs the function; OSError if clone3() fails."""
    pids = (ctypes.c_int32 * 1)(pid or 0)
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size,
    # tls, set_tid, set_tid_size, cgroup
    arguments = (ctypes.c_uint64 * 11)()
    arguments[0] = flags
    arguments[4] = exit_signal
    arguments[8] = ctypes.addressof(pids) if pid else 0
    arguments[9] = 1 if pid else 0
    result = system_call("clone3", arguments, ctypes.sizeof(arguments))
    if result == 0:
        try:
            function()
        finally:
            os._exit(0)
    return result


def fork_as(pid, function):
    """A child with that PID; OSError if the PID is in use."""
    return _clone3(function, exit_signal=signal.SIGCHLD, pid=pid)


def fork_autoreaped(function):
    """A child that the kernel reaps (CLONE_AUTOREAP)."""
    return _clone3(function, flags=_CLONE_AUTOREAP)


def fork_and_block(function):
    """A child that runs the function. The caller sleeps uninterruptibly, in state D, until the child has ended."""
    return _clone3(function, flags=_CLONE_VFORK, exit_signal=signal.SIGCHLD)


def fork_with_signal(function, number):
    """A child whose exit signal is that one."""
    return _clone3(function, exit_signal=number)


@contextlib.contextmanager
def ignored_children(handler=signal.SIG_IGN, no_zombies=False):
    """For the length of the block, the kernel reaps the children of this process."""
    # struct sigaction, as the C library has it: handler, 128 bytes of mask, flags, restorer
    new, old = (ctypes.create_string_buffer(8 + 128 + 8 + 8) for _ in range(2))
    struct.pack_into("@P", new, 0, int(handler))
    struct.pack_into("@i", new, 8 + 128, _SA_NOCLDWAIT if no_zombies else 0)
    _libc.sigaction(signal.SIGCHLD, new, old)
    try:
        yield
    finally:
        _libc.sigaction(signal.SIGCHLD, old, None)


def free_pid():
    """A PID that no process has: that of a child which has been waited for."""
    pid = child(lambda: None)
    os.waitpid(pid, 0)
    return pid
