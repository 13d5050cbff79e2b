#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The shrinker, called through its debugfs files: it counts the objects that can be freed, and frees the oldest
# of all tasks first, so that whole slabs become free. Histories continue without a gap.
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


def without_samples():
    equal(shrinkable(), 0, "without samples it counts 0 objects")
    shrink(100)
    equal(statistics()["evicted"], 0, "without samples it evicts none")


def add_together(tids):
    """Adds the threads without a pass in between, and waits for some passes."""
    set_parameter("period_ms", 3_600_000)
    for tid in tids:
        write(tid)
    set_parameter("period_ms", PERIOD_MS)
    wait_for_passes(5)


def oldest_first():
    """Samples of the first group of targets are older than those of the second, and are evicted first."""
    with idle_threads(TARGETS) as tids:
        evict_in_steps(tids[:TARGETS // 2], tids[TARGETS // 2:])


def evict_in_steps(old, new):
    add_together(old)
    of_old = shrinkable()
    add_together(new)
    write("stop")
    before = Counter(each.pid for each in samples())
    whole, slabs_full = shrinkable(), slabs_of_samples()
    ok(whole >= TARGETS, "it counts at least one object for each target", whole)
    shrink(of_old // 2)
    freed = whole - shrinkable()
    ok(of_old // 2 <= freed <= of_old // 2 + 32, "it frees as many objects as it is asked for",
       (of_old, freed))
    ok(statistics()["evicted"] > 0, "the samples are counted as evicted")
    ok(adds_up(statistics()), "created = alive + evicted + removed", statistics())
    left = Counter(each.pid for each in samples())
    equal([pid for pid in new if left[pid] != before[pid]], [], "no newer target has lost a sample")
    survivors = [index for index, pid in enumerate(old) if pid in left]
    ok(0 < len(survivors) < len(old), "some of the older targets have no samples left",
       (len(survivors), len(old)))
    equal(survivors, list(range(len(old) - len(survivors), len(old))),
          "these were added first")
    shrink(whole * 9 // 10 - freed)
    shrink_slabs()
    slabs_left = slabs_of_samples()
    note(f"{slabs_full} slabs before, {slabs_left} with a tenth of the samples")
    ok(slabs_left <= slabs_full * 7 // 10, "with nine tenths of the objects, many slabs are freed",
       (slabs_full, slabs_left))
    shrink(1_000_000)
    equal((statistics()["alive"], shrinkable(), samples()), (0, 0, []), "asked for all objects, it frees all")
    write("start")
    for tid in old + new:
        write(f"-{tid}")


def histories_continue():
    """After an eviction, sample numbers continue."""
    with process(burn_and_sleep) as one, process() as two:
        write(f"{one} {two}")
        last = {}
        for _ in range(8):
            ok(wait_until(lambda: all(len(samples(pid=pid)) > 5 for pid in (one, two))),
               "after an eviction samples are taken")
            seen = samples()
            if found := problems(seen):
                ok(False, "the history is in order", found)
            for pid, before in last.items():
                first = next(each for each in seen if each.pid == pid)
                equal(first.num > before.num or before in seen, True, "the samples that are left are the newest")
            last = {each.pid: each for each in seen}
            shrink(1_000_000)
        write("stop")
        numbers = statistics()
        shown = len(samples())
        equal(numbers["alive"], shown, "'alive' is the number of samples shown")
        write(f"start -{one} -{two}")


def drop_caches():
    """A write to drop_caches calls all shrinkers."""
    with process() as one:
        write(one)
        wait_for_passes(10)
        before = statistics()["evicted"]
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("2")
        ok(statistics()["evicted"] > before, "drop_caches evicts samples")
        write(f"-{one}")


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (without_samples, oldest_first, histories_continue, drop_caches):
            part()
            ok(adds_up(statistics()), f"created = alive + evicted + removed after {part.__name__}", statistics())
        folder = shrinker()
    ok(not is_loaded() and not os.path.exists(folder), "an unload removes the shrinker")
    ok(os.path.isdir(SHRINKERS), "the folder of shrinkers stays")


run(main)
