#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# All slab allocations of the sampler fail for seconds. Each target still has a sample in each pass: memory
# comes first from the reserve, then from the oldest segments: those of tasks that have ended long before. The
# history stays in order. When allocations succeed again, neither is used any more.
#
# kernels: uml

import contextlib
import errno
import threading
import time

from lib.fault_injection import caches_fail, prepare, slab_fails_for
from lib.kernel_state import sampler_thread, slabs
from lib.module import adds_up, loaded, set_parameter, statistics, wait_for_passes, write
from lib.processes import idle_children, process, wait_until
from lib.results import equal, fails_with, note, ok, run
from lib.samples import problems, samples
from lib.tasks import tasks

TARGETS = 250
# The timestamps of passes need memory too, the more the less regular the passes are. With so many segments
# to recycle first, there are enough for all on a busy machine as well.
ENDED = 200
# How many samples of each target are looked at. A million would not fit the memory of the machine.
LATEST = 400
# More equal samples than this are in a segment that takes no other sample.
SPAN = 4096


@contextlib.contextmanager
def sleeping_threads(number):
    """That many sleeping threads of this process, for the length of the block: their thread IDs, and a
    function that makes each of them use some CPU time, once."""
    work, leave = threading.Event(), threading.Event()

    def live():
        work.wait()
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        leave.wait()

    threading.stack_size(64 * 1024)
    threads = [threading.Thread(target=live, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield [thread.native_id for thread in threads], work.set
    finally:
        work.set()
        leave.set()


def ended_targets():
    """The PIDs of targets that have ended and have a history, in the order in which that began."""
    with idle_children(ENDED) as (_, pids):
        for pid in pids:
            write(pid)
    ok(wait_until(lambda: sum(each.ended is not None for each in tasks()) == ENDED), "targets have ended")
    return pids


def allocations_fail(ended, tids, work):
    """All targets need new memory at about the same time: when they no longer idle."""
    sampler = sampler_thread()
    for tid in tids:
        write(tid)
    ok(wait_until(lambda: min(each.next for each in tasks() if each.ended is None) > SPAN + 10, 240),
       "all other targets idle for long")
    with slab_fails_for(sampler):
        write("stop")
        before = statistics()
        write("start")
        work()
        ok(wait_until(lambda: statistics()["recycled"] > 100, 240), "'recycled' counts up", statistics())
        wait_for_passes(500)
        write("stop")
        set_parameter("max_samples", LATEST)
        after, history = statistics(), samples()
        note(after)
        ok(after["reserve"] >= 32, "'reserve' counts up", after)
        ok(adds_up(after), "created = alive + evicted + removed", after)
        periods = after["passes"] - before["passes"]
        made = after["created"] - before["created"]
        equal(made, periods * TARGETS, "each target has a sample in each pass")
        equal(after["alive"], len(history), "'alive' is the number of samples shown")
        equal(problems(history)[:3], [], "the history is in order, without a gap")
        last = {each.pid: each for each in history if each.pid not in ended}
        equal(len(last), TARGETS, "each target has a history")
        newest = max(each.time for each in history)
        equal([each for each in last.values() if each.time < newest], [], "each history ends with the last pass")
        left = {each.pid for each in history}
        is_left = [pid in left for pid in ended]
        equal((is_left[0], is_left), (False, sorted(is_left)), "the histories that began first are evicted first")
        write("-ended")
        write("start")
        wait_for_passes(50)


def allocations_succeed_again():
    before = statistics()
    # Each target now needs new memory.
    write("clear")
    wait_for_passes(20)
    write("stop")
    after = statistics()
    equal((after["reserve"], after["recycled"]), (before["reserve"], before["recycled"]),
          "when allocations succeed again, 'reserve' and 'recycled' stay the same")
    ok(adds_up(after), "created = alive + evicted + removed", after)
    equal(problems(samples())[:3], [], "the history is in order")
    write("start")


def adding():
    """Adding a task gives ENOMEM if its memory cannot be allocated."""
    names = [slab.name for slab in slabs()]
    with process() as one:
        with caches_fail(*names):
            fails_with(errno.ENOMEM, lambda: write(one), "adding without any memory gives ENOMEM")
            equal(statistics()["targets"], 0, "no target is added")
        for name in names:
            with caches_fail(name):
                try:
                    write(one)
                except OSError as error:
                    equal(error.errno, errno.ENOMEM, f"adding without memory from {name} gives ENOMEM")
                    equal(statistics()["targets"], 0, "no target is added")
            if not statistics()["targets"]:
                write(one)
            ok(wait_until(lambda: samples(pid=one)), f"the task is sampled, with or without memory from {name}")
            write(f"-{one}")


def nothing_to_recycle():
    """No segment can be recycled because all histories are empty."""
    sampler = sampler_thread()
    with slab_fails_for(sampler):
        for _ in range(20):
            write("clear")
            wait_for_passes(3)
    history = samples()
    equal(problems(history)[:3], [], "clear again and again without memory: the history is in order")
    ok(adds_up(statistics()), "created = alive + evicted + removed", statistics())
    wait_for_passes(20)
    last = {each.pid for each in samples()}
    equal(len(last), TARGETS, "afterwards each target is sampled")


def with_threads(ended, tids, work):
    allocations_fail(ended, tids, work)
    allocations_succeed_again()
    nothing_to_recycle()
    write(" ".join(f"-{tid}" for tid in tids))


def main():
    prepare()
    with loaded(period_ms=1):
        # Before the threads: a process with threads must not fork processes that go on in Python.
        ended = ended_targets()
        with sleeping_threads(TARGETS) as (tids, work):
            with_threads(ended, tids, work)
        adding()


run(main)
