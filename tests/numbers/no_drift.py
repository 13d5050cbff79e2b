#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Time: passes keep to the period over 1,000 of them; a late one is counted, and those that were
# missed are not made up for; the moments are those of CLOCK_BOOTTIME.
#
# kernels: uml x86_64
# alone

import os
import time

from lib.module import loaded, set_parameter, statistics, write
from lib.proc import boottime_us
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run, skip
from lib.samples import problems, samples
from lib.wakeup_delays import punctual

PERIOD_MS = 20
PERIOD_US = PERIOD_MS * 1000
PASSES = 1000
WINDOW = 100


def phase(moment, origin):
    """How far from the nearest whole number of periods after the origin."""
    return (moment - origin + PERIOD_US // 2) % PERIOD_US - PERIOD_US // 2


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]


def is_quiet(window, others):
    """Whether others were woken up on time while these samples were taken."""
    delays = others.delays(window[0].time, window[-1].time)
    return all(middle(each) < PERIOD_US // 8 for each in delays)


def no_drift():
    with process() as pid:
        write(pid)
        wait_until(lambda: len(samples(pid=pid)) > 1)
        origin = samples(pid=pid)[1]
        with punctual(PERIOD_MS, origin.time) as others:
            begin = statistics()["passes"]
            ok(wait_until(lambda: statistics()["passes"] > begin + PASSES, 600), f"{PASSES:,} passes")
            history = samples(pid=pid)[-PASSES:]
            keeps_to_the_grid(history, others)
            spanned = round((history[-1].time - history[0].time) / PERIOD_US)
            missed = others.missed(history[0].time, history[-1].time)
        note(f"{spanned} periods, {len(history)} samples, late {statistics()['late']}; others missed {missed}")
        ok(len(history) - 1 <= spanned, "never two in a period", (len(history), spanned))
        # While a machine stands still, so does the sampler.
        ok(spanned - len(history) + 1 <= missed + 50, "nearly every period has its sample",
           (len(history), spanned, missed))
        write(f"-{pid}")


def keeps_to_the_grid(history, others):
    name = "the n-th begins n periods after the first"
    # Most passes are on time, so that the median does not care for those that are not; where most
    # of anybody's wake-ups are late, it tells nothing.
    windows = [history[index:index + WINDOW] for index in range(0, PASSES, WINDOW)]
    windows = [window for window in windows if is_quiet(window, others)]
    if len(windows) < 2:
        skip(name, "nobody is woken up on time on this machine")
        return
    first = windows[0][0].time
    origin = sorted(windows[0], key=lambda each: phase(each.time, first))[WINDOW // 2].time
    medians = [middle([phase(each.time, origin) for each in window]) for window in windows]
    note(f"medians of the phase, us: {medians}")
    ok(max(medians) - min(medians) < PERIOD_US // 4, name, medians)


def moments():
    """The time is that of the clock, then and there."""
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
        equal(wrong, [], "a first sample's time lies between before and after the write")
        before = boottime_us()
        write(pid)
        wait_until(lambda: len(samples(pid=pid)) > 5)
        last = samples(pid=pid)[-1]
        ok(before < last.time <= boottime_us(), "and a later one's between then and now")
        write(f"-{pid}")


def hog(seconds):
    """Lets nobody else run on any CPU, on all at the same time."""
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
        # While it is stopped, the statistics and the samples tell of the same passes.
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
        # The first one was due a period after the start.
        is_first_late = history[count].time - begun >= 2 * PERIOD_US
        note(f"longest {max(gaps)} us, late {after['late'] - before['late']}")
        ok(max(gaps) > 2 * PERIOD_US, "the sampler was kept from its work", max(gaps))
        told = after["late"] - before["late"]
        passes, missed = (after[name] - before[name] for name in ("passes", "missed"))
        periods = (history[-1].time - begun) / PERIOD_US
        note(f"{passes} passes, {missed} periods missed, of {periods:.1f}")
        # The grid is laid at the start, and the last pass may be a part of a period late.
        ok(periods - 2 < passes + missed <= periods + 1, "passes and missed periods are all periods",
           (passes, missed, periods))
        longer = sum(gap >= 2 * PERIOD_US for gap in gaps)
        ok(told >= longer, "'late' counts each pass that came a period late", (told, longer))
        ok(told <= is_first_late + sum(gap > PERIOD_US for gap in gaps), "and no other", (told, gaps))
        equal(problems(history), [], "no number is left out")
        spanned = (history[-1].time - history[count].time) / PERIOD_US
        ok(len(gaps) <= spanned + 1.5, "what was missed is not made up for", (len(gaps), spanned))
        write(f"-{pid}")


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (no_drift, moments, late):
            part()
        set_parameter("period_ms", 1)


run(main)
