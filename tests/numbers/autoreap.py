#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Processes that are reaped without wait4(), in each way that the kernel has: their exit samples are what the
# scheduler accounted to them. They are compared with what the tracepoint sched_stat_runtime
# records.
#
# kernels: uml x86_64 debian
# on demand: matrix
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
from lib.system_calls import exit_thread, succeeded
from lib.tracing import AccountedTime

PR_SET_CHILD_SUBREAPER = 36
PTRACE_SEIZE = 0x4206
WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


# --- Processes -------------------------------------------------------------------

class Burner:
    """A process that uses CPU time after go_on(), and the pipes by which the test talks to it."""

    def __init__(self, threads=None):
        self.go, self.begin = os.pipe()
        self.report, self.report_end = os.pipe()
        self.threads = threads
        self.others = []

    def __call__(self):
        """Runs in that process."""
        os.write(self.report_end, f"{os.getpid()} ".encode())
        os.read(self.go, 1)
        random.seed(os.getpid())
        others = [threading.Thread(target=burn_thread, args=(random.uniform(0.002, 0.02),), daemon=True)
                  for _ in range(3 if self.threads else 0)]
        for other in others:
            other.start()
        os.write(self.report_end, " ".join(str(other.native_id) for other in others).encode() + b" ")
        burn_thread(random.uniform(0.002, 0.03))
        if self.threads == "leader first":
            exit_thread()
        os._exit(0)

    def pid(self):
        """Waits until the process has begun. Its PID."""
        return int(os.read(self.report, 16))

    def go_on(self):
        os.write(self.begin, b"x")

    def close(self):
        """Called after the process has ended: reads the thread IDs of its other threads."""
        self.others = [int(each) for each in os.read(self.report, 256).split()]
        for descriptor in (self.go, self.begin, self.report, self.report_end):
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
def ends(burner, watch):
    """Watches the process and lets it continue; after the block, waits until it has been reaped."""
    pid = burner.pid()
    watch(pid)
    burner.go_on()
    yield pid
    if not wait_until(lambda: is_gone(pid)):
        raise TimeoutError(f"{pid} has not been reaped")


# --- The ways in which a process is reaped without wait4() by its parent ------------

def parent_ignores(burner, watch):
    with ignored_children():
        child(burner)
        with ends(burner, watch) as pid:
            return pid


def parent_wants_no_zombies(burner, watch):
    with ignored_children(signal.SIG_DFL, no_zombies=True):
        child(burner)
        with ends(burner, watch) as pid:
            return pid


def cloned_to_reap_itself(burner, watch):
    fork_autoreaped(burner)
    with ends(burner, watch) as pid:
        return pid


def parent_ignores_late(burner, watch):
    """The parent ignores SIGCHLD from a moment after the last pass before the exit."""
    child(burner)
    with contextlib.ExitStack() as later:
        with ends(burner, watch) as pid:
            time.sleep(0.001)
            later.enter_context(ignored_children())
            if is_zombie(pid):
                os.waitpid(pid, 0)
            return pid


def zombie_is_orphaned(burner, watch):
    """Its parent exits without waiting for it; the new parent ignores SIGCHLD."""
    with ignored_children():
        def parent():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            pid = child(burner)
            wait_until(lambda: is_zombie(pid))
            time.sleep(0.005)

        child(parent)
        with ends(burner, watch) as pid:
            return pid


def orphan_ends(burner, watch):
    """Its parent exits first."""
    with ignored_children():
        child(lambda: child(burner))
        with ends(burner, watch) as pid:
            return pid


def parent_execs(burner, watch):
    """Its exit signal is not SIGCHLD. The kernel does not send that to a parent that has called exec()."""
    with ignored_children():
        def parent():
            fork_with_signal(burner, signal.SIGUSR1)
            os.execv("/bin/sleep", ["sleep", "1000"])

        sleeper = child(parent)
        wait_until(lambda: text_of(f"/proc/{sleeper}/comm") == "sleep\n")
        with ends(burner, watch) as pid:
            pass
        os.kill(sleeper, signal.SIGKILL)
        return pid


