#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The sampler, every slab allocation of which fails for seconds: no period without a sample, first from
# the reserve, then from the oldest memory; the history stays in order; and all is as before once
# there is memory again.
#
# kernels: uml

import errno

from lib.fault_injection import caches_fail, prepare, slab_fails_for
from lib.kernel_state import sampler_thread, slabs
from lib.module import adds_up, loaded, statistics, wait_for_passes, write
from lib.processes import idle_threads, process, wait_until
from lib.results import equal, fails_with, note, ok, run
from lib.samples import problems, samples

TARGETS = 250


def starved(tids):
    """All targets began together, and so they take new memory together."""
    sampler = sampler_thread()
    for tid in tids:
        write(tid)
    with slab_fails_for(sampler):
        write("stop")
        before = statistics()
        write("start")
        ok(wait_until(lambda: statistics()["recycled"] > 100, 240), "the reserve, and then the oldest",
           statistics())
        wait_for_passes(500)
        write("stop")
        after, history = statistics(), samples()
        note(after)
        ok(after["reserve"] >= 32, "'reserve' counted up", after)
        ok(adds_up(after), "created = alive + evicted + removed", after)
        periods = after["passes"] - before["passes"]
        made = after["created"] - before["created"]
        equal(made, periods * TARGETS, "each target had a sample in each pass")
        equal(after["alive"], len(history), "'alive' is what there is to read")
        equal(problems(history)[:3], [], "the history is in order, with no hole")
        last = {each.pid: each for each in history}
        equal(len(last), TARGETS, "every target has a history")
        newest = max(each.time for each in history)
        equal([each for each in last.values() if each.time < newest], [], "up to the last pass")
        first = {}
        for each in history:
            first.setdefault(each.pid, each.num)
        ok(any(first.values()), "the oldest has gone")
        write("start")
        wait_for_passes(50)


def recovered():
    before = statistics()
    # Each target begins anew, with memory of its own.
    write("clear")
    wait_for_passes(20)
    write("stop")
    after = statistics()
    equal((after["reserve"], after["recycled"]), (before["reserve"], before["recycled"]),
          "with memory there again, neither the reserve nor the oldest is touched")
    ok(adds_up(after), "created = alive + evicted + removed", after)
    equal(problems(samples())[:3], [], "the history is in order")
    write("start")


def adding():
    """What cannot be had is told."""
    names = [slab.name for slab in slabs()]
    with process() as one:
        with caches_fail(*names):
            fails_with(errno.ENOMEM, lambda: write(one), "adding with no memory for it")
            equal(statistics()["targets"], 0, "and nothing is added")
        for name in names:
            with caches_fail(name):
                try:
                    write(one)
                except OSError as error:
                    equal(error.errno, errno.ENOMEM, f"adding without {name}")
                    equal(statistics()["targets"], 0, "and nothing is added")
            if not statistics()["targets"]:
                write(one)
            ok(wait_until(lambda: samples(pid=one)), f"added, with or without {name}")
            write(f"-{one}")


def nothing_to_recycle():
    """Even with nothing in any history there are numbers, and no harm."""
    sampler = sampler_thread()
    with slab_fails_for(sampler):
        for _ in range(20):
            write("clear")
            wait_for_passes(3)
    history = samples()
    equal(problems(history)[:3], [], "cleared over and over without memory: in order")
    ok(adds_up(statistics()), "and it adds up", statistics())
    wait_for_passes(20)
    last = {each.pid for each in samples()}
    equal(len(last), TARGETS, "afterwards every target is sampled")


def main():
    prepare()
    with idle_threads(TARGETS) as tids, loaded(period_ms=1):
        starved(tids)
        recovered()
        nothing_to_recycle()
        write(" ".join(f"-{tid}" for tid in tids))
        adding()


run(main)
