#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The statistics file: created = alive + evicted + removed at every read, also under load. Each counter
# counts what its name says. The line in the kernel log at unload has the same values.
#
# kernels: uml x86_64
# on demand: matrix
# boot: --cpus 2

import re
import threading

from lib.kernel_state import kernel_log
from lib.module import adds_up, load, loaded, set_parameter, shrink, statistics, unload, write
from lib.processes import burn_and_sleep, child, kill, process, wait_until
from lib.results import equal, ok, run
from lib.samples import samples


def at_rest():
    """The statistics after sampling has stopped; the last pass is complete."""
    write("stop")
    return statistics()


def each_counter():
    with loaded(period_ms=3_600_000), process(burn_and_sleep) as one, process() as two:
        zero = statistics()
        equal({name: value for name, value in zero.items() if value}, {}, "all counters begin at zero")
        write(f"{one} {two}")
        equal(statistics()["targets"], 2, "targets")
        # Both are in each pass.
        set_parameter("period_ms", 5)
        ok(wait_until(lambda: statistics()["passes"] > 50), "passes are counted")
        numbers = at_rest()
        shown = samples()
        equal(numbers["created"], len(shown), "created: all samples")
        equal(numbers["alive"], len(shown), "alive: the samples that are shown")
        equal((numbers["evicted"], numbers["removed"]), (0, 0), "nothing is evicted or removed yet")
        ok(numbers["pass_ns"] > 0, "pass_ns: the time of passes")
        # One sample when a task is added, one in each pass.
        equal(numbers["created"], 2 * (numbers["passes"] + 1), "created: one sample for each task in each pass")
        write(f"-{two}")
        of_one = len(samples(pid=one))
        numbers = statistics()
        equal(numbers["removed"], len(shown) - of_one, "removed: the samples of a removed task")
        equal(numbers["targets"], 1, "targets: one less")
        write("clear")
        numbers = statistics()
        equal((numbers["removed"], numbers["alive"]), (len(shown), 0), "removed: the samples that clear frees")
        write("start")
        wait_until(lambda: statistics()["alive"] > 20)
        alive = at_rest()["alive"]
        set_parameter("max_samples", 5)
        numbers = statistics()
        equal((numbers["evicted"], numbers["alive"]), (alive - 5, 5), "evicted: the samples beyond max_samples")
        shrink(1_000_000)
        numbers = statistics()
        equal((numbers["evicted"], numbers["alive"]), (alive, 0), "evicted: the samples that the shrinker frees")
        equal(numbers["created"], numbers["evicted"] + numbers["removed"],
              "created = evicted + removed when no sample is left")
        equal((numbers["lost"], numbers["reserve"], numbers["recycled"]), (0, 0, 0),
              "no allocation failed")
        ok(adds_up(numbers), "created = alive + evicted + removed")


def under_load():
    """Two threads do all that changes counters while the test reads them."""
    with loaded(period_ms=1), process(burn_and_sleep) as one, process() as two, process() as three:
        end = threading.Event()

        def commands():
            while not end.is_set():
                for text in (f"{one} {two}", f"{three}", "clear", f"-{two}", f"-{one} clear -{three}"):
                    write(text)

        def pressure():
            while not end.is_set():
                shrink(3)
                shrink(1000)
                set_parameter("max_samples", 1)
                set_parameter("max_samples", 1000)

        threads = [threading.Thread(target=each) for each in (commands, pressure)]
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
        equal(wrong[:3], [], "4,000 reads under load: created = alive + evicted + removed")
        equal(falling[:3], [], "4,000 reads under load: no counter falls")
        ok(all(last[name] > 0 for name in ("created", "evicted", "removed")),
           "samples were created, evicted and removed", last)


def line_at_unload():
    for last_step in ("", "clear", "evict", "removed"):
        load(period_ms=5)
        pid = child(burn_and_sleep)
        write(pid)
        wait_until(lambda: statistics()["created"] > 20)
        at_rest()
        if last_step == "clear":
            write("clear")
        elif last_step == "evict":
            shrink(1_000_000)
        elif last_step == "removed":
            write(f"-{pid}")
        numbers = statistics()
        unload()
        kill(pid)
        lines = [line for line in kernel_log() if line.startswith("taskmonitor: created")]
        expected = "taskmonitor: created {created} evicted {evicted} removed {removed} alive {alive}"
        ok(lines and re.fullmatch(expected.format(**numbers), lines[-1]),
           f"the line at unload has the last statistics ({last_step or 'nothing freed'})",
           f"{lines[-1:]} {numbers}")


run(each_counter, under_load, line_at_unload)
