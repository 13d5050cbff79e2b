#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# period: the shortest of all requests and of period_ms is in force. A request lasts until its descriptor is
# closed or its process is killed; a later one on the same descriptor replaces it. Judged by how many passes
# are made while another clock, the number of sleeps of this process, goes on.
#
# kernels: uml x86_64 debian
# on demand: matrix

import contextlib
import errno
import os
import signal

from lib.module import DEBUGFS, SYSFS, loaded, set_parameter, statistics, write
from lib.processes import child, process, wait_until
from lib.proc import boottime_us
from lib.results import equal, fails_with, note, ok, run

# Each is ten times as long as the one before, so that a delay does not make one look like another.
FAST_MS, MEDIUM_MS, SLOW_MS = 5, 50, 500
NEVER_MS = 3_600_000


def period_ms():
    """Which of the periods is in force, by the passes and missed periods in a length of time."""
    def periods():
        numbers = statistics()
        return numbers["passes"] + numbers["missed"]

    first, begin = periods(), boottime_us()
    # Passes may be late, so that the first one is not counted.
    wait_until(lambda: periods() > first or boottime_us() - begin > 2_000_000, 20)
    first, begin = periods(), boottime_us()
    wait_until(lambda: periods() >= first + 20 or boottime_us() - begin > 3_000_000, 20)
    count, spent_ms = periods() - first, (boottime_us() - begin) / 1000
    if not count:
        return NEVER_MS
    found = spent_ms / count
    return min((FAST_MS, MEDIUM_MS, SLOW_MS), key=lambda period: abs(found / period - 1) if found > period
               else abs(period / found - 1))


@contextlib.contextmanager
def opened():
    fd = os.open(DEBUGFS, os.O_RDWR)
    try:
        yield fd
    finally:
        os.close(fd)


def request(fd, period):
    os.write(fd, f"period:{period}\n".encode())


def shortest():
    equal(period_ms(), SLOW_MS, "without a request, period_ms is in force")
    with opened() as one:
        request(one, MEDIUM_MS)
        equal(period_ms(), MEDIUM_MS, "a request that is shorter is in force")
        with opened() as two:
            request(two, FAST_MS)
            equal(period_ms(), FAST_MS, "of two requests, the shorter one")
            request(two, NEVER_MS)
            equal(period_ms(), MEDIUM_MS, "a later one on the same descriptor replaces it")
            request(two, FAST_MS)
            equal(period_ms(), FAST_MS, "and the next one again")
        equal(period_ms(), MEDIUM_MS, "it is gone when its descriptor is closed")
        set_parameter("period_ms", FAST_MS)
        equal(period_ms(), FAST_MS, "a shorter period_ms is in force")
        set_parameter("period_ms", NEVER_MS)
        equal(period_ms(), MEDIUM_MS, "a longer one is not")
    equal(period_ms(), NEVER_MS, "it is, without a request")
    with opened() as one:
        request(one, FAST_MS)
        equal(period_ms(), FAST_MS, "a request ends a long sleep")
    set_parameter("period_ms", SLOW_MS)


def reading_too():
    """A descriptor on which samples are read, and other commands written."""
    with opened() as fd:
        os.write(fd, f"start period:{MEDIUM_MS} start\n".encode())
        equal(period_ms(), MEDIUM_MS, "period: among other commands")
        while os.read(fd, 65536):
            pass
        os.write(fd, b"clear\n")
        os.lseek(fd, 0, os.SEEK_SET)
        equal(period_ms(), MEDIUM_MS, "reads, seeks and other commands leave it in force")


def shared_descriptors():
    fd = os.open(DEBUGFS, os.O_RDWR)
    copy = os.dup(fd)
    request(fd, MEDIUM_MS)
    os.close(fd)
    equal(period_ms(), MEDIUM_MS, "after dup(), it lasts until both are closed")
    with process(signal.pause):
        request(copy, FAST_MS)
        equal(period_ms(), FAST_MS, "a request by the copy replaces it")
        os.close(copy)
        equal(period_ms(), FAST_MS, "after fork(), a child that has it open keeps it in force")
    equal(period_ms(), SLOW_MS, "the child is killed: it is gone")


def killed_process():
    end, begin = os.pipe()

    def ask():
        request(os.open(DEBUGFS, os.O_RDWR), FAST_MS)
        os.write(begin, b"x")
        signal.pause()

    pid = child(ask)
    os.read(end, 1)
    equal(period_ms(), FAST_MS, "a request of another process")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    equal(period_ms(), SLOW_MS, "it is gone when the process is killed")
    pids = [child(ask) for _ in range(20)]
    os.read(end, 20)
    equal(period_ms(), FAST_MS, "requests of 20 processes")
    for pid in pids[:-1]:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    equal(period_ms(), FAST_MS, "19 of them are killed")
    os.kill(pids[-1], signal.SIGKILL)
    os.waitpid(pids[-1], 0)
    equal(period_ms(), SLOW_MS, "all are killed")


def refused():
    with opened() as fd:
        request(fd, MEDIUM_MS)
        for period in ("0", "3600001", "4294967296", "-1", "", "x", "5x", "+5", "5.0"):
            fails_with(errno.EINVAL, lambda: request(fd, period), f"period:{period} gives EINVAL")
        fails_with(errno.EINVAL, lambda: os.write(fd, f"start period:{FAST_MS}".encode()),
                   "a request that may be cut gives EINVAL")
        equal(period_ms(), MEDIUM_MS, "the request before is in force")
        fails_with(errno.EINVAL, lambda: write(f"period:{FAST_MS}", SYSFS), "in sysfs period: gives EINVAL")
        equal(write(f"start period:{FAST_MS}", SYSFS), len("start "), "in sysfs a write ends before it")
        equal(period_ms(), MEDIUM_MS, "sysfs has changed nothing")
        for period in (1, NEVER_MS):
            request(fd, period)
            ok(True, f"period:{period} is accepted")
    equal(period_ms(), SLOW_MS, "all are gone")


def main():
    with process() as pid, loaded(period_ms=SLOW_MS):
        write(pid)
        for part in (shortest, reading_too, shared_descriptors, killed_process, refused):
            part()
        note(statistics())
        write(f"-{pid}")


run(main)
