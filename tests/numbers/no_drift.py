#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The schedule of passes: 1,000 passes stay at whole periods after the first. A late pass is counted. A
# missed period is counted, and no extra pass makes up for it. Timestamps are those of CLOCK_BOOTTIME.
#
# kernels: uml x86_64
# on demand: matrix in-tree
# alone

import os
import time

from lib.module import loaded, set_parameter, statistics, write
from lib.proc import boottime_us
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run, skip
from lib.samples import problems, samples
from lib.wakeup_delays import other_sleepers

PERIOD_MS = 20
PERIOD_US = PERIOD_MS * 1000
PASSES = 1000
WINDOW = 100


def phase(timestamp, origin):
    """The distance from the nearest whole number of periods after the origin."""
    return (timestamp - origin + PERIOD_US // 2) % PERIOD_US - PERIOD_US // 2


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]


def is_quiet(window, others):
    """Whether other sleepers woke up on time while these samples were taken."""
    delays = others.delays(window[0].time, window[-1].time)
    return all(middle(each) < PERIOD_US // 8 for each in delays)


def no_drift():
    with process() as pid:
        write(pid)
        wait_until(lambda: len(samples(pid=pid)) > 1)
        origin = samples(pid=pid)[1]
        with other_sleepers(PERIOD_MS, origin.time) as others:
            begin = statistics()["passes"]
            ok(wait_until(lambda: statistics()["passes"] > begin + PASSES, 600), f"{PASSES:,} passes are made")
            history = samples(pid=pid)[-PASSES:]
            keeps_the_phase(history, others)
            spanned = round((history[-1].time - history[0].time) / PERIOD_US)
            missed = others.missed(history[0].time, history[-1].time)
        note(f"{spanned} periods, {len(history)} samples, late {statistics()['late']}; others missed {missed}")
        ok(len(history) - 1 <= spanned, "no period has two samples", (len(history), spanned))
        # The host may not run the machine for a while; then the sampler and the other sleepers miss periods.
        ok(spanned - len(history) + 1 <= missed + 50, "nearly every period has its sample",
           (len(history), spanned, missed))
        write(f"-{pid}")


def keeps_the_phase(history, others):
    name = "the n-th pass begins n periods after the first"
    # Most passes are on time, so the median ignores late ones. Windows in which most wake-ups of other
    # sleepers are late say nothing and are left out.
    windows = [history[index:index + WINDOW] for index in range(0, PASSES, WINDOW)]
    windows = [window for window in windows if is_quiet(window, others)]
    if len(windows) < 2:
        skip(name, "most wake-ups are late on this machine")
        return
    first = windows[0][0].time
    origin = sorted(windows[0], key=lambda each: phase(each.time, first))[WINDOW // 2].time
    medians = [middle([phase(each.time, origin) for each in window]) for window in windows]
    note(f"medians of the phase, us: {medians}")
    ok(max(medians) - min(medians) < PERIOD_US // 4, name, medians)


def timestamps():
    """A sample's time is that of the clock when it was taken."""
    wrong = []
    with process() as pid:
        for _ in range(20):
            before = boottime_us()
            write(pid)
            after = boottime_us()
            first = samples(pid=pid)[0]
            if not before <= first.time <= after:
                wrong.append((before, first, after))
            write(f"-{pid}")
        equal(wrong, [], "the first sample's time is between the start and the end of the write")
        before = boottime_us()
        write(pid)
        wait_until(lambda: len(samples(pid=pid)) > 5)
        last = samples(pid=pid)[-1]
        ok(before < last.time <= boottime_us(), "a later sample's time is between the write and now")
        write(f"-{pid}")


def hog(seconds):
    """Occupies all CPUs by real-time tasks for that time, beginning at the same moment."""
    ready, at_rest = os.pipe()
    begin, closed_to_begin = os.pipe()
    children = []
    for cpu in range(os.cpu_count()):
        pid = os.fork()
        if pid == 0:
            os.close(closed_to_begin)
            os.sched_setaffinity(0, {cpu})
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
            os.write(at_rest, b".")
            os.read(begin, 1)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                pass
            os._exit(0)
        children.append(pid)
    for _ in children:
        os.read(ready, 1)
    os.close(closed_to_begin)
    for pid in children:
        os.waitpid(pid, 0)
    for end in (ready, at_rest, begin):
        os.close(end)


def late():
    with process() as pid:
        write(pid)
        wait_until(lambda: len(samples(pid=pid)) > 20)
        # Read while sampling is stopped, the statistics and the samples are of the same passes.
        write("stop")
        before, count = statistics(), len(samples(pid=pid))
        begun = boottime_us()
        write("start")
        wait_until(lambda: len(samples(pid=pid)) > count)
        hog(0.5)
        shown = len(samples(pid=pid))
        wait_until(lambda: len(samples(pid=pid)) > shown + 20)
        write("stop")
        after, history = statistics(), samples(pid=pid)
        write("start")
        gaps = [b.time - a.time for a, b in zip(history[count:], history[count + 1:])]
        # The first pass was due one period after the start.
        is_first_late = history[count].time - begun >= 2 * PERIOD_US
        counted = after["late"] - before["late"]
        note(f"longest {max(gaps)} us, late {counted}")
        ok(max(gaps) > 2 * PERIOD_US, "the sampler was delayed by more than two periods", max(gaps))
        passes, missed = (after[name] - before[name] for name in ("passes", "missed"))
        periods = (history[-1].time - begun) / PERIOD_US
        note(f"{passes} passes, {missed} periods missed, of {periods:.1f}")
        # The schedule begins at the start, and the last pass may be late by a part of a period.
        ok(periods - 2 < passes + missed <= periods + 1, "passes + missed is the number of periods",
           (passes, missed, periods))
        longer = sum(gap >= 2 * PERIOD_US for gap in gaps)
        ok(counted >= longer, "'late' counts each pass that is a period late", (counted, longer))
        ok(counted <= is_first_late + sum(gap > PERIOD_US for gap in gaps), "'late' counts no other pass",
           (counted, gaps))
        equal(problems(history), [], "the history is in order, without a gap")
        spanned = (history[-1].time - history[count].time) / PERIOD_US
        ok(len(gaps) <= spanned + 1.5, "no extra pass makes up for a missed period", (len(gaps), spanned))
        write(f"-{pid}")


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (no_drift, timestamps, late):
            part()
        set_parameter("period_ms", 1)


run(main)
