# SPDX-License-Identifier: GPL-2.0
"""For tests in Python: what the kernel itself says, without the module: /proc, slabinfo, the log."""

import ast
import contextlib
import ctypes
import os
import signal
import struct
import subprocess
import time
import traceback
from typing import NamedTuple

from lib.harness import DEBUGFS, SHRINKERS, STATISTICS, SYSFS, wait_until

HZ = os.sysconf("SC_CLK_TCK")
NAME = "taskmonitor"


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def sanitized():
    """Whether this is a kernel with sanitizers, which take time, and memory beside each object."""
    return any(os.path.exists(f"/sys/kernel/debug/{name}") for name in ("kmemleak", "kcsan"))


def hurry_grace_periods(hurry=True):
    """Whether synchronize_rcu() interrupts other CPUs instead of waiting for them, which makes an
    unload three times as fast."""
    with open("/sys/kernel/rcu_expedited", "w", encoding="ascii") as file:
        file.write(str(int(hurry)))


# --- What is there ------------------------------------------------------------

def kernel_threads():
    """The pids of the module's threads, by name."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                name = text_of(f"/proc/{entry}/comm").strip()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            if name.startswith(NAME):
                found[name] = int(entry)
    return found


def sampler_thread():
    """The pid of the thread that samples."""
    return kernel_threads()[NAME]


class Slab(NamedTuple):
    name: str
    active: int
    objects: int
    object_size: int
    objects_per_slab: int
    pages_per_slab: int
    slabs: int


def slabs():
    """The module's slab caches."""
    found = []
    for line in text_of("/proc/slabinfo").splitlines():
        if line.startswith(NAME):
            words = line.split()
            found.append(Slab(words[0], *map(int, words[1:6]), int(words[14])))
    return found


def seen():
    """Whatever of the module can be seen."""
    found = [f"thread {name}" for name in kernel_threads()]
    found += [f"slab cache {slab.name}" for slab in slabs()]
    found += [path for path in (SYSFS, DEBUGFS, STATISTICS, f"/sys/module/{NAME}")
              if os.path.exists(path)]
    found += [f"shrinker {name}" for name in os.listdir(SHRINKERS) if name.startswith(NAME)]
    return found


def remains():
    """What is left of the module, which is not loaded. A thread that has been stopped may take a moment
    to leave /proc."""
    wait_until(lambda: not seen(), 10)
    return seen()


def tidy_slabs():
    """Has the slab allocator give back whatever slabs are empty."""
    for slab in slabs():
        with open(f"/sys/kernel/slab/{slab.name}/shrink", "w", encoding="ascii") as file:
            file.write("1")


def kernel_log():
    """The messages in the kernel's log, oldest first."""
    messages = []
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            record = os.read(log, 8192).decode(errors="replace")
            messages.append(record.partition(";")[2].partition("\n")[0])
    except BlockingIOError:
        return messages
    finally:
        os.close(log)


def memory(name):
    """A line of /proc/meminfo, in KiB."""
    for line in text_of("/proc/meminfo").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


# --- What tasks have consumed --------------------------------------------------

class Stat(NamedTuple):
    """Of /proc/PID/stat; times in ticks of HZ."""
    state: str
    user: int
    system: int
    threads: int


def stat(pid, thread=None):
    path = f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat"
    fields = text_of(path).rpartition(")")[2].split()
    return Stat(fields[0], int(fields[11]), int(fields[12]), int(fields[17]))


def run_time_us(pid, thread=None):
    """Of schedstat: for how long a thread has run."""
    return int(text_of(f"/proc/{pid}/task/{thread or pid}/schedstat").split()[0]) / 1000


def process_clock_us(pid):
    """For how long the threads of a process have run, those included that have ended."""
    return time.clock_gettime_ns(~pid << 3 | 2) / 1000


def switches(pid):
    """How often a thread was put on a CPU and taken off again."""
    return sum(int(line.split()[1]) for line in text_of(f"/proc/{pid}/status").splitlines()
               if "ctxt_switches" in line)


