#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# /sys/kernel/taskmonitor: whole lines that fit one page, the newest, one at least for each task
# while they fit, in the order of the whole history. The witness is the whole history.
#
# kernels: uml

import os

from lib.module import DEBUGFS, SYSFS, loaded, read, set_parameter, statistics, write
from lib.processes import burn_and_sleep, idle_threads, process, wait_until
from lib.results import equal, ok, run
from lib.samples import parse, samples

# sysfs itself passes on one byte less than a page.
ROOM = 4095
# Samples of a task: more than a page holds, and no more than this program can read at its leisure.
MUCH = 250


def lines(path):
    return read(path).splitlines(keepends=True)


def line_of(sample):
    return (f"pid:{sample.pid} num:{sample.num} : usr {sample.usr} sys {sample.sys} "
            f"time {sample.time}{' exit' if sample.exit else ''}\n")


def judge(name):
    """Compares the page with the history, both at rest."""
    page, history = samples(SYSFS), samples(DEBUGFS)
    text = read(SYSFS)
    ok(len(text) <= ROOM, f"{name}: fits a page", len(text))
    shown = set(page)
    equal(page, [each for each in history if each in shown],
          f"{name}: lines of the history, in its order")
    order = list(dict.fromkeys(each.pid for each in history))
    newest = {each.pid: each for each in history}
    heads = [newest[pid] for pid in order]
    if sum(len(line_of(each)) for each in heads) <= ROOM:
        ok(set(heads) <= shown, f"{name}: the newest of every task is shown",
           [each for each in heads if each not in shown])
    else:
        count = next(count for count in range(len(heads))
                     if sum(len(line_of(each)) for each in heads[:count + 1]) > ROOM)
        equal(page, heads[:count], f"{name}: the newest of the first tasks, as many as fit")
        return
    others = [each for each in page if each not in heads]
    for pid in order:
        numbers = [each.num for each in page if each.pid == pid]
        ok(numbers == list(range(numbers[0], newest[pid].num + 1)),
           f"{name}: task {order.index(pid)}: the last in a row", numbers)
    oldest_shown = min((each.time for each in others), default=2**64)
    left_out = [each for each in history if each not in shown]
    # The next one, or one of those of the same pass, was too long: older ones that are shorter may fit.
    next_time = max((each.time for each in left_out), default=0)
    would_fit = [len(text) + len(line_of(each)) <= ROOM for each in left_out if each.time == next_time]
    wrong = [each for each in left_out if each.time > oldest_shown
             or each.time == next_time and all(would_fit)]
    equal(wrong, [], f"{name}: none is left out that is newer or would have fitted")


def few():
    equal(read(SYSFS), "", "no target, no line")
    with process(burn_and_sleep) as one, process() as two:
        # Less than a page, however long this program is kept from its work.
        set_parameter("max_samples", 20)
        write(one)
        ok(wait_until(lambda: len(samples(pid=one)) > 10), "one task")
        write("stop")
        equal(read(SYSFS), read(DEBUGFS), "while all fits, the page is the history")
        set_parameter("max_samples", MUCH)
        write(f"start {two}")
        ok(wait_until(lambda: len(samples(pid=two)) > 200), "two tasks for long")
        write("stop")
        judge("two tasks")
        write(f"start clear -{two}")
        ok(wait_until(lambda: len(samples(pid=one)) > 200), "one task for long")
        write("stop")
        judge("one task")
        history = lines(DEBUGFS)
        page = lines(SYSFS)
        equal(page, history[-len(page):], "one task: the end of its history")
        write(f"start -{one}")


def a_late_comer():
    """The page is full of others when a task comes."""
    with process(burn_and_sleep) as one, process() as two, process() as three:
        write(f"{one} {two}")
        wait_until(lambda: len(samples(pid=two)) > 150)
        write(f"stop {three}")
        judge("a target that has no sample yet")
        write("start")
        wait_until(lambda: len(samples(pid=three)) > 5)
        write("stop")
        judge("a late-comer")
        write(f"-{one}")
        judge("after one was taken away")
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
            judge(f"{count} tasks")
            write("start")
        write("stop")
        for tid in tids:
            write(f"-{tid}")
        write("start")
    set_parameter("max_samples", MUCH)


def in_pieces():
    with process(burn_and_sleep) as one:
        write(one)
        wait_until(lambda: len(samples(pid=one)) > 100)
        write("stop")
        whole = read(SYSFS)
        for size in (1, 7, 100, 4095, 4096, 65536):
            equal(read(SYSFS, size), whole, f"by reads of {size} bytes")
        fd = os.open(SYSFS, os.O_RDONLY)
        wrong = [at for at in range(0, len(whole) + 20, 13)
                 if os.pread(fd, 50, at) != whole[at:at + 50].encode()]
        equal(wrong, [], "by reads at any place")
        os.close(fd)
        write("start")
        # A read goes on in the page that the first one made, also while samples come.
        torn = []
        for size in (1, 10, 1000):
            for _ in range(5):
                try:
                    parse(read(SYSFS, size))
                except ValueError as error:
                    torn.append(error)
        equal(torn, [], "read in pieces while samples come, no line is torn")
        write(f"-{one}")


def main():
    with loaded(period_ms=5, max_samples=MUCH):
        for part in (few, a_late_comer, many, in_pieces):
            part()


run(main)
