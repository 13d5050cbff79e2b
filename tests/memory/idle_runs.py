#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The samples of idle tasks: they take almost no memory, and are read like those of a busy task. Their history
# is evicted bit by bit, the oldest samples first, also while somebody reads it. --icount makes the 72,000 passes
# on x86_64 cheap.
#
# kernels: uml x86_64
# boot: --icount

import itertools
import os
import re
import signal

from lib.kernel_state import sanitized
from lib.module import (DEBUGFS, adds_up, loaded, read, set_parameter, shrink, shrinkable, statistics,
                        wait_for_passes, write)
from lib.processes import child, consume_little, idle_threads, kill, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems
from lib.tasks import tasks, wait_for_end

# So many samples of an idle task are evicted together.
SPAN = 4096
# Samples of a task that do not fit one segment, also if they are the same, because 16 bits do not count them.
PASSES = 2 * SPAN + 1000 if sanitized() else 72_000
SPANS = 2 if sanitized() else 3
# What has just been evicted is counted until it has been freed, after the lock has been released.
BEING_FREED = 2 * 512


def watch(pids):
    """Watches the tasks from the same pass on, at one pass each millisecond."""
    set_parameter("period_ms", 3_600_000)
    for pid in pids:
        write(pid)
    set_parameter("period_ms", 1)