def boottime_us():
    """The clock by which samples are dated."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def microseconds(seconds):
    """Of a time in rusage, which is a float made of whole microseconds."""
    return round(seconds * 1_000_000)


# --- Programs and processes -------------------------------------------------------

def compiled(name):
    """The path of the program of which programs/NAME.c beside this file is the source."""
    program = f"/tmp/{name}"
    source = os.path.join(os.path.dirname(os.path.realpath(__file__)), "programs", f"{name}.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-pthread", "-o", program, source], check=True)
    return program


_libc = ctypes.CDLL(None, use_errno=True)
_CLONE3 = 435
_CLONE_AUTOREAP = 1 << 34
_SA_NOCLDWAIT = 2


def _clone3(function, flags=0, exit_signal=0, number=None):
    """A child that runs the function; OSError if there can be none."""
    numbers = (ctypes.c_int32 * 1)(number or 0)
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size,
    # tls, set_tid, set_tid_size, cgroup
    arguments = (ctypes.c_uint64 * 11)()
    arguments[0] = flags
    arguments[4] = exit_signal
    arguments[8] = ctypes.addressof(numbers) if number else 0
    arguments[9] = 1 if number else 0
    child = _libc.syscall(_CLONE3, arguments, ctypes.sizeof(arguments))
    if child < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    return child


def fork_as(pid, function):
    """A child that bears that number, which nobody else may have; OSError if somebody has."""
    return _clone3(function, exit_signal=signal.SIGCHLD, number=pid)


def fork_unattended(function):
    """A child that nobody can wait for: it goes by itself."""
    return _clone3(function, flags=_CLONE_AUTOREAP)


def fork_with_signal(function, number):
    """A child that announces its end by that signal."""
    return _clone3(function, exit_signal=number)


@contextlib.contextmanager
def ignored_children(handler=signal.SIG_IGN, no_zombies=False):
    """For the length of the block, children of this process go by themselves."""
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
    """A number that no process has."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


# --- Namespaces -----------------------------------------------------------------

_PR_SET_DUMPABLE = 4
_CLONE_NEWUSER, _CLONE_NEWPID = 0x10000000, 0x20000000


def _unshare(flags):
    if _libc.unshare(flags) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def result_of(function):
    """What the function gives in a child; an exception is shown where it was raised."""
    end, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(begin, repr(function()).encode())
        except BaseException:  # nothing of the child may go on in the caller's name
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(begin)
    with os.fdopen(end, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(pid, 0)
    return ast.literal_eval(text)


def in_pid_namespace(function):
    """What the function gives as the first process of a new pid namespace."""
    def inside():
        _unshare(_CLONE_NEWPID)
        return result_of(function)
    return result_of(inside)


def in_user_namespace(function, user=0):
    """What the function gives as root of a new user namespace, which is that user outside."""
    def inside():
        _unshare(_CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {user} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        return function()
    return result_of(inside)


def as_user(number, function):
    """What the function gives as an ordinary user."""
    def inside():
        os.setgroups([])
        os.setgid(number)
        os.setuid(number)
        # Else the files in /proc/self would be root's still.
        _libc.prctl(_PR_SET_DUMPABLE, 1)
        return function()
    return result_of(inside)


_CAPSET = 126  # x86_64
_CAPABILITY_VERSION_3 = 0x20080522
CAP_SYS_MODULE = 16
CAP_SYS_ADMIN = 21


def with_capabilities(capabilities, function):
    """What the function gives as root with these capabilities, which are below 32, and no others."""
    def inside():
        allowed = sum(1 << each for each in capabilities)
        # Effective, permitted and inheritable, for the lower and the upper 32.
        data = (ctypes.c_uint32 * 6)(allowed, allowed)
        if _libc.syscall(_CAPSET, (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), data):
            raise OSError(ctypes.get_errno(), "capset")
        return function()
    return result_of(inside)
