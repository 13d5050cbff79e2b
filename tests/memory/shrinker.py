#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The shrinker, driven by hand: it counts what could go, gives the oldest first across all tasks,
# so that whole slabs come free, and the history goes on behind it with no hole.
#
# kernels: uml x86_64
# boot: --cpus 2

import os
from collections import Counter

from lib.kernel_state import sample_slabs, shrink_slabs
from lib.module import (SHRINKERS, adds_up, is_loaded, loaded, set_parameter, shrink, shrinkable, shrinker,
                        statistics, wait_for_passes, write)
from lib.processes import burn_and_sleep, idle_threads, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples

TARGETS = 800
PERIOD_MS = 10


def slabs_of_samples():
    """The number of slabs that hold samples. Those of targets stay as long as the tasks are watched."""
    return sum(slab.slabs for slab in sample_slabs())


def nothing_to_give():
    equal(shrinkable(), 0, "nothing to give: it counts none")
    shrink(100)
    equal(statistics()["evicted"], 0, "and asked for 100, gives none")


def add_together(tids):
    """Adds them with no pass in between, however long that takes, and lets some go by."""
    set_parameter("period_ms", 3_600_000)
    for tid in tids:
        write(tid)
    set_parameter("period_ms", PERIOD_MS)
    wait_for_passes(5)


def oldest_first():
    """The first group of targets is older than the second, and goes before it."""
    with idle_threads(TARGETS) as tids:
        goes_first(tids[:TARGETS // 2], tids[TARGETS // 2:])


def goes_first(old, new):
    add_together(old)
    of_old = shrinkable()
    add_together(new)
    write("stop")
    before = Counter(each.pid for each in samples())
    whole, slabs_full = shrinkable(), slabs_of_samples()
    ok(whole >= TARGETS, "it counts at least one object for each target", whole)
    shrink(of_old // 2)
    gone = whole - shrinkable()
    ok(of_old // 2 <= gone <= of_old // 2 + 32, "asked for that many objects, it gives them",
       (of_old, gone))
    ok(statistics()["evicted"] > 0, "samples are counted as evicted")
    ok(adds_up(statistics()), "created = alive + evicted + removed", statistics())
    left = Counter(each.pid for each in samples())
    equal([pid for pid in new if left[pid] != before[pid]], [], "not one of the newer has lost any")
    survivors = [index for index, pid in enumerate(old) if pid in left]
    ok(0 < len(survivors) < len(old), "of the older ones some have lost theirs",
       (len(survivors), len(old)))
    equal(survivors, list(range(len(old) - len(survivors), len(old))),
          "those whose were begun first")
    shrink(whole * 9 // 10 - gone)
    shrink_slabs()
    slabs_left = slabs_of_samples()
    note(f"{slabs_full} slabs before, {slabs_left} with a tenth of the samples")
    ok(slabs_left <= slabs_full * 7 // 10, "with the objects, whole slabs go",
       (slabs_full, slabs_left))
    shrink(1_000_000)
    equal((statistics()["alive"], shrinkable(), samples()), (0, 0, []), "asked for all, it gives all")
    write("start")
    for tid in old + new:
        write(f"-{tid}")


def goes_on():
    """Behind an eviction the numbers go on."""
    with process(burn_and_sleep) as one, process() as two:
        write(f"{one} {two}")
        last = {}
        for _ in range(8):
            ok(wait_until(lambda: all(len(samples(pid=pid)) > 5 for pid in (one, two))),
               "samples come again")
            seen = samples()
            if found := problems(seen):
                ok(False, "the history is in order", found)
            for pid, before in last.items():
                first = next(each for each in seen if each.pid == pid)
                equal(first.num > before.num or before in seen, True, "what is left is the newest")
            last = {each.pid: each for each in seen}
            shrink(1_000_000)
        write("stop")
        numbers = statistics()
        shown = len(samples())
        equal(numbers["alive"], shown, "'alive' counts what is shown")
        write(f"start -{one} -{two}")


def all_caches():
    """drop_caches asks all shrinkers, ours too."""
    with process() as one:
        write(one)
        wait_for_passes(10)
        before = statistics()["evicted"]
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("2")
        ok(statistics()["evicted"] > before, "drop_caches evicts")
        write(f"-{one}")


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (nothing_to_give, oldest_first, goes_on, all_caches):
            part()
            ok(adds_up(statistics()), f"created = alive + evicted + removed after {part.__name__}", statistics())
        folder = shrinker()
    ok(not is_loaded() and not os.path.exists(folder), "with the module, the shrinker goes")
    ok(os.path.isdir(SHRINKERS), "and others stay")


run(main)
