#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Everything at once, on two CPUs: adding and removing, targets that end, readers with small and large
# buffers, seeks, the shrinker, parameters, clear. Each reader judges what it reads itself. And before that, two who
# add the same task at the same moment.
#
# kernels: uml
# boot: --cpus 2
# on demand: kcsan

import mmap
import os
import time
from functools import partial

from lib.module import DEBUGFS, SYSFS, loaded, read, statistics, write
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems
from lib.workers import (LEAST_ROUNDS, Workers, add_and_remove, busy_processes, change_parameters, evict,
                         fork_and_die, read_history, read_statistics, say, seek_about)

SECONDS = 25
ADDS = 200
FILES = (SYSFS, DEBUGFS)


def at_work(name, steady, *more):
    workers = Workers()
    for path, size in ((DEBUGFS, 65536), (DEBUGFS, 200), (SYSFS, 4096)):
        workers.start(read_history, path, size, steady)
    for function, *arguments in more:
        workers.start(function, *arguments)
    time.sleep(SECONDS)
    workers.wait_for_each()
    for who, (rounds, wrong) in workers.stop().items():
        note(f"{who[:60]}: {rounds} rounds")
        ok(rounds >= LEAST_ROUNDS and not wrong, f"{name}: {who.partition('(')[0]}", f"{rounds} {wrong}")
    numbers = statistics()
    equal(numbers["created"], numbers["alive"] + numbers["evicted"] + numbers["removed"],
          f"{name}: it adds up")


def only_one_adds():
    """Two write the same number at the same moment, again and again."""
    shared = mmap.mmap(-1, 3)  # the round, and what each is told in it
    nothing, added, is_there = range(3)

    def contend(me):
        for number in range(1, ADDS + 1):
            while shared[0] != number:
                pass
            try:
                write(pid, FILES[me])
                shared[1 + me] = added
            except FileExistsError:
                shared[1 + me] = is_there

    wrong = []
    with loaded(), process() as pid, \
            process(partial(contend, 0)), process(partial(contend, 1)):
        for number in range(1, ADDS + 1):
            shared[1:] = bytes((nothing, nothing))
            shared[0] = number
            wait_until(lambda: nothing not in shared[1:])
            told = sorted(shared[1:]), statistics()["targets"]
            if told != ([added, is_there], 1):
                wrong.append((number, told))
                break
            write(f"-{pid}")
    equal(wrong, [], "of two who add a task at the same moment one is told that it is there")


def main():
    with busy_processes(3) as steady, busy_processes(3) as others:
        with loaded(period_ms=1, max_samples=2000):
            write(" ".join(map(str, steady)))
            at_work("targets come and go", steady, (add_and_remove, others), (add_and_remove, others),
                    (fork_and_die,), (seek_about,), (read_statistics,))
            at_work("samples come and go", steady, (evict,), (say, "clear", "stop", "start"),
                    (change_parameters,), (seek_about,), (read_statistics,))
            at_work("all at once", steady, (add_and_remove, others), (fork_and_die,), (evict,),
                    (say, "clear", "start"), (change_parameters,), (read_statistics,))
            write("start")
            write("1\n", "/sys/module/taskmonitor/parameters/period_ms")
            passes = statistics()["passes"]
            ok(wait_until(lambda: statistics()["passes"] > passes + 20), "and it samples still")
            for path in (SYSFS, DEBUGFS):
                equal(problems([each for each in parse(read(path)) if each.pid in steady]), [],
                      f"{os.path.basename(os.path.dirname(path))}: in order at the end")


run(only_one_adds, main)
