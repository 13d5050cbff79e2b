#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# /sys/kernel/taskmonitor shows the newest whole lines that fit in one page, in the order of the whole
# history, and at least one line of each task while they fit. It is compared with the debugfs file.
#
# kernels: uml
# on demand: matrix

import os

from lib.module import DEBUGFS, PAGE, SYSFS, loaded, read, set_parameter, statistics, write
from lib.processes import burn_and_sleep, idle_threads, process, wait_until
from lib.results import equal, ok, run
from lib.samples import parse, samples

# sysfs itself passes on at most one byte less than a page.
SIZE_MAX = PAGE - 1
# Samples of a task: more than a page holds, and few enough for this program to read them in time.
MANY_SAMPLES = 250


def lines(path):
    return read(path).splitlines(keepends=True)


def line_of(sample):
    return (f"pid:{sample.pid} num:{sample.num} : usr {sample.usr} sys {sample.sys} wait {sample.wait} "
            f"time {sample.time}{' exit' if sample.exit else ''}\n")


def compare(name):
    """Compares the page with the history, while sampling is stopped."""
    page, history = samples(SYSFS), samples(DEBUGFS)
    text = read(SYSFS)
    ok(len(text) <= SIZE_MAX, f"{name}: the text fits in a page", len(text))
    shown = set(page)
    equal(page, [each for each in history if each in shown],
          f"{name}: the lines are lines of the history, in its order")
    order = list(dict.fromkeys(each.pid for each in history))
    newest = {each.pid: each for each in history}
    heads = [newest[pid] for pid in order]
    if sum(len(line_of(each)) for each in heads) <= SIZE_MAX:
        ok(set(heads) <= shown, f"{name}: the newest of every task is shown",
           [each for each in heads if each not in shown])
    else:
        count = next(count for count in range(len(heads))
                     if sum(len(line_of(each)) for each in heads[:count + 1]) > SIZE_MAX)
        equal(page, heads[:count], f"{name}: the newest line of each of the first tasks, as many as fit")
        return
    others = [each for each in page if each not in heads]
    for pid in order:
        numbers = [each.num for each in page if each.pid == pid]
        ok(numbers == list(range(numbers[0], newest[pid].num + 1)),
           f"{name}: task {order.index(pid)}: its last samples, without a gap", numbers)
    oldest_shown = min((each.time for each in others), default=2**64)
    left_out = [each for each in history if each not in shown]
    # The next line, or another one of the same pass, was too long. Older, shorter lines might fit.
    next_time = max((each.time for each in left_out), default=0)
    would_fit = [len(text) + len(line_of(each)) <= SIZE_MAX for each in left_out if each.time == next_time]
    wrong = [each for each in left_out if each.time > oldest_shown
             or each.time == next_time and all(would_fit)]
    equal(wrong, [], f"{name}: no line is missing that is newer or would fit")


def few():
    equal(read(SYSFS), "", "no target: the file is empty")
    with process(burn_and_sleep) as one, process() as two:
        # Less than a page, even if this program is delayed.
        set_parameter("max_samples", 20)
        write(one)
        ok(wait_until(lambda: len(samples(pid=one)) > 10), "one task is sampled")
        write("stop")
        equal(read(SYSFS), read(DEBUGFS), "if all lines fit, both files are the same")
        set_parameter("max_samples", MANY_SAMPLES)
        write(f"start {two}")
        ok(wait_until(lambda: len(samples(pid=two)) > 200), "two tasks have many samples")
        write("stop")
        compare("two tasks")
        write(f"start clear -{two}")
        ok(wait_until(lambda: len(samples(pid=one)) > 200), "one task has many samples")
        write("stop")
        compare("one task")
        history = lines(DEBUGFS)
        page = lines(SYSFS)
        equal(page, history[-len(page):], "one task: the page is the end of its history")
        write(f"start -{one}")


def task_added_late():
    """A task is added when the samples of others already fill the page."""
    with process(burn_and_sleep) as one, process() as two, process() as three:
        write(f"{one} {two}")
        wait_until(lambda: len(samples(pid=two)) > 150)
        write(f"stop {three}")
        compare("a target without a sample")
        write("start")
        wait_until(lambda: len(samples(pid=three)) > 5)
        write("stop")
        compare("a target that was added late")
        write(f"-{one}")
        compare("after one was removed")
        write(f"start -{two} -{three}")


def many():
    set_parameter("max_samples", 20)
    with idle_threads(300) as tids:
        for count in (60, 70, 80, 90, 100, 300):
            for tid in tids[statistics()["targets"]:count]:
                write(tid, DEBUGFS)
            last = tids[count - 1]
            wait_until(lambda: len(samples(pid=last)) > 3)
            write("stop")
            compare(f"{count} tasks")
            write("start")
        write("stop")
        for tid in tids:
            write(f"-{tid}")
        write("start")
    set_parameter("max_samples", MANY_SAMPLES)


def in_pieces():
    with process(burn_and_sleep) as one:
        write(one)
        wait_until(lambda: len(samples(pid=one)) > 100)
        write("stop")
        whole = read(SYSFS)
        for size in (1, 7, 100, 4095, 4096, 65536):
            equal(read(SYSFS, size), whole, f"the same text by reads of {size} bytes")
        fd = os.open(SYSFS, os.O_RDONLY)
        wrong = [at for at in range(0, len(whole) + 20, 13)
                 if os.pread(fd, 50, at) != whole[at:at + 50].encode()]
        equal(wrong, [], "the same text by pread() at any position")
        os.close(fd)
        write("start")
        # All reads of one open file come from the page that the first one made.
        torn = []
        for size in (1, 10, 1000):
            for _ in range(5):
                try:
                    parse(read(SYSFS, size))
                except ValueError as error:
                    torn.append(error)
        equal(torn, [], "read in pieces while samples are taken: each line is whole")
        write(f"-{one}")


def main():
    with loaded(period_ms=5, max_samples=MANY_SAMPLES):
        for part in (few, task_added_late, many, in_pieces):
            part()


run(main)
