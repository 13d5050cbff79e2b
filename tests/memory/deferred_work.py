#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Work items do what a fork or reclaim must not do itself: one frees the history of a target that a fork has
# displaced; one shrinks the slab caches, and does not run for each eviction. The runs are counted by
# the kernel's tracepoint for work items.
#
# kernels: uml x86_64
# boot: --cpus 2

import os
import time

from lib.module import adds_up, loaded, set_parameter, shrink, statistics, write
from lib.processes import burn_and_sleep, child, consume_little, idle_threads, kill, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.tracing import work_items_traced



def displaced_target():
    with loaded(period_ms=1, max_samples=0):
        write(f"tree:{os.getpid()}")
        old = child(consume_little, 0.0001)
        ok(wait_until(lambda: statistics()["passes"] > 3000), "a followed child has a long history")
        kill(old)
        ok(wait_until(lambda: (of_it := samples(pid=old)) and of_it[-1].exit), "it has an exit sample")
        long = len(samples(pid=old))
        set_parameter("max_targets", statistics()["targets"])
        before = statistics()
        wrong = []
        with work_items_traced() as count:
            for _ in range(50):
                os.waitpid(child(os.getpid), 0)
                if not adds_up(numbers := statistics()):
                    wrong.append(numbers)
            equal(samples(pid=old), [], "a fork displaces the ended target")
            freed = wait_until(lambda: statistics()["evicted"] >= before["evicted"] + long, 20)
            ok(freed, "its samples are counted as evicted", (before, statistics(), long))
            ok(count() >= 1, "a work item has run", count())
        equal(wrong[:3], [], "created = alive + evicted + removed at every read")
        write("stop")
        # Targets that were displaced last are freed a second later.
        ok(wait_until(lambda: statistics()["alive"] == len(samples())), "'alive' is the number of samples shown",
           (statistics(), len(samples())))
        equal(problems(samples())[:3], [], "the history is in order")


def unloaded_meanwhile():
    """Unloads while displaced histories are still to be freed."""
    for _ in range(10):
        with loaded(period_ms=1, max_targets=2):
            write(f"tree:{os.getpid()}")
            for _ in range(20):
                os.waitpid(child(os.getpid), 0)
    ok(True, "the module can be unloaded right after forks have displaced targets")


def repeated_eviction():
    """Evictions for several seconds."""
    with loaded(period_ms=5), process(burn_and_sleep) as other, idle_threads(20) as tids:
        write(" ".join(map(str, [other, *tids])))
        with work_items_traced() as count:
            begin = time.monotonic()
            evictions = 0
            while time.monotonic() < begin + 7:
                shrink(30)
                evictions += 1
            ok(wait_until(lambda: count() >= 1, 20), "a work item shrinks the slab caches")
            seconds = time.monotonic() - begin
            times = count()
            note(f"{evictions} evictions in {seconds:.1f} s, {times} work items")
            ok(times <= seconds / 2 + 1, "at most one work item in two seconds", (times, seconds))
        ok(evictions > 20, "there were many more evictions", evictions)


run(displaced_target, unloaded_meanwhile, repeated_eviction)