def seize(pid):
    succeeded(_libc.ptrace(PTRACE_SEIZE, pid, None, None))


def traced(burner, watch, tracer):
    """Another process traces it, and calls `tracer(pid)` when it is a zombie; its parent ignores SIGCHLD."""
    with ignored_children():
        child(burner)
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

        with ends(burner, begin) as pid:
            pass
        os.close(seized)
        os.close(say)
        return pid


def tracer_dies(burner, watch):
    return traced(burner, watch, lambda pid: None)


def tracer_waits(burner, watch):
    return traced(burner, watch, lambda pid: os.waitpid(pid, WALL))


def parent_traces_and_ends(burner, watch):
    with ignored_children():
        def parent():
            pid = child(burner)
            seize(pid)
            wait_until(lambda: is_zombie(pid))

        child(parent)
        with ends(burner, watch) as pid:
            return pid


WAYS = (parent_ignores, parent_wants_no_zombies, cloned_to_reap_itself, parent_ignores_late,
        zombie_is_orphaned, orphan_ends, parent_execs, tracer_dies, tracer_waits, parent_traces_and_ends)


class Case(NamedTuple):
    """One process, and the way in which it was reaped."""
    way: str
    threads: str | None
    period_ms: int
    is_followed: bool
    others: list


def all_ways(accounted):
    """Runs processes to their end, in all ways. Cases by PID."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    cases = {}
    for period_ms, is_followed in itertools.product((100, 3_600_000), (False, True)):
        set_parameter("period_ms", period_ms)
        if is_followed:
            write(f"tree:{os.getpid()}")
        for way, threads in itertools.product(WAYS, (None, "leader last", "leader first")):
            for _ in range(1 if threads else 2):
                burner = Burner(threads)
                pid = way(burner, (lambda pid: None) if is_followed else write)
                burner.close()
                cases[pid] = Case(way.__name__, threads, period_ms, is_followed, burner.others)
        set_parameter("period_ms", 20)
        ok(wait_until(lambda: set(cases) <= {each.pid for each in samples() if each.exit}),
           f"period {period_ms} ms, {'followed' if is_followed else 'by PID'}: each process has an exit sample")
        accounted.collect()
        if is_followed:
            # -PID removes this process alone; the ended ones stay targets.
            write(f"-{os.getpid()}")
    return cases


def error(last, case, accounted):
    """0 if the totals of the exit sample are right, else (missing, allowed to be missing) in microseconds.

    What the scheduler accounts to a thread that is not the leader after it was reaped, while it still
    exits, is missing in the process's total, in the kernel's own as well."""
    total_us = sum(accounted.times[task] for task in (last.pid, *case.others)) / 1000
    lost_us = sum(accounted.late_times[task] for task in case.others) / 1000
    missing_us = total_us - (last.usr + last.sys)
    return 0 if -ROUNDING_US <= missing_us <= ROUNDING_US + lost_us else (missing_us, lost_us)


def is_in_time(before, last):
    """Whether the exit sample is later than the sample before it, and shows no more CPU time between them
    than one CPU has."""
    used_us = last.usr + last.sys - before.usr - before.sys
    return before.time < last.time and used_us <= last.time - before.time + ROUNDING_US


def main():
    with loaded():
        accounted = AccountedTime()
        cases = all_ways(accounted)
        equal(accounted.lost, 0, "the trace has lost no event")
        history = samples()
        equal(problems(history), [], "the history is in order")
        last = {each.pid: each for each in history if each.exit}
        wrong = [(case, last[pid], off) for pid, case in cases.items()
                 if (off := error(last[pid], case, accounted))]
        note(f"{len(cases)} processes")
        equal((len(wrong), wrong[:5]), (0, []), "usr + sys is what the scheduler accounted")
        late = [(cases[after.pid], before, after) for before, after in itertools.pairwise(history)
                if before.pid == after.pid in cases and after.exit and not cases[after.pid].threads
                and not is_in_time(before, after)]
        equal((len(late), late[:5]), (0, []), "no exit sample has more CPU time than time has passed")


run(main)
