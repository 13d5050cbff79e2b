#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The sampler shares its CPU with a real-time task that never sleeps. `missed` counts each period without a pass
# as soon as the period is over, so that passes + missed is the number of periods. With a higher rt_priority the
# sampler keeps its period from the write of the parameter on.
#
# kernels: uml x86_64
# on demand: matrix
# boot: --cpus 1
# alone

import os
import time

from lib.kernel_state import sampler_thread
from lib.module import PARAMETERS, loaded, parameter, set_parameter, statistics, write
from lib.proc import text_of
from lib.processes import process, wait_until
from lib.real_time import SAMPLER, hog, real_time
from lib.results import equal, note, ok, run

PERIOD_MS = 20
# After about a second the scheduler's fair server gives ordinary tasks a part of the time.
INTERVAL_S = 2
OTHER, FIFO = os.SCHED_OTHER, os.SCHED_FIFO


def policy(pid):
    """Scheduling policy and real-time priority, as /proc/PID/stat has them."""
    fields = text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[38]), int(fields[37])


def sleep_in_periods(seconds):
    """Sleeps from period to period. The number of periods in which this process did not wake up: it has the
    highest priority, so the host did not run the machine then."""
    begin, missed, due = time.monotonic(), 0, 1
    while due * PERIOD_MS <= seconds * 1000:
        time.sleep(max(0, begin + due * PERIOD_MS / 1000 - time.monotonic()))
        came = int((time.monotonic() - begin) * 1000 / PERIOD_MS)
        missed += max(0, came - due)
        due = max(came, due) + 1
    return missed


class Interval:
    """The statistics of an interval, the number of its periods, and in how many of them the host did not run
    the machine (`stalled`)."""

    def __init__(self, seconds=INTERVAL_S):
        before, begin = statistics(), time.monotonic()
        self.stalled = sleep_in_periods(seconds)
        after, end = statistics(), time.monotonic()
        self.periods = (end - begin) * 1000 / PERIOD_MS
        self.passes, self.missed, self.late = (after[name] - before[name]
                                               for name in ("passes", "missed", "late"))

    def __repr__(self):
        return (f"{self.periods:.1f} periods: {self.passes} passes, {self.late} of them late, "
                f"{self.missed} missed, {self.stalled} missed by the test")

    def check(self, name):
        # A pass may have begun and not ended, and the reads at both ends take some time.
        ok(abs(self.passes + self.missed - self.periods) <= 3,
           f"{name}: passes + missed is the number of periods", self)
        ok(self.late <= min(self.passes, self.missed + 1), f"{name}: no more passes are late than are missed",
           self)


def starved():
    with loaded(period_ms=PERIOD_MS), process() as pid:
        thread = sampler_thread()
        equal((parameter("rt_priority"), policy(thread)), (0, (OTHER, 0)),
              "rt_priority=0: the sampler is an ordinary thread")
        write(pid)
        wait_until(lambda: statistics()["passes"] > 5)
        Interval(0.5).check("without a real-time task")
        with real_time(), process(hog):
            time.sleep(0.1)
            without = Interval()
            note(f"rt_priority=0: {without}")
            without.check("rt_priority=0")
            ok(without.missed > without.periods / 5, "rt_priority=0: periods are missed", without)

            set_parameter("rt_priority", SAMPLER)
            equal(policy(thread), (FIFO, SAMPLER),
                  "rt_priority takes effect at once although the sampler gets no CPU")
            time.sleep(0.1)
            above = Interval()
            note(f"rt_priority={SAMPLER}: {above}")
            above.check(f"rt_priority={SAMPLER}")
            # The sampler's periods begin at other times than the test's, so that one stall can be in one
            # more of them.
            ok((above.missed - 2 * above.stalled) * 5 < without.missed, "a higher rt_priority: few are missed",
               (above, without))
            ok(above.passes > (above.periods - 2 * above.stalled) / 2, "a higher rt_priority: it samples", above)

            set_parameter("rt_priority", 0)
            equal(policy(thread), (OTHER, 0), "rt_priority=0 again: it is an ordinary thread, at once")
            below = Interval()
            ok(below.missed > below.periods / 5, "rt_priority=0 again: periods are missed", below)
            only_while_sampling(pid)


def only_while_sampling(pid):
    """Without sampling no pass is due, and none is missed."""
    write("stop")
    equal(Interval(0.5).missed, 0, "stopped: no period is missed")
    write("start")
    Interval(0.5).check("started")
    write(f"-{pid}")
    equal(Interval(0.5).missed, 0, "no target: no period is missed")
    begin = statistics()["missed"]
    write(pid)
    write(f"-{pid}")
    ok(statistics()["missed"] - begin <= 1, "a task that is added and removed: no period is missed")


def at_load():
    with loaded(rt_priority=33):
        thread = sampler_thread()
        equal((parameter("rt_priority"), policy(thread)), (33, (FIFO, 33)), "rt_priority can be set at load")
        set_parameter("rt_priority", 99)
        equal(policy(thread), (FIFO, 99), "rt_priority=99")
        os.sched_setscheduler(thread, FIFO, os.sched_param(5))
        set_parameter("period_ms", 50)
        equal(policy(thread), (FIFO, 5), "a priority set from outside stays when another parameter is written")
        set_parameter("rt_priority", 1)
        equal(policy(thread), (FIFO, 1), "rt_priority=1")
        set_parameter("rt_priority", 0)
        equal((policy(thread), os.getpriority(os.PRIO_PROCESS, thread)), ((OTHER, 0), 0),
              "rt_priority=0: an ordinary thread with nice value 0")
        equal(os.stat(f"{PARAMETERS}/rt_priority").st_mode & 0o777, 0o600, "only root may read and write rt_priority")


run(starved, at_load)
