#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# What a fork or reclaim must not do itself, a work item does: it frees the history of a target that a fork
# displaced, and gives slab pages back, once for a whole episode of evictions. The witness is the
# kernel's tracepoint for work items.
#
# kernels: uml x86_64
# boot: --cpus 2

import os
import signal
import time

from lib.module import adds_up, loaded, set_parameter, shrink, statistics, write
from lib.processes import burn_and_sleep, child, consume_little, idle_threads, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.tracing import work_items_traced



def displaced():
    with loaded(period_ms=1, max_samples=0):
        write(f"tree:{os.getpid()}")
        old = child(consume_little, 0.0001)
        ok(wait_until(lambda: statistics()["passes"] > 3000), "a followed child gets a long history")
        os.kill(old, signal.SIGKILL)
        os.waitpid(old, 0)
        ok(wait_until(lambda: (of_it := samples(pid=old)) and of_it[-1].exit), "and ends")
        long = len(samples(pid=old))
        set_parameter("max_targets", statistics()["targets"])
        before = statistics()
        wrong = []
        with work_items_traced() as count:
            for _ in range(50):
                os.waitpid(child(os.getpid), 0)
                if not adds_up(numbers := statistics()):
                    wrong.append(numbers)
            equal(samples(pid=old), [], "a fork displaces it")
            freed = wait_until(lambda: statistics()["evicted"] >= before["evicted"] + long, 20)
            ok(freed, "and its samples are evicted", (before, statistics(), long))
            ok(count() >= 1, "by a work item", count())
        equal(wrong[:3], [], "the counters add up at every read")
        write("stop")
        shown = samples()
        equal(statistics()["alive"], len(shown), "what is alive is shown")
        equal(problems(shown)[:3], [], "in order")


def unloaded_meanwhile():
    """With displaced histories still to be freed."""
    for _ in range(10):
        with loaded(period_ms=1, max_targets=2):
            write(f"tree:{os.getpid()}")
            for _ in range(20):
                os.waitpid(child(os.getpid), 0)
    ok(True, "unloaded right behind forks that displace")


def one_episode():
    """Evictions go on for seconds."""
    with loaded(period_ms=5), process(burn_and_sleep) as other, idle_threads(20) as tids:
        write(" ".join(map(str, [other, *tids])))
        with work_items_traced() as count:
            begin = time.monotonic()
            evictions = 0
            while time.monotonic() < begin + 7:
                shrink(30)
                evictions += 1
            ok(wait_until(lambda: count() >= 1, 20), "slab pages are given back")
            seconds = time.monotonic() - begin
            times = count()
            note(f"{evictions} evictions in {seconds:.1f} s, slab pages given back {times} times")
            ok(times <= seconds / 2 + 1, "seconds apart", (times, seconds))
        ok(evictions > 20, "evictions went on meanwhile", evictions)


run(displaced, unloaded_meanwhile, one_episode)
