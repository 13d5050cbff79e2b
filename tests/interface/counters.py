#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The statistics add up at every read, whatever goes on meanwhile; each counter counts what its name
# says; and the closing line in the kernel's log tells the same.
#
# kernels: uml x86_64
# boot: --cpus 2

import os
import re
import signal
import threading

from lib.kernel_state import kernel_log
from lib.module import adds_up, load, loaded, set_parameter, shrink, statistics, unload, write
from lib.processes import burn_and_sleep, process, wait_until
from lib.results import equal, ok, run
from lib.samples import samples

NAMES = ("created", "alive", "evicted", "removed")


def at_rest():
    """The statistics once sampling has stopped, with all of the last pass."""
    write("stop")
    return statistics()


def each_counter():
    with loaded(period_ms=3_600_000), process(burn_and_sleep) as one, process() as two:
        zero = statistics()
        equal({name: value for name, value in zero.items() if value}, {}, "all begin at zero")
        write(f"{one} {two}")
        equal(statistics()["targets"], 2, "targets")
        # No pass sees only one of them.
        set_parameter("period_ms", 5)
        ok(wait_until(lambda: statistics()["passes"] > 50), "passes are counted")
        numbers = at_rest()
        shown = samples()
        equal(numbers["created"], len(shown), "created: every sample")
        equal(numbers["alive"], len(shown), "alive: those that are shown")
        equal((numbers["evicted"], numbers["removed"]), (0, 0), "none is gone")
        ok(numbers["pass_ns"] > 0, "the time of passes is counted")
        # One sample at the time of adding, one in each pass.
        equal(numbers["created"], 2 * (numbers["passes"] + 1), "one for each task in a pass")
        write(f"-{two}")
        of_one = len(samples(pid=one))
        numbers = statistics()
        equal(numbers["removed"], len(shown) - of_one, "removed: those of a task that is taken away")
        equal(numbers["targets"], 1, "one target less")
        write("clear")
        numbers = statistics()
        equal((numbers["removed"], numbers["alive"]), (len(shown), 0), "removed: by clear too")
        write("start")
        wait_until(lambda: statistics()["alive"] > 20)
        alive = at_rest()["alive"]
        set_parameter("max_samples", 5)
        numbers = statistics()
        equal((numbers["evicted"], numbers["alive"]), (alive - 5, 5), "evicted: past max_samples")
        shrink(1_000_000)
        numbers = statistics()
        equal((numbers["evicted"], numbers["alive"]), (alive, 0), "evicted: by the shrinker")
        equal(numbers["created"], numbers["evicted"] + numbers["removed"], "and that is all")
        equal((numbers["lost"], numbers["reserve"], numbers["recycled"]), (0, 0, 0),
              "no want of memory")
        ok(adds_up(numbers), "it adds up")


def while_all_goes_on():
    """Several do everything that moves counters; every read adds up."""
    with loaded(period_ms=1), process(burn_and_sleep) as one, process() as two, process() as three:
        end = threading.Event()

        def words():
            while not end.is_set():
                for text in (f"{one} {two}", f"{three}", "clear", f"-{two}", f"-{one} clear -{three}"):
                    write(text)

        def pressure():
            while not end.is_set():
                shrink(3)
                shrink(1000)
                set_parameter("max_samples", 1)
                set_parameter("max_samples", 1000)

        threads = [threading.Thread(target=each) for each in (words, pressure)]
        for thread in threads:
            thread.start()
        wrong, falling, last = [], [], statistics()
        for _ in range(4000):
            numbers = statistics()
            if not adds_up(numbers):
                wrong.append(numbers)
            if any(numbers[name] < last[name] for name in ("created", "evicted", "removed", "passes")):
                falling.append((last, numbers))
            last = numbers
        end.set()
        for thread in threads:
            thread.join()
        equal(wrong[:3], [], "4,000 reads while all goes on: each adds up")
        equal(falling[:3], [], "and no count falls")
        ok(all(last[name] > 0 for name in ("created", "evicted", "removed")),
           "there was something to count", last)


def closing_line():
    for words in ("", "clear", "evict", "removed"):
        load(period_ms=5)
        pid = os.fork()
        if pid == 0:
            burn_and_sleep()
        write(pid)
        wait_until(lambda: statistics()["created"] > 20)
        numbers = at_rest()
        if words == "clear":
            write("clear")
        elif words == "evict":
            shrink(1_000_000)
        elif words == "removed":
            write(f"-{pid}")
        numbers = statistics()
        unload()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lines = [line for line in kernel_log() if line.startswith("taskmonitor: created")]
        expected = "taskmonitor: created {created} evicted {evicted} removed {removed} alive {alive}"
        ok(lines and re.fullmatch(expected.format(**numbers), lines[-1]),
           f"the closing line tells the last statistics ({words or 'nothing gone'})",
           f"{lines[-1:]} {numbers}")


run(each_counter, while_all_goes_on, closing_line)
