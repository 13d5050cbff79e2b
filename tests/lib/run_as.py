# SPDX-License-Identifier: GPL-2.0
"""Runs a function in a child that has another namespace, user or capabilities, and returns its result."""

import ast
import ctypes
import os
import traceback

from lib.system_calls import succeeded

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_DUMPABLE = 4
CLONE_NEWNS, CLONE_NEWCGROUP = 0x20000, 0x2000000
_CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000
_CAPABILITY_VERSION_3 = 0x20080522
CAP_SYS_MODULE = 16


def unshare(flags):
    """Gives this process namespaces of its own; of PID namespaces, its children."""
    succeeded(_libc.unshare(flags))


def enter_pid_namespace(pid):
    """Children of this process are in the PID namespace of that one from now on."""
    with open(f"/proc/{pid}/ns/pid", "rb") as file:
        succeeded(_libc.setns(file.fileno(), CLONE_NEWPID))


def in_child(function):
    """The result of the function, which a child computes. The child prints the traceback of an exception."""
    end, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(begin, repr(function()).encode())
        except BaseException:  # the child must not return into the caller's code
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(begin)
    with os.fdopen(end, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(pid, 0)
    return ast.literal_eval(text)


def in_pid_namespace(function):
    """The result of the function, which the first process of a new PID namespace computes."""
    def inside():
        unshare(CLONE_NEWPID)
        return in_child(function)
    return in_child(inside)


def in_user_namespace(function, user=0):
    """The result of the function as root of a new user namespace. Outside, that root is `user`."""
    def inside():
        unshare(_CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {user} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        return function()
    return in_child(inside)


def as_user(number, function):
    """The result of the function as an ordinary user."""
    def inside():
        os.setgroups([])
        os.setgid(number)
        os.setuid(number)
        # Without this, the files in /proc/self still belong to root.
        _libc.prctl(_PR_SET_DUMPABLE, 1)
        return function()
    return in_child(inside)


def with_capabilities(capabilities, function):
    """The result of the function as root with these capabilities (each below 32) and no others."""
    def inside():
        allowed = sum(1 << each for each in capabilities)
        # Effective, permitted and inheritable: first for capabilities 0 to 31, then for the others.
        data = (ctypes.c_uint32 * 6)(allowed, allowed)
        succeeded(_libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), data))
        return function()
    return in_child(inside)
