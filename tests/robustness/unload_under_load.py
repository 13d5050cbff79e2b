#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# 200 loads and unloads in the middle of everything: readers inside, files open, targets that end, forks
# that are followed, the shrinker, parameters. 20 of them on the sanitized kernel, where a load takes
# long, 180 on the other one.
#
# kernels: uml x86_64
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
from lib.workers import (LEAST_ROUNDS, Workers, add_and_remove, busy_processes, change_parameters, evict,
                         fork_a_family, fork_and_die, may_fail, read_history, read_statistics, say,
                         seek_about)

ROUNDS = 20 if sanitized() else 180


def rest(_round, function, *arguments):
    """As it is, but no more than half of the time: a file in debugfs that is open keeps the module."""
    begin = time.monotonic()
    try:
        return function(_round, *arguments)
    finally:
        took = time.monotonic() - begin
        time.sleep(max(took, random.uniform(0, 0.03)))


def at_work(steady, others):
    workers = Workers()
    workers.start(read_history, SYSFS, 4096, steady)
    for function, *arguments in ((read_history, DEBUGFS, 65536, steady), (read_history, DEBUGFS, 200, steady),
                                 (seek_about,), (read_statistics,), (add_and_remove, others),
                                 (fork_and_die,), (fork_a_family,), (say, "clear", "stop", "start"),
                                 (evict,), (change_parameters,)):
        workers.start(rest, function, *arguments)
    return workers


class Unloads:
    """Loads and unloads, and what was seen of them."""

    def __init__(self):
        self.busy, self.created, self.wrong = 0, [], []

    def has_gone(self):
        """Whether it could be unloaded now."""
        gone = unload_unless_busy()
        self.busy += not gone
        return gone

    def round(self, number, steady):
        load(period_ms=1 + number % 5, max_samples=(0, 10, 1000)[number % 3])
        with may_fail(FileExistsError):
            write(" ".join(map(str, steady)))
        # Files that stay open: these do not keep it, and find it gone.
        kept = [os.open(path, os.O_RDWR) for path in (SYSFS, f"{PARAMETERS}/period_ms")]
        time.sleep(random.uniform(0.01, 0.15))
        self.created.append(statistics()["created"])
        if not wait_until(self.has_gone):
            self.wrong.append((number, "busy for ever"))
        for fd in kept:
            for action in (lambda: os.pread(fd, 100, 0), lambda: os.pwrite(fd, b"5", 0)):
                try:
                    self.wrong.append((number, "a file of it goes on", action()))
                except OSError as error:
                    if error.errno != errno.ENODEV:
                        self.wrong.append((number, error))
            os.close(fd)
        if left := remains():
            self.wrong.append((number, left))


def an_open_file_keeps_it():
    load()
    with open(DEBUGFS, encoding="ascii"):
        try:
            unload()
            ok(False, "rmmod says that it is in use while a file in debugfs is open")
        except BlockingIOError:
            ok(True, "rmmod says that it is in use while a file in debugfs is open")
    unload()


def main():
    an_open_file_keeps_it()
    with busy_processes(2) as steady, busy_processes(2) as others:
        workers = at_work(steady, others)
        unloads = Unloads()
        for number in range(ROUNDS):
            unloads.round(number, steady)
        workers.wait_for_each()
        for who, (rounds, wrong) in workers.stop().items():
            note(f"{who[:60]}: {rounds} rounds")
            name = re.sub(r"rest\(<function (\w+).*|\(.*", r"\1", who)
            ok(rounds >= LEAST_ROUNDS and not wrong, name, f"{rounds} {wrong}")
    note(f"{unloads.busy} times it was in use; samples taken: {sorted(unloads.created)[::10]}")
    equal((len(unloads.wrong), unloads.wrong[:5]), (0, []), f"{ROUNDS} unloads leave nothing")
    ok(sum(created > 0 for created in unloads.created) > ROUNDS // 2, "in most rounds there were samples")
    ok(unloads.busy > 0, "and somebody was inside now and then", unloads.busy)


run(main)
