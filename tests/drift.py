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

from harness import (equal, loaded, note, ok, problems, process, run, samples, set_parameter,
                     statistics, wait_until, write)

PERIOD_MS = 20
PERIOD_US = PERIOD_MS * 1000


def boottime_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def phase(moment, origin):
    """How far from the nearest whole number of periods after the origin."""
    return (moment - origin + PERIOD_US // 2) % PERIOD_US - PERIOD_US // 2


def no_drift():
    with process() as pid:
        write(pid)
        ok(wait_until(lambda: len(samples(pid=pid)) > 1000, 120), "1,000 passes")
        history = samples(pid=pid)[1:]
        # Most passes are on time, so that the median does not care for those that are not.
        windows = [history[index:index + 100] for index in range(0, 1000, 100)]
        origin = sorted(windows[0], key=lambda each: phase(each.time, windows[0][0].time))[50].time
        medians = [sorted(phase(each.time, origin) for each in window)[50] for window in windows]
        note(f"medians of the phase, us: {medians}")
        ok(max(medians) - min(medians) < PERIOD_US // 4, "the n-th begins n periods after the first",
           medians)
        spanned = round((history[-1].time - history[0].time) / PERIOD_US)
        numbers = statistics()
        note(f"{spanned} periods, {len(history)} samples, late {numbers['late']}")
        ok(len(history) - 1 <= spanned, "never two in a period", (len(history), spanned))
        ok(spanned - len(history) + 1 <= 50, "nearly every period has its sample",
           (len(history), spanned))
        write(f"-{pid}")


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
        before, count = statistics(), len(samples(pid=pid))
        hog(0.5)
        wait_until(lambda: len(samples(pid=pid)) > count + 20)
        after, history = statistics(), samples(pid=pid)
        gaps = [b.time - a.time for a, b in zip(history[count - 1:], history[count:])]
        note(f"longest {max(gaps)} us, late {after['late'] - before['late']}")
        ok(max(gaps) > 2 * PERIOD_US, "the sampler was kept from its work", max(gaps))
        told = after["late"] - before["late"]
        longer = sum(gap >= 2 * PERIOD_US for gap in gaps)
        ok(told >= longer, "'late' counts each pass that came a period late", (told, longer))
        ok(told <= sum(gap > PERIOD_US for gap in gaps), "and no other", (told, gaps))
        equal(problems(history), [], "no number is left out")
        spanned = (history[-1].time - history[count - 1].time) / PERIOD_US
        ok(len(gaps) <= spanned + 1.5, "what was missed is not made up for", (len(gaps), spanned))
        write(f"-{pid}")


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (no_drift, moments, late):
            part()
        set_parameter("period_ms", 1)


run(main)
