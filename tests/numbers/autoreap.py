#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Processes that nobody waits for, in every way that the kernel has: their last samples are what the
# scheduler booked, by its own tracepoint.
#
# kernels: uml x86_64
# boot: --cpus 2

import contextlib
import ctypes
import itertools
import os
import random
import signal
import threading
import time
from typing import NamedTuple

from lib.clone import fork_autoreaped, fork_with_signal, ignored_children
from lib.cputime_checks import ROUNDING_US
from lib.module import loaded, set_parameter, write
from lib.proc import stat, text_of
from lib.processes import child, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.tracing import AccountedTime

PR_SET_CHILD_SUBREAPER = 36
PTRACE_SEIZE = 0x4206
WALL = 0x40000000
SYS_EXIT = 60  # x86_64
_libc = ctypes.CDLL(None, use_errno=True)


# --- Lives ------------------------------------------------------------------------

class Life:
    """A process that burns once it is told to go on, and what is known of it outside."""

    def __init__(self, threads=None):
        self.go, self.begin = os.pipe()
        self.known, self.tell = os.pipe()
        self.threads = threads
        self.others = []

    def __call__(self):
        """Runs in that process."""
        os.write(self.tell, f"{os.getpid()} ".encode())
        os.read(self.go, 1)
        random.seed(os.getpid())
        others = [threading.Thread(target=burn_thread, args=(random.uniform(0.002, 0.02),), daemon=True)
                  for _ in range(3 if self.threads else 0)]
        for other in others:
            other.start()
        os.write(self.tell, " ".join(str(other.native_id) for other in others).encode() + b" ")
        burn_thread(random.uniform(0.002, 0.03))
        if self.threads == "leader first":
            _libc.syscall(SYS_EXIT, 0)
        os._exit(0)

    def pid(self):
        """Its PID, once it has begun."""
        return int(os.read(self.known, 16))

    def go_on(self):
        os.write(self.begin, b"x")

    def close(self):
        """To be called once it has ended."""
        self.others = [int(each) for each in os.read(self.known, 256).split()]
        for descriptor in (self.go, self.begin, self.known, self.tell):
            os.close(descriptor)


