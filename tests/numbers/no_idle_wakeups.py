#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Without targets, or stopped, the module's threads do not wake up at all. This is seen in the
# number of their context switches in /proc.
#
# kernels: uml x86_64
# on demand: matrix

import os
import time

from lib.kernel_state import kernel_threads, sampler_thread
from lib.module import loaded, set_parameter, write
from lib.proc import stat, switches
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples

PERIOD_MS = 5


def has_settled(thread):
    """Whether the thread sleeps, and was not awake between several checks."""
    checks = []
    for _ in range(10):
        checks.append((switches(thread), stat(thread).state in "SI"))
        time.sleep(0.02)
    return len(set(checks)) == 1 and checks[0][1]


def sleeps(thread, name):
    """Waits until the thread sleeps, and then counts its context switches."""
    wait_until(lambda: has_settled(thread))
    before = switches(thread)
    time.sleep(1.5)
    equal(switches(thread) - before, 0, f"{name}: no wakeup in 300 periods")
    ok(stat(thread).state in "SI", f"{name}: it sleeps in a state that does not count as load",
       stat(thread).state)


def works(thread, name):
    before = switches(thread)
    ok(wait_until(lambda: switches(thread) > before + 20), f"{name}: the thread wakes up")


def main():
    with loaded(period_ms=PERIOD_MS):
        thread = sampler_thread()
        for name, other in kernel_threads().items():
            sleeps(other, f"{name}, no target")
        with process() as one, process() as two:
            write(f"{one} {two}")
            works(thread, "two targets")
            write("stop")
            sleeps(thread, "stopped")
            set_parameter("period_ms", 1)
            set_parameter("max_samples", 10)
            sleeps(thread, "stopped, after parameters were changed")
            write("clear")
            sleeps(thread, "stopped, after clear")
            write("start")
            works(thread, "started")
            write(f"-{one} -{two}")
            sleeps(thread, "targets removed")
            write(one)
            works(thread, "one target")
        ok(wait_until(lambda: samples(pid=one)[-1].exit), "the target has ended")
        sleeps(thread, "all targets have ended")
        set_parameter("period_ms", PERIOD_MS)
        write(os.getpid())
        works(thread, "a target beside one that has ended")
        before, begin = switches(thread), time.monotonic()
        time.sleep(2)
        rate = (switches(thread) - before) / ((time.monotonic() - begin) * 1000 / PERIOD_MS)
        note(f"{rate:.2f} switches a period")
        # One for the pass; more if the thread had to wait for a lock or a CPU.
        ok(rate < 3, "about one wakeup in a period", rate)


run(main)
