#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Memory is bounded by the samples that are kept. An old sample keeps its own timestamp, not all later ones. A
# reader that does not continue keeps one segment, which `bytes` counts; the shrinker counts only what it frees.
# --icount makes the 100,000 passes on x86_64 cheap.
#
# kernels: uml x86_64
# boot: --icount

import os
import random
import signal

from lib.kernel_state import sample_slabs, sanitized
from lib.module import DEBUGFS, loaded, set_parameter, shrink, shrinkable, statistics, wait_for_passes, write
from lib.processes import child, consume_little, kill, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems, samples

SEED = 20261125
# Timestamps of so many passes are kept for histories that are being written.
SPAN = 4096
PASSES = 16_000 if sanitized() else 100_000
PASSES_BEHIND_A_READER = 8_000 if sanitized() else 16_000
SHORT_TASKS = 60


def watch_for(pid, passes):
    """Watches a task for that many passes and then frees its samples."""
    write(pid)
    wait_for_passes(passes, 600)
    write(f"-{pid}")


def end_after(passes):
    """Watches a new task for that many passes and kills it. Its PID, once it has its exit sample."""
    pid = child(consume_little)
    write(pid)
    begin = statistics()["passes"]
    wait_until(lambda: statistics()["passes"] >= begin + passes)
    kill(pid)
    wait_until(lambda: (of_it := samples(pid=pid)) and of_it[-1].exit)
    return pid


def old_samples():
    """A task that ended long ago, while others are still sampled."""
    with loaded(period_ms=1, max_samples=10), process() as other:
        old = end_after(30)
        shown = samples(pid=old)
        equal(len(shown), 10, "an ended task has ten samples")
        write(other)
        wait_for_passes(5000, 600)
        first = statistics()["bytes"]
        wait_for_passes(PASSES, 600)
        last = statistics()["bytes"]
        note(f"{first} bytes after 5,000 passes, {last} after {PASSES} more")
        ok(last <= first * 3 // 2, f"{PASSES} passes later 'bytes' has not grown", (first, last))
        equal(samples(pid=old), shown, "the old samples are unchanged")
        write(f"stop -{other}")
        segments = shrinkable()
        ok(segments <= 8, "the old samples alone take few segments", segments)
        equal(samples(pid=old), shown, "the old samples are still unchanged")
        shrink(1_000_000)
        equal((statistics()["bytes"], shrinkable()), (0, 0), "after eviction no memory is left")


def short_tasks():
    """Short-lived tasks at different times keep their timestamps, in whatever order samples are freed."""
    random.seed(SEED)
    with loaded(period_ms=1), process() as other:
        noted = {}
        for index in range(SHORT_TASKS):
            pid = end_after(random.choice((0, 1, 2, 5, 20, 50)))
            noted[pid] = samples(pid=pid)
            if index % 20 == 0:
                watch_for(other, SPAN // 20)
        # After so many passes, none of these timestamps is kept only because it is recent.
        watch_for(other, SPAN + 1000)
        write("stop")
        note(statistics())

        def wrong(pids):
            now = {pid: [] for pid in noted}
            for each in samples():
                now[each.pid].append(each)
            # The oldest samples of a task may have been evicted.
            return [pid for pid in pids if now[pid] != noted[pid][-len(now[pid]):]]
        equal(sum(map(len, noted.values())), statistics()["alive"], "all samples are kept")
        equal(wrong(noted), [], f"{SHORT_TASKS} short-lived tasks: the samples are unchanged")
        equal(problems([each for shown in noted.values() for each in shown])[:3], [], "their history is in order")
        for pid in random.sample(sorted(noted), SHORT_TASKS // 2):
            write(f"-{pid}")
            del noted[pid]
        equal(wrong(noted), [], "half of them removed: the others are unchanged")
        shrink(shrinkable() // 2)
        left = {each.pid for each in samples()}
        ok(0 < len(left) < len(noted), "half of the rest evicted: some tasks have no samples", len(left))
        equal(wrong(left), [], "half of the rest evicted: the others are unchanged")
        write("clear")
        equal(statistics()["bytes"], 0, "clear: no memory is left")


def beyond_histories():
    """How many objects are in use that the shrinker could not free: those of readers, and the reserve. How many it
    could free depends on how regular the passes are."""
    return sum(slab.active for slab in sample_slabs()) - shrinkable()


def waiting_reader():
    """A reader stops in the middle of a history while max_samples evicts its samples."""
    with loaded(period_ms=1, max_samples=2000), process(consume_little) as one:
        write(one)
        wait_for_passes(1000, 600)
        fd = os.open(DEBUGFS, os.O_RDONLY)
        text = os.read(fd, 1)
        wait_for_passes(SPAN + 1000, 600)
        before = beyond_histories()
        wait_for_passes(PASSES_BEHIND_A_READER, 600)
        after = beyond_histories()
        note(f"{before} objects are in use beyond those of histories, {PASSES_BEHIND_A_READER} passes later {after}")
        ok(after - before <= 32, "a reader that does not continue keeps a bounded number of segments",
           (before, after))
        write("stop")
        shrink(1_000_000)
        numbers = statistics()
        equal((numbers["alive"], shrinkable()), (0, 0), "all samples are evicted")
        ok(0 < numbers["bytes"] <= 512, "'bytes' is the reader's segment", numbers)
        while got := os.read(fd, 4096):
            text += got
        equal(problems(parse(text.decode())), [], "the reader reads a history in order")
        os.close(fd)
        equal(statistics()["bytes"], 0, "after the reader has closed the file no memory is left")


def freed_is_free():
    """Readers hold the oldest segments of many tasks. The shrinker frees as many others instead, and no more."""
    readers, targets = 20, 60
    with loaded(period_ms=1), process() as other:
        pids = [child(signal.pause) for _ in range(targets)]
        # Each reader stops in the history of another target.
        fds = []
        set_parameter("period_ms", 3_600_000)
        for pid in pids:
            write(pid)
        for pid in pids:
            kill(pid)
        set_parameter("period_ms", 1)
        wait_until(lambda: sum(each.exit for each in samples()) == targets)
        write(f"{other} stop")
        whole = shrinkable()
        for index in range(readers):
            fd = os.open(DEBUGFS, os.O_RDONLY)
            for _ in range(index + 1):
                os.read(fd, 40)
            fds.append(fd)
        bytes_before = statistics()["bytes"]
        shrink(10)
        bytes_after, left = statistics()["bytes"], shrinkable()
        note(f"{whole} objects, {left} left; {bytes_before} bytes, {bytes_after} left")
        # The first segment of a history takes 160 bytes.
        ok(bytes_before - bytes_after >= 10 * 160, "asked for ten objects, the shrinker frees ten",
           (bytes_before, bytes_after))
        ok(left >= whole - 10 - readers - 2, "it evicts no more than necessary", (whole, left))
        for fd in fds:
            os.close(fd)


run(old_samples, short_tasks, waiting_reader, freed_is_free)