def wait_for_spans(number=SPANS):
    """Waits for so many spans and a part of another one."""
    wait_for_passes(number * SPAN + SPAN // 4, 600)


def kept():
    """The numbers of the oldest sample kept and of the next one, by PID."""
    return {each.pid: (each.first, each.next) for each in tasks()}


def numbers(text):
    """The numbers of the samples in a text, by PID."""
    found = {}
    for pid, number in re.findall(r"^pid:(\d+) num:(\d+) :", text, re.M):
        found.setdefault(int(pid), []).append(int(number))
    return found


class Suffixes:
    """Checks again and again, while samples are evicted, that each history has its newest samples, without a gap,
    and that the statistics add up. `first` is the oldest sample at each check."""

    def __init__(self, pids):
        self.first = {pid: [0] for pid in pids}
        self.wrong = []

    def check(self):
        shown = numbers(read())
        for pid, (first, after) in kept().items():
            if shown.get(pid, []) != list(range(first, after)) or first < self.first[pid][-1]:
                self.wrong.append((pid, first, after, shown.get(pid, [])[::SPAN], self.first[pid]))
            self.first[pid].append(first)
        if not adds_up(statistics()):
            self.wrong.append(statistics())

    def report(self, name):
        equal(self.wrong[:3], [], f"{name}: what is left are the newest samples, without a gap")


def bytes_per_sample():
    """Timestamps are shared. So what idle tasks take is what is freed with them while another is still watched."""
    with loaded(period_ms=1), idle_threads(41) as (idle, *others), process(consume_little) as busy:
        watch([idle, *others, busy])
        wait_for_passes(PASSES, 900)
        write("stop")
        before = statistics()["bytes"]
        for tid in others:
            write(f"-{tid}")
        count = kept()[idle][1]
        each = (before - statistics()["bytes"]) / len(others)
        note(f"{count} samples of an idle task take {each} bytes, {each / count:.4f} each")
        # On a sanitized kernel there are not as many as fit a segment.
        ok(each <= (160 if sanitized() else count * 0.01), "a sample of an idle task takes at most 0.01 bytes")
        text = read()
        history_is_whole(text, idle, busy)
        write(f"-{busy}")
        ok(read() == "".join(line for line in text.splitlines(True) if line.startswith(f"pid:{idle} ")),
           "without the busy task, the samples of the idle one are unchanged")
        write(f"-{idle}")
        equal((statistics()["bytes"], statistics()["alive"]), (0, 0), "when all are removed, no memory is left")
        ok(adds_up(statistics()), "created = alive + evicted + removed", statistics())


def history_is_whole(text, idle, busy):
    """The idle task has every sample, and each has the time that the busy task's sample of that pass has."""
    lines = {pid: re.findall(rf"^pid:{pid} num:(\d+) : (.*) time (\d+)$", text, re.M) for pid in (idle, busy)}
    shown, totals, times = zip(*lines[idle])
    equal(list(map(int, shown)), list(range(kept()[idle][1])), "an idle task's samples are all there")
    equal(len(set(totals)), 1, "they are the same")
    times = list(map(int, times))
    ok(all(before < after for before, after in itertools.pairwise(times)), "the time rises from each to the next")
    # The first samples were taken when the tasks were added.
    equal([int(time) for _, _, time in lines[busy]][1:] == times[1:], True,
          "their times are those of a busy task's samples of the same passes")


def by_pressure():
    """The shrinker takes one segment after the other from a stopped recorder."""
    with loaded(period_ms=1), idle_threads(3) as tids, process(consume_little) as busy:
        old = [child(signal.pause) for _ in range(5)]
        watch(old)
        wait_for_passes(20)
        for pid in old:
            kill(pid)
        ok(wait_for_end(*old), "some tasks have ended")
        watch([*tids, busy])
        wait_for_spans()
        write("stop")
        suffixes, early, useless = Suffixes([*old, *tids, busy]), [], []
        # Until then the idle tasks' history was renewed.
        renewed = kept()[busy][1] // SPAN * SPAN
        while shrinkable():
            before = statistics()
            shrink(1 if before["alive"] < 4 * SPAN else 5)
            if statistics()["bytes"] >= before["bytes"]:
                useless.append((before, statistics()))
            suffixes.check()
            left = kept()
            if any(left[tid][0] for tid in tids):
                early += [left[pid] for pid in old if left[pid][0] < left[pid][1]]
                early += [left[busy]] if left[busy][0] < renewed else []
        suffixes.report("memory pressure")
        equal(useless[:1], [], "each call of the shrinker frees something")
        equal(early[:1], [], "older samples of other tasks are evicted first")
        note({tid: sorted(set(first)) for tid, first in suffixes.first.items()})
        equal([tid for tid in tids if len(set(suffixes.first[tid])) < SPANS + 1], [],
              "an idle task's history is evicted bit by bit")
        equal((statistics()["bytes"], statistics()["alive"]), (0, 0), "at the end nothing is left")
        write("start")
        wait_for_passes(10)
        write("stop")
        suffixes.check()
        suffixes.report("afterwards")


def by_max_samples():
    """max_samples is lowered in steps, each time with a reader in the history of another task."""
    with loaded(period_ms=1), idle_threads(2) as tids, process() as ended:
        pids = [ended, *tids]
        watch(pids)
        wait_for_spans(SPANS + 1)
        kill(ended)
        ok(wait_for_end(ended), "one of the tasks ends")
        write("stop")
        suffixes, whole = Suffixes(pids), statistics()["bytes"]
        end = {pid: after for pid, (_, after) in kept().items()}
        sizes, resumed = [], []
        # Each step evicts a whole span at least.
        limits = range(max(end.values()) - SPAN - SPAN // 4, 0, -SPAN - SPAN // 4)
        for step, limit in enumerate(limits):
            pid = pids[step % len(pids)]
            begin = read().index(f"pid:{pid} ")
            fd = os.open(DEBUGFS, os.O_RDONLY)
            text = b""
            while len(text) < begin + 100:
                text += os.read(fd, begin + 100 - len(text))
            set_parameter("max_samples", limit)
            sizes.append(statistics()["bytes"])
            while part := os.read(fd, 65536):
                text += part
            os.close(fd)
            suffixes.check()
            shown = numbers(text.decode())
            suffixes.wrong += problems(parse(text.decode()), may_be_overtaken=True)
            if {pid: each[-1] + 1 for pid, each in shown.items()} != end:
                suffixes.wrong.append(("a reader misses the end", {pid: each[-1] for pid, each in shown.items()}))
            resumed.append([after for before, after in itertools.pairwise(shown[pid]) if after != before + 1]
                           == [kept()[pid][0]])
        suffixes.report("max_samples")
        equal(resumed, [True] * len(limits), "a reader whose samples are evicted goes on at the oldest ones left")
        note(f"{whole} bytes, then {sizes}")
        ok(sizes[-1] * 2 < whole, "the timestamps are freed too", (whole, sizes))
        last = statistics()
        write("clear")
        equal((statistics()["bytes"], statistics()["removed"]), (0, last["removed"] + last["alive"]),
              "clear frees the rest")
        set_parameter("max_samples", 100)
        write("start")
        ok(wait_until(lambda: statistics()["evicted"] > last["evicted"] + 3 * SPAN), "samples are taken and evicted")
        ok(statistics()["bytes"] < whole // 2, "memory is bounded with a small max_samples", statistics())
        write("stop")
        suffixes.check()
        suffixes.report("a small max_samples")


def by_max_kib():
    """max_kib is lowered below what idle tasks take, and exceeded by a busy one."""
    with loaded(period_ms=1), idle_threads(50) as tids, process(consume_little) as busy:
        watch([*tids, busy])
        wait_for_spans(2)
        suffixes, most = Suffixes([*tids, busy]), []
        whole = statistics()["bytes"]
        for kib in (whole // 1024 - 4, whole // 2048, 8, 1):
            set_parameter("max_kib", kib)
            evicted = statistics()["evicted"]
            most.append((max(statistics()["bytes"] for _ in range(50)), kib))
            ok(wait_until(lambda: statistics()["evicted"] > evicted), "samples are evicted")
            write("stop")
            suffixes.check()
            write("start")
        suffixes.report("max_kib")
        note(f"{whole} bytes without a bound; bytes and bound: {most}")
        equal([(size, kib) for size, kib in most if size > kib * 1024 + BEING_FREED], [],
              "the memory stays within the bound")


def while_sampling():
    """Reading, eviction and sampling at the same time."""
    rounds = 4 if sanitized() else 10
    with loaded(period_ms=1), idle_threads(3) as tids:
        watch(tids)
        wrong = []
        for index in range(rounds):
            wait_for_passes(SPAN // 2)
            fd = os.open(DEBUGFS, os.O_RDONLY)
            text = os.read(fd, 100)
            # Not always the same number, so that runs of different lengths are met.
            shrink(1 + index % 3)
            while part := os.read(fd, 20_000):
                text += part
                if len(text) // 20_000 % 8 == 0:
                    shrink(1)
            os.close(fd)
            wrong += problems(parse(text.decode()), may_be_overtaken=True)
        equal(wrong[:3], [], f"{rounds} readers read histories in order while samples are taken and evicted")
        ok(statistics()["evicted"] > 0, "samples have been evicted", statistics())


run(bytes_per_sample, by_pressure, by_max_samples, by_max_kib, while_sampling)
