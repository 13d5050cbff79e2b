#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# stop, start and clear: what they stop, what goes on, and that numbers go on behind them.
#
# kernels: uml

import os
import time

from lib.module import loaded, statistics, write
from lib.proc import boottime_us
from lib.processes import burn_and_sleep, process, wait_until
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
              "stopped: no sample, no pass")
        equal(samples(), seen, "what is there stays")
        write("stop stop")
        write(two)
        time.sleep(0.1)
        equal(count(two), 0, "a task that is added has no sample yet")
        resumed = boottime_us()
        write("start start")
        ok(wait_until(lambda: count(one) > len(seen) + 5 and count(two) > 5), "started: samples come")
        history = samples()
        equal(problems(history), [], "numbers and totals go on as if nothing had been")
        of_one = [each for each in history if each.pid == one]
        equal([each for each in of_one if paused < each.time < resumed], [],
              "the pause is to be seen, and is not filled with false samples")
        pauses = [(a, b) for a, b in zip(of_one, of_one[1:]) if a.time <= paused and b.time >= resumed]
        equal(len(pauses), 1, "it is one pause")
        write(f"-{one} -{two}")


def clear():
    with process(burn_and_sleep) as one, process() as two:
        write(f"{one} {two}")
        for _ in range(5):
            wait_until(lambda: count(one) > 5 and count(two) > 5)
            last = {each.pid: each for each in samples()}
            write("clear")
            ok(wait_until(lambda: count(one) and count(two)), "after clear, samples come")
            history = samples()
            equal(problems(history), [], "in order")
            first = [next(each for each in history if each.pid == pid) for pid in (one, two)]
            ok(all(each.num > last[each.pid].num for each in first),
               "all from before are gone, and numbers go on", (last, first))
            equal(statistics()["targets"], 2, "both are still watched")
        write("stop")
        write("clear")
        equal(samples(), [], "cleared while stopped, there is nothing")
        write("clear")
        equal(statistics()["alive"], 0, "nor after another one")
        write("start")
        ok(wait_until(lambda: count(one) > 3), "and it goes on")
        write(f"-{one} -{two}")


def end_while_stopped():
    """A task that ends while stopped has its last sample once sampling goes on."""
    pid = os.fork()
    if pid == 0:
        burn_and_sleep()
    write(pid)
    wait_until(lambda: count(pid) > 3)
    write("stop")
    os.kill(pid, 9)
    used = os.wait4(pid, 0)[2]
    time.sleep(0.1)
    ok(not any(each.exit for each in samples(pid=pid)), "stopped: no last sample")
    write("start")
    ok(wait_until(lambda: samples(pid=pid)[-1].exit), "started: there it is")
    last = samples(pid=pid)[-1]
    equal(last.usr + last.sys, round((used.ru_utime + used.ru_stime) * 1e6), "with what it used")
    write(f"-{pid}")


def removed_while_ending():
    """Words for tasks that are going away just then."""
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        try:
            write(pid)
            write("clear")
        finally:
            os.waitpid(pid, 0)
        write(f"-{pid}")
    equal(statistics()["targets"], 0, "30 tasks that ended at once were added and taken away")


def main():
    with loaded(period_ms=10):
        for part in (stop_and_start, clear, end_while_stopped, removed_while_ending):
            part()


run(main)
