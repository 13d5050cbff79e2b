#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The samples of idle tasks: they take almost no memory, and are read like those of a busy task. Their history
# is evicted bit by bit, the oldest samples first, also while somebody reads it. --icount makes the 70,000 passes
# on x86_64 cheap.
#
# kernels: uml x86_64
# boot: --icount

import itertools
import os
import re
import signal

from lib.kernel_state import sample_slabs, sanitized
from lib.module import (DEBUGFS, adds_up, loaded, read, set_parameter, shrink, shrinkable, statistics,
                        wait_for_passes, write)
from lib.processes import child, consume_little, idle_threads, kill, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems, samples
from lib.tasks import tasks, wait_for_end

# A segment of an idle task holds at most so many samples. This is more than two bytes can count.
PASSES = 17_000 if sanitized() else 72_000
# As many as an idle task's samples that are evicted together.
SPAN = 4096
SPANS = 3 if sanitized() else 5
IDLE = 100
SEGMENT = 512
BEING_FREED = 2 * SEGMENT


def watch(pids):
    """Watches the tasks from the same pass on, at one pass each millisecond."""
    write("stop")
    for pid in pids:
        write(pid)
    write("start")


def wait_for_spans(number=SPANS):
    wait_for_passes(number * SPAN + SPAN // 4, 600)


def kept():
    """The numbers of the oldest sample kept and of the next one, by PID."""
    return {each.pid: (each.first, each.next) for each in tasks()}


def bytes_per_sample():
    """The timestamps are shared. So what an idle task's samples take is what is freed with those of many, while
    one more task is watched."""
    with loaded(period_ms=1), idle_threads(IDLE) as tids, process(consume_little) as busy:
        watch([*tids, busy])
        wait_for_passes(PASSES, 900)
        write("stop")
        count = kept()[tids[0]][1]
        history_is_whole(tids[0], busy)
        before = statistics()["bytes"]
        for tid in tids[1:]:
            write(f"-{tid}")
        each = (before - statistics()["bytes"]) / (IDLE - 1)
        note(f"{before} bytes; {each} bytes for {count} samples of an idle task: {each / count:.4f} each")
        ok(each / count <= 0.01, "a sample of an idle task takes at most 0.01 bytes", (each, count))
        whole = statistics()
        write(f"-{busy}")
        history_is_whole(tids[0])
        equal(statistics()["alive"], count, "the samples of the idle task are alive")
        write(f"-{tids[0]}")
        equal(statistics()["bytes"], 0, "when all are removed, no memory is left")
        equal(sum(slab.active for slab in sample_slabs()), 0, "and no object in the slab caches")
        ok(adds_up(whole) and adds_up(statistics()), "created = alive + evicted + removed", (whole, statistics()))


def history_is_whole(idle, busy=None):
    """The idle task has every sample, and each has the time that the busy task's sample of that pass has."""
    text = read()
    lines = {pid: re.findall(rf"^pid:{pid} num:(\d+) : (usr \d+ sys \d+) .*?time (\d+)$", text, re.M)
             for pid in (idle, busy) if pid}
    numbers, totals, times = zip(*lines[idle])
    equal((int(numbers[0]), int(numbers[-1]) + 1), kept()[idle], "all samples of an idle task are shown")
    equal(list(map(int, numbers)), list(range(len(numbers))), "they are numbered without a gap")
    equal(len(set(totals)), 1, "they are the same")
    times = list(map(int, times))
    ok(all(before < after for before, after in itertools.pairwise(times)), "the time rises from each to the next")
    if busy:
        equal([int(time) for _, _, time in lines[busy]] == times, True,
              "their times are those of a busy task's samples of the same passes")


class Suffixes:
    """Checks, while samples are evicted, that each history keeps its newest samples, without a gap."""

    def __init__(self, pids):
        self.pids = set(pids)
        self.first = {pid: [0] for pid in pids}
        self.wrong = []

    def check(self):
        shown = [each for each in samples() if each.pid in self.pids]
        self.wrong += problems(shown)
        by_pid = {pid: list(group) for pid, group in itertools.groupby(shown, key=lambda each: each.pid)}
        for pid, (first, after) in kept().items():
            if pid in self.pids:
                numbers = [each.num for each in by_pid.get(pid, [])]
                if numbers != list(range(first, after)):
                    self.wrong.append((pid, first, after, numbers[:1], numbers[-1:]))
                if first < self.first[pid][-1]:
                    self.wrong.append((pid, first, self.first[pid]))
                self.first[pid].append(first)
        if not adds_up(statistics()):
            self.wrong.append(statistics())

    def report(self, name):
        equal(self.wrong[:3], [], f"{name}: what is left are the newest samples, without a gap")


def by_pressure():
    """The shrinker takes one segment after the other from a stopped recorder."""
    with loaded(period_ms=1), idle_threads(3) as tids:
        old = [child(signal.pause) for _ in range(5)]
        watch([*old, *tids])
        wait_for_passes(20)
        for pid in old:
            kill(pid)
        ok(wait_for_end(*old), "some tasks have ended")
        wait_for_spans()
        write("stop")
        suffixes, early = Suffixes(tids), []
        while shrinkable():
            before = statistics()["bytes"]
            shrink(1)
            if statistics()["bytes"] >= before:
                suffixes.wrong.append(("nothing is freed", before))
            suffixes.check()
            left = kept()
            if any(left[tid][0] for tid in tids) and any(first < after for first, after in map(left.get, old)):
                early.append(left)
        suffixes.report("memory pressure")
        equal(early[:1], [], "the samples of tasks that ended before are evicted first")
        note({tid: sorted(set(first)) for tid, first in suffixes.first.items()})
        equal([tid for tid in tids if len(set(suffixes.first[tid])) < SPANS], [],
              "an idle task's history is evicted bit by bit")
        ok(statistics()["bytes"] == statistics()["alive"] == 0, "at the end nothing is left", statistics())
        write("start")
        wait_for_passes(10)
        write("stop")
        suffixes.check()
        suffixes.report("afterwards")


def by_max_samples():
    """max_samples is lowered in small steps, while readers stand in the history."""
    with loaded(period_ms=1), idle_threads(2) as tids, process() as ended:
        watch([ended, *tids])
        wait_for_spans()
        kill(ended)
        ok(wait_for_end(ended), "one of the tasks ends")
        write("stop")
        pids = [ended, *tids]
        suffixes, whole = Suffixes(pids), statistics()["bytes"]
        end = {pid: after for pid, (_, after) in kept().items()}
        lowered, resumed = [], []
        for limit in range(max(end.values()) - SPAN // 3, 0, -SPAN // 3):
            fd = os.open(DEBUGFS, os.O_RDONLY)
            # It stands in the history of one task after the other.
            text = os.read(fd, 50 + 3000 * len(resumed))
            set_parameter("max_samples", limit)
            while part := os.read(fd, 65536):
                text += part
            os.close(fd)
            lowered.append(statistics()["bytes"])
            suffixes.check()
            shown = parse(text.decode())
            suffixes.wrong += problems(shown, may_be_overtaken=True)
            last = {each.pid: each.num for each in shown}
            if last != {pid: after - 1 for pid, after in end.items()}:
                suffixes.wrong.append(("a reader misses the end", last))
            resumed += [after.num for before, after in itertools.pairwise(shown)
                        if before.pid == after.pid and after.num != before.num + 1]
        suffixes.report("max_samples")
        note(f"{whole} bytes, then {lowered}; readers went on at {resumed}")
        ok(len(resumed) > SPANS // 2, "readers whose samples were evicted go on at later ones", resumed)
        ok(lowered[-1] * 2 < whole, "the memory of timestamps is freed too", (whole, lowered))
        last = statistics()
        write(f"clear -{ended}")
        equal((statistics()["bytes"], statistics()["removed"]), (0, last["removed"] + last["alive"]),
              "clear frees the rest")
        set_parameter("max_samples", 100)
        write("start")
        ok(wait_until(lambda: statistics()["evicted"] > last["evicted"] + SPAN), "samples are taken and evicted")
        ok(statistics()["bytes"] < whole // 2, "memory is bounded with a small max_samples", statistics())
        write("stop")
        suffixes.check()
        suffixes.report("a small max_samples")


def by_max_kib():
    """max_kib is lowered below what the idle tasks take, and exceeded by a busy one."""
    with loaded(period_ms=1), idle_threads(IDLE) as tids, process(consume_little) as busy:
        watch([*tids, busy])
        wait_for_spans(2)
        suffixes, most = Suffixes(tids), []
        whole = statistics()["bytes"]
        for kib in (whole // 1024 - 4, whole // 2048, 8, 1):
            write("start")
            set_parameter("max_kib", kib)
            evicted = statistics()["evicted"]
            most.append((max(statistics()["bytes"] for _ in range(50)), kib))
            ok(wait_until(lambda: statistics()["evicted"] > evicted), "samples are evicted")
            write("stop")
            suffixes.check()
        suffixes.report("max_kib")
        note(f"{whole} bytes without a bound; bytes and bound: {most}")
        equal([(size, kib) for size, kib in most if size > kib * 1024 + BEING_FREED], [],
              "the memory stays within the bound")


def while_sampling():
    """Readers, eviction and sampling at the same time."""
    with loaded(period_ms=1), idle_threads(4) as tids:
        watch(tids)
        wrong, rounds = [], 0
        for rounds in range(12):
            wait_for_passes(SPAN // 2)
            fd = os.open(DEBUGFS, os.O_RDONLY)
            text = os.read(fd, 100)
            # Two at the second time, so that runs of all lengths are met.
            shrink(1 + rounds % 3)
            while part := os.read(fd, 20_000):
                text += part
                if len(text) % 7 == 0:
                    shrink(1)
            os.close(fd)
            wrong += problems(parse(text.decode()), may_be_overtaken=True) + problems(samples())
        equal(wrong[:3], [], f"{rounds + 1} readers read histories in order while samples are taken and evicted")
        ok(statistics()["evicted"] > 0, "samples have been evicted", statistics())


run(bytes_per_sample, by_pressure, by_max_samples, by_max_kib, while_sampling)