def burn_thread(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def is_zombie(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return stat(pid).state == "Z"
    return False  # it has been reaped


def is_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


@contextlib.contextmanager
def ends(life, watch):
    """Watches it, lets it go on, and after the block waits until it has been reaped."""
    pid = life.pid()
    watch(pid)
    life.go_on()
    yield pid
    if not wait_until(lambda: is_gone(pid)):
        raise TimeoutError(f"{pid} has not been reaped")


# --- In which ways a process is reaped that nobody waits for ------------------------

def parent_ignores(life, watch):
    with ignored_children():
        child(life)
        with ends(life, watch) as pid:
            return pid


def parent_wants_no_zombies(life, watch):
    with ignored_children(signal.SIG_DFL, no_zombies=True):
        child(life)
        with ends(life, watch) as pid:
            return pid


def cloned_to_reap_itself(life, watch):
    fork_autoreaped(life)
    with ends(life, watch) as pid:
        return pid


def parent_begins_to_ignore(life, watch):
    """After the last look at it."""
    child(life)
    with contextlib.ExitStack() as later:
        with ends(life, watch) as pid:
            time.sleep(0.001)
            later.enter_context(ignored_children())
            if is_zombie(pid):
                os.waitpid(pid, 0)
            return pid


def zombie_is_orphaned(life, watch):
    """Its parent does not wait for it and ends; the next one ignores SIGCHLD."""
    with ignored_children():
        def parent():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            pid = child(life)
            wait_until(lambda: is_zombie(pid))
            time.sleep(0.005)

        child(parent)
        with ends(life, watch) as pid:
            return pid


def orphan_ends(life, watch):
    """Its parent ends before it."""
    with ignored_children():
        child(lambda: child(life))
        with ends(life, watch) as pid:
            return pid


def parent_execs(life, watch):
    """A child that announces its end by another signal than SIGCHLD, which the kernel no longer sends
    to a parent that is another program since."""
    with ignored_children():
        def parent():
            fork_with_signal(life, signal.SIGUSR1)
            os.execv("/bin/sleep", ["sleep", "1000"])

        sleeper = child(parent)
        wait_until(lambda: text_of(f"/proc/{sleeper}/comm") == "sleep\n")
        with ends(life, watch) as pid:
            pass
        os.kill(sleeper, signal.SIGKILL)
        return pid


def seize(pid):
    if _libc.ptrace(PTRACE_SEIZE, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def traced(life, watch, tracer):
    """Traced by another process, which does `tracer(pid)` once it is a zombie; its parent ignores
    SIGCHLD."""
    with ignored_children():
        child(life)
        seized, say = os.pipe()

        def trace(pid):
            seize(pid)
            os.write(say, b"x")
            wait_until(lambda: is_zombie(pid))
            tracer(pid)

        def begin(pid):
            watch(pid)
            child(trace, pid)
            os.read(seized, 1)

        with ends(life, begin) as pid:
            pass
        os.close(seized)
        os.close(say)
        return pid


def tracer_dies(life, watch):
    return traced(life, watch, lambda pid: None)


def tracer_waits(life, watch):
    return traced(life, watch, lambda pid: os.waitpid(pid, WALL))


def parent_traces_and_ends(life, watch):
    with ignored_children():
        def parent():
            pid = child(life)
            seize(pid)
            wait_until(lambda: is_zombie(pid))

        child(parent)
        with ends(life, watch) as pid:
            return pid


WAYS = (parent_ignores, parent_wants_no_zombies, cloned_to_reap_itself, parent_begins_to_ignore,
        zombie_is_orphaned, orphan_ends, parent_execs, tracer_dies, tracer_waits, parent_traces_and_ends)


class Case(NamedTuple):
    """One process, and how it lived and ended."""
    way: str
    threads: str | None
    period_ms: int
    is_followed: bool
    others: list


def all_ways(bookings):
    """Processes by PID, all of which have ended, in all ways."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    cases = {}
    for period_ms, is_followed in itertools.product((100, 3_600_000), (False, True)):
        set_parameter("period_ms", period_ms)
        if is_followed:
            write(f"tree:{os.getpid()}")
        for way, threads in itertools.product(WAYS, (None, "leader last", "leader first")):
            for _ in range(1 if threads else 2):
                life = Life(threads)
                pid = way(life, (lambda pid: None) if is_followed else write)
                life.close()
                cases[pid] = Case(way.__name__, threads, period_ms, is_followed, life.others)
        set_parameter("period_ms", 20)
        ok(wait_until(lambda: set(cases) <= {each.pid for each in samples() if each.exit}),
           f"period {period_ms} ms, {'followed' if is_followed else 'by PID'}: each has a last sample")
        bookings.collect()
        if is_followed:
            # What has ended stays.
            write(f"-{os.getpid()}")
    return cases


def error(last, case, bookings):
    """By how many microseconds the last sample is off what was booked; 0 if it is right. Of threads
    but the leader what is booked after they have been reaped, still on their way out, is lost to their
    process, for the kernel too."""
    total_us = sum(bookings.times[task] for task in (last.pid, *case.others)) / 1000
    lost_us = sum(bookings.late_times[task] for task in case.others) / 1000
    missing_us = total_us - (last.usr + last.sys)
    return 0 if -ROUNDING_US <= missing_us <= ROUNDING_US + lost_us else (missing_us, lost_us)


def is_in_time(before, last):
    """Whether the last sample comes after the one before, with no more than one CPU in between."""
    used_us = last.usr + last.sys - before.usr - before.sys
    return before.time < last.time and used_us <= last.time - before.time + ROUNDING_US


def main():
    with loaded():
        bookings = AccountedTime()
        cases = all_ways(bookings)
        equal(bookings.lost, 0, "the trace is whole")
        history = samples()
        equal(problems(history), [], "histories are in order")
        last = {each.pid: each for each in history if each.exit}
        wrong = [(case, last[pid], off) for pid, case in cases.items()
                 if (off := error(last[pid], case, bookings))]
        note(f"{len(cases)} processes")
        equal((len(wrong), wrong[:5]), (0, []), "usr + sys is what the scheduler booked")
        late = [(cases[after.pid], before, after) for before, after in itertools.pairwise(history)
                if before.pid == after.pid in cases and after.exit and not cases[after.pid].threads
                and not is_in_time(before, after)]
        equal((len(late), late[:5]), (0, []), "no last sample has more CPU time than time")


run(main)
