#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# All operations at the same time, on two CPUs: adding and removing, tasks that exit, readers with small and
# large buffers, seeks, the shrinker, parameters, clear. Each reader checks what it reads. Before that, two
# processes add the same task at the same moment.
#
# kernels: uml
# boot: --cpus 2
# on demand: matrix kcsan

import mmap
import os
import time
from functools import partial

from lib.module import DEBUGFS, SYSFS, adds_up, loaded, read, statistics, write
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems
from lib.workers import (ROUNDS_MIN, Workers, add_and_remove, add_exiting, busy_processes, change_parameters,
                         evict, read_history, read_statistics, seek_randomly, send)

SECONDS = 25
ADDS = 200
FILES = (SYSFS, DEBUGFS)


def run_workers(name, steady, *more):
    workers = Workers()
    for path, size in ((DEBUGFS, 65536), (DEBUGFS, 200), (SYSFS, 4096)):
        workers.start(read_history, path, size, steady)
    for function, *arguments in more:
        workers.start(function, *arguments)
    time.sleep(SECONDS)
    workers.wait_for_each()
    for worker, (rounds, wrong) in workers.stop().items():
        note(f"{worker[:60]}: {rounds} rounds")
        ok(rounds >= ROUNDS_MIN and not wrong, f"{name}: {worker.partition('(')[0]}", f"{rounds} {wrong}")
    ok(adds_up(statistics()), f"{name}: created = alive + evicted + removed", statistics())


def only_one_adds():
    """Two processes write the same PID at the same moment, again and again."""
    shared = mmap.mmap(-1, 3)  # the round, and the result of each process in it
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
            result = sorted(shared[1:]), statistics()["targets"]
            if result != ([added, is_there], 1):
                wrong.append((number, result))
                break
            write(f"-{pid}")
    equal(wrong, [], "two processes add a task at the same moment: one of them gets EEXIST")


def main():
    with busy_processes(3) as steady, busy_processes(3) as others:
        with loaded(period_ms=1, max_samples=2000):
            write(" ".join(map(str, steady)))
            run_workers("targets are added and removed", steady, (add_and_remove, others), (add_and_remove, others),
                    (add_exiting,), (seek_randomly,), (read_statistics,))
            run_workers("samples are taken and freed", steady, (evict,), (send, "clear", "stop", "start"),
                    (change_parameters,), (seek_randomly,), (read_statistics,))
            run_workers("all operations", steady, (add_and_remove, others), (add_exiting,), (evict,),
                    (send, "clear", "start"), (change_parameters,), (read_statistics,))
            write("start")
            write("1\n", "/sys/module/taskmonitor/parameters/period_ms")
            passes = statistics()["passes"]
            ok(wait_until(lambda: statistics()["passes"] > passes + 20), "sampling continues")
            for path in (SYSFS, DEBUGFS):
                equal(problems([each for each in parse(read(path)) if each.pid in steady]), [],
                      f"{os.path.basename(os.path.dirname(path))}: the history is in order at the end")


run(only_one_adds, main)
