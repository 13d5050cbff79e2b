#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Memory is bounded by what is held: one old sample keeps its own moment and not all those since, a reader
# that stands still keeps one segment; `bytes` counts that one too, and the shrinker what is free.
# Where a moment is in the machine counted in instructions, 100,000 passes take little.
#
# kernels: uml x86_64
# boot: --icount

import os
import random
import signal

from lib.kernel_state import sample_slabs, sanitized
from lib.module import DEBUGFS, loaded, set_parameter, shrink, shrinkable, statistics, wait_for_passes, write
from lib.processes import child, consume_little, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems, samples

SEED = 20261125
# Moments of so many passes are kept for histories that are being written.
SPAN = 4096
PASSES = 16_000 if sanitized() else 100_000
PASSES_BEHIND_A_READER = 8_000 if sanitized() else 16_000
LIVES = 60


def pass_on_with(pid, passes):
    """Passes of a task whose samples are not kept."""
    write(pid)
    wait_for_passes(passes, 600)
    write(f"-{pid}")


def end_after(passes):
    """A task that lives for some passes; its number once it has ended and its last sample is there."""
    pid = child(consume_little)
    write(pid)
    begin = statistics()["passes"]
    wait_until(lambda: statistics()["passes"] >= begin + passes)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_until(lambda: (of_it := samples(pid=pid)) and of_it[-1].exit)
    return pid


def behind_an_old_sample():
    """The case of the flight recorder: it ended long ago, and others have gone on."""
    with loaded(period_ms=1, max_samples=10), process() as other:
        old = end_after(30)
        shown = samples(pid=old)
        equal(len(shown), 10, "a task that ended has ten samples")
        write(other)
        wait_for_passes(5000, 600)
        first = statistics()["bytes"]
        wait_for_passes(PASSES, 600)
        last = statistics()["bytes"]
        note(f"{first} bytes after 5,000 passes, {last} after {PASSES} more")
        ok(last <= first * 3 // 2, f"{PASSES} passes later it takes no more", (first, last))
        equal(samples(pid=old), shown, "and is shown as it was")
        write(f"stop -{other}")
        could_go = shrinkable()
        ok(could_go <= 8, "with nothing else held, there are few segments", could_go)
        equal(samples(pid=old), shown, "it is still shown as it was")
        shrink(1_000_000)
        equal((statistics()["bytes"], shrinkable()), (0, 0), "when that goes, all goes")


def lives_in_between():
    """Lives spread over time keep the moments between their samples, in whatever order they go."""
    random.seed(SEED)
    with loaded(period_ms=1), process() as other:
        noted = {}
        for index in range(LIVES):
            pid = end_after(random.choice((0, 1, 2, 5, 20, 50)))
            noted[pid] = samples(pid=pid)
            if index % 20 == 0:
                pass_on_with(other, SPAN // 20)
        # No moment is kept just because it is young.
        pass_on_with(other, SPAN + 1000)
        write("stop")
        note(statistics())

        def wrong(pids):
            now = {pid: [] for pid in noted}
            for each in samples():
                now[each.pid].append(each)
            # Of one that is left something may have been evicted, the oldest.
            return [pid for pid in pids if now[pid] != noted[pid][-len(now[pid]):]]
        equal(sum(map(len, noted.values())), statistics()["alive"], "all samples are there")
        equal(wrong(noted), [], f"{LIVES} short lives, each with its own times")
        equal(problems([each for shown in noted.values() for each in shown])[:3], [], "which are in order")
        for pid in random.sample(sorted(noted), LIVES // 2):
            write(f"-{pid}")
            del noted[pid]
        equal(wrong(noted), [], "half of them removed: the others as they were")
        shrink(shrinkable() // 2)
        left = {each.pid for each in samples()}
        ok(0 < len(left) < len(noted), "of the rest some are evicted", len(left))
        equal(wrong(left), [], "half of the rest evicted: the others as they were")
        write("clear")
        equal(statistics()["bytes"], 0, "cleared: nothing is left")


def behind_a_reader():
    """A reader stands still in a history that is trimmed behind it."""
    with loaded(period_ms=1, max_samples=2000), process(consume_little) as one:
        write(one)
        wait_for_passes(1000, 600)
        fd = os.open(DEBUGFS, os.O_RDONLY)
        text = os.read(fd, 1)
        wait_for_passes(SPAN + 1000, 600)
        before = sum(slab.active for slab in sample_slabs())
        wait_for_passes(PASSES_BEHIND_A_READER, 600)
        after = sum(slab.active for slab in sample_slabs())
        note(f"{before} objects are in use, {PASSES_BEHIND_A_READER} passes later {after}")
        ok(after - before <= 32, "a reader that stands still keeps a bounded number of segments",
           (before, after))
        write("stop")
        shrink(1_000_000)
        numbers = statistics()
        equal((numbers["alive"], shrinkable()), (0, 0), "all is evicted")
        ok(0 < numbers["bytes"] <= 512, "'bytes' is the segment that the reader stands in", numbers)
        while got := os.read(fd, 4096):
            text += got
        equal(problems(parse(text.decode())), [], "the reader has seen a history in order")
        os.close(fd)
        equal(statistics()["bytes"], 0, "and leaves nothing")


def freed_is_free():
    """Readers stand in the oldest segments of many: the shrinker goes on to others for them, no further."""
    readers, targets = 20, 60
    with loaded(period_ms=1), process() as other:
        pids = [child(signal.pause) for _ in range(targets)]
        # So many that each begins in another target.
        fds = []
        set_parameter("period_ms", 3_600_000)
        for pid in pids:
            write(pid)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
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
        ok(bytes_before - bytes_after >= 10 * 160, "asked for ten objects, it frees ten",
           (bytes_before, bytes_after))
        ok(left >= whole - 10 - readers - 2, "and evicts no more than it must", (whole, left))
        for fd in fds:
            os.close(fd)


run(behind_an_old_sample, lives_in_between, behind_a_reader, freed_is_free)
