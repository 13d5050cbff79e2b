#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Beside a real-time task that never sleeps: `missed` counts the periods in which no pass began, also
# while that lasts, so that passes and missed ones are as many as periods went by; rt_priority above that
# task's lets the sampler keep to its period, from the moment of the write.
#
# kernels: uml x86_64
# boot: --cpus 1
# alone

import contextlib
import os
import time

from lib.kernel_state import sampler_thread
from lib.module import PARAMETERS, loaded, parameter, set_parameter, statistics, write
from lib.proc import text_of
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run

PERIOD_MS = 20
# After a second or so the scheduler's fair server gives ordinary tasks a part of the time.
LOOK_S = 2
# The test itself has to run beside the one that never sleeps.
HOG, SAMPLER, OURSELVES = 50, 60, 70
OTHER, FIFO = os.SCHED_OTHER, os.SCHED_FIFO


def policy(pid):
    """Scheduling policy and real-time priority, as /proc/PID/stat has them."""
    fields = text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[38]), int(fields[37])


@contextlib.contextmanager
def real_time(priority):
    os.sched_setscheduler(0, FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        os.sched_setscheduler(0, OTHER, os.sched_param(0))


def hog():
    os.sched_setscheduler(0, FIFO, os.sched_param(HOG))
    while True:
        pass


def sleep_in_periods(seconds):
    """Sleeps from period to period. In how many of them we did not wake up: as nothing in the machine has
    a higher priority, it stood still."""
    begin, missed, due = time.monotonic(), 0, 1
    while due * PERIOD_MS <= seconds * 1000:
        time.sleep(max(0, begin + due * PERIOD_MS / 1000 - time.monotonic()))
        came = int((time.monotonic() - begin) * 1000 / PERIOD_MS)
        missed += max(0, came - due)
        due = max(came, due) + 1
    return missed


class Look:
    """What the statistics say of a stretch of time, beside how many periods it has, and in how many of
    them the machine stood still."""

    def __init__(self, seconds=LOOK_S):
        before, begin = statistics(), time.monotonic()
        self.still = sleep_in_periods(seconds)
        after, end = statistics(), time.monotonic()
        self.periods = (end - begin) * 1000 / PERIOD_MS
        self.passes, self.missed, self.late = (after[name] - before[name]
                                               for name in ("passes", "missed", "late"))

    def __repr__(self):
        return (f"{self.periods:.1f} periods: {self.passes} passes, {self.late} of them late, "
                f"{self.missed} missed, {self.still} missed by us")

    def accounts(self, name):
        # One may be under way, and the reads of begin and end take a moment, too.
        ok(abs(self.passes + self.missed - self.periods) <= 3,
           f"{name}: passes and missed ones are as many as periods", self)
        ok(self.late <= min(self.passes, self.missed + 1), f"{name}: no more are late than are missed",
           self)


def starved():
    with loaded(period_ms=PERIOD_MS), process() as pid:
        thread = sampler_thread()
        equal((parameter("rt_priority"), policy(thread)), (0, (OTHER, 0)), "an ordinary thread")
        write(pid)
        wait_until(lambda: statistics()["passes"] > 5)
        Look(0.5).accounts("alone")
        with real_time(OURSELVES), process(hog):
            time.sleep(0.1)
            without = Look()
            note(f"rt_priority=0: {without}")
            without.accounts("rt_priority=0")
            ok(without.missed > without.periods / 5, "beside a real-time task, periods are missed", without)

            set_parameter("rt_priority", SAMPLER)
            equal(policy(thread), (FIFO, SAMPLER), "rt_priority: at once, though the sampler gets no CPU")
            time.sleep(0.1)
            above = Look()
            note(f"rt_priority={SAMPLER}: {above}")
            above.accounts(f"rt_priority={SAMPLER}")
            # Its periods are not ours, so that a stop may be in one more of them.
            ok((above.missed - 2 * above.still) * 5 < without.missed, "next to none is missed",
               (above, without))
            ok(above.passes > (above.periods - 2 * above.still) / 2, "it samples", above)

            set_parameter("rt_priority", 0)
            equal(policy(thread), (OTHER, 0), "0: it is an ordinary thread again, at once")
            below = Look()
            ok(below.missed > below.periods / 5, "and starved again", below)
            only_while_sampling(pid)


def only_while_sampling(pid):
    """Where nothing is due, nothing is missed."""
    write("stop")
    equal(Look(0.5).missed, 0, "stopped: none is missed")
    write("start")
    Look(0.5).accounts("started, from then on")
    write(f"-{pid}")
    equal(Look(0.5).missed, 0, "nobody is watched: none is missed")
    begin = statistics()["missed"]
    write(pid)
    write(f"-{pid}")
    ok(statistics()["missed"] - begin <= 1, "a task that comes and goes: none either")


def at_load():
    with loaded(rt_priority=33):
        thread = sampler_thread()
        equal((parameter("rt_priority"), policy(thread)), (33, (FIFO, 33)), "rt_priority at load")
        set_parameter("rt_priority", 99)
        equal(policy(thread), (FIFO, 99), "99")
        os.sched_setscheduler(thread, FIFO, os.sched_param(5))
        set_parameter("period_ms", 50)
        equal(policy(thread), (FIFO, 5), "what others gave the thread stays when another is written")
        set_parameter("rt_priority", 1)
        equal(policy(thread), (FIFO, 1), "1")
        set_parameter("rt_priority", 0)
        equal((policy(thread), os.getpriority(os.PRIO_PROCESS, thread)), ((OTHER, 0), 0), "0")
        equal(os.stat(f"{PARAMETERS}/rt_priority").st_mode & 0o777, 0o600, "for root alone")


run(starved, at_load)
