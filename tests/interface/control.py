#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The commands stop, start and clear: what they stop, what continues, and that sample numbers continue
# after them.
#
# kernels: uml
# on demand: matrix in-tree

import os
import time

from lib.module import loaded, statistics, write
from lib.proc import boottime_us
from lib.processes import burn_and_sleep, child, process, wait_until
from lib.results import equal, ok, run
from lib.samples import problems, samples


def count(pid):
    return len(samples(pid=pid))


def stop_and_start():
    with process(burn_and_sleep) as one, process() as two:
        write(one)
        wait_until(lambda: count(one) > 5)
        write("stop")
        paused = boottime_us()
        before = statistics()
        seen = samples()
        time.sleep(0.5)
        after = statistics()
        equal((after["created"], after["passes"]), (before["created"], before["passes"]),
              "stopped: no sample is taken and no pass is made")
        equal(samples(), seen, "stopped: the samples stay")
        write("stop stop")
        write(two)
        time.sleep(0.1)
        equal(count(two), 0, "stopped: an added task has no sample")
        resumed = boottime_us()
        write("start start")
        ok(wait_until(lambda: count(one) > len(seen) + 5 and count(two) > 5), "started: samples are taken")
        history = samples()
        equal(problems(history), [], "sample numbers and totals continue after the pause")
        of_one = [each for each in history if each.pid == one]
        equal([each for each in of_one if paused < each.time < resumed], [],
              "no sample has a time within the pause")
        pauses = [(a, b) for a, b in zip(of_one, of_one[1:]) if a.time <= paused and b.time >= resumed]
        equal(len(pauses), 1, "the history has one pause")
        write(f"-{one} -{two}")


def clear():
    with process(burn_and_sleep) as one, process() as two:
        write(f"{one} {two}")
        for _ in range(5):
            wait_until(lambda: count(one) > 5 and count(two) > 5)
            last = {each.pid: each for each in samples()}
            write("clear")
            ok(wait_until(lambda: count(one) and count(two)), "after clear, samples are taken")
            history = samples()
            equal(problems(history), [], "the history is in order")
            first = [next(each for each in history if each.pid == pid) for pid in (one, two)]
            ok(all(each.num > last[each.pid].num for each in first),
               "the older samples are freed, and sample numbers continue", (last, first))
            equal(statistics()["targets"], 2, "both are still watched")
        write("stop")
        write("clear")
        equal(samples(), [], "clear while stopped: no sample is left")
        write("clear")
        equal(statistics()["alive"], 0, "clear once more: 'alive' is 0")
        write("start")
        ok(wait_until(lambda: count(one) > 3), "started again: samples are taken")
        write(f"-{one} -{two}")


def end_while_stopped():
    """A task that ends while sampling is stopped gets its exit sample after `start`."""
    pid = child(burn_and_sleep)
    write(pid)
    wait_until(lambda: count(pid) > 3)
    write("stop")
    os.kill(pid, 9)
    used = os.wait4(pid, 0)[2]
    time.sleep(0.1)
    ok(not any(each.exit for each in samples(pid=pid)), "stopped: an ended task has no exit sample")
    write("start")
    ok(wait_until(lambda: samples(pid=pid)[-1].exit), "started: it has its exit sample")
    last = samples(pid=pid)[-1]
    equal(last.usr + last.sys, round((used.ru_utime + used.ru_stime) * 1e6), "its totals are those of wait4()")
    write(f"-{pid}")


def removed_while_ending():
    """Commands for tasks that end at that moment."""
    for _ in range(30):
        pid = child(lambda: None)
        try:
            write(pid)
            write("clear")
        finally:
            os.waitpid(pid, 0)
        write(f"-{pid}")
    equal(statistics()["targets"], 0, "30 tasks that end at once are added and removed")


def main():
    with loaded(period_ms=10):
        for part in (stop_and_start, clear, end_while_stopped, removed_while_ending):
            part()


run(main)
