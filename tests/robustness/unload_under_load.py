#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# 200 loads and unloads under load: readers, open files, tasks that exit, followed forks, the shrinker,
# parameters. 20 of them on the kernel with sanitizers, where a load takes long, and 180 on the other one.
#
# kernels: uml x86_64
# on demand: matrix
# boot: --cpus 2

import errno
import os
import random
import re
import time

from lib.kernel_state import remains, sanitized
from lib.module import DEBUGFS, PARAMETERS, SYSFS, load, statistics, unload, unload_unless_busy, write
from lib.processes import wait_until
from lib.results import equal, note, ok, run
from lib.workers import (ROUNDS_MIN, Workers, add_and_remove, add_exiting, busy_processes, change_parameters,
                         evict, fork_followed, may_fail, read_history, read_statistics, seek_randomly, send)

ROUNDS = 20 if sanitized() else 180


def rest(_round, function, *arguments):
    """Calls the function and sleeps as long as it took: the module cannot be unloaded while a debugfs file is
    open."""
    begin = time.monotonic()
    try:
        return function(_round, *arguments)
    finally:
        took = time.monotonic() - begin
        time.sleep(max(took, random.uniform(0, 0.03)))


def start_workers(steady, others):
    workers = Workers()
    workers.start(read_history, SYSFS, 4096, steady)
    for function, *arguments in ((read_history, DEBUGFS, 65536, steady), (read_history, DEBUGFS, 200, steady),
                                 (seek_randomly,), (read_statistics,), (add_and_remove, others),
                                 (add_exiting,), (fork_followed,), (send, "clear", "stop", "start"),
                                 (evict,), (change_parameters,)):
        workers.start(rest, function, *arguments)
    return workers


class Unloads:
    """Loads and unloads, and what was observed."""

    def __init__(self):
        self.busy, self.created, self.wrong = 0, [], []

    def has_gone(self):
        """Tries to unload the module; whether it succeeded."""
        gone = unload_unless_busy()
        self.busy += not gone
        return gone

    def round(self, number, steady):
        load(period_ms=1 + number % 5, max_samples=(0, 10, 1000)[number % 3])
        with may_fail(FileExistsError):
            write(" ".join(map(str, steady)))
        # Open files of sysfs do not prevent an unload; later reads and writes give ENODEV.
        kept = [os.open(path, os.O_RDWR) for path in (SYSFS, f"{PARAMETERS}/period_ms")]
        time.sleep(random.uniform(0.01, 0.15))
        self.created.append(statistics()["created"])
        if not wait_until(self.has_gone):
            self.wrong.append((number, "the module stays busy"))
        for fd in kept:
            for action in (lambda: os.pread(fd, 100, 0), lambda: os.pwrite(fd, b"5", 0)):
                try:
                    self.wrong.append((number, "a file still works after the unload", action()))
                except OSError as error:
                    if error.errno != errno.ENODEV:
                        self.wrong.append((number, error))
            os.close(fd)
        if left := remains():
            self.wrong.append((number, left))


def open_file():
    name = "the unload fails while a debugfs file is open"
    load()
    with open(DEBUGFS, encoding="ascii"):
        try:
            unload()
            ok(False, name)
        except BlockingIOError:
            ok(True, name)
    unload()


def main():
    open_file()
    with busy_processes(2) as steady, busy_processes(2) as others:
        workers = start_workers(steady, others)
        unloads = Unloads()
        for number in range(ROUNDS):
            unloads.round(number, steady)
        workers.wait_for_each()
        for worker, (rounds, wrong) in workers.stop().items():
            note(f"{worker[:60]}: {rounds} rounds")
            name = re.sub(r"rest\(<function (\w+).*|\(.*", r"\1", worker)
            ok(rounds >= ROUNDS_MIN and not wrong, name, f"{rounds} {wrong}")
    note(f"{unloads.busy} times the module was in use; samples taken: {sorted(unloads.created)[::10]}")
    equal((len(unloads.wrong), unloads.wrong[:5]), (0, []), f"{ROUNDS} unloads leave nothing")
    ok(sum(created > 0 for created in unloads.created) > ROUNDS // 2, "samples were taken in most rounds")
    ok(unloads.busy > 0, "the module was sometimes in use at an unload", unloads.busy)


run(main)
