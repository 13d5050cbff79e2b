#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# After `stop` has returned no sample is taken: not by a pass, not of a fork that is followed, not of a
# task that is being added; in a storm of all of them.
#
# kernels: uml x86_64
# boot: --cpus 2

import errno
import os
import random
import time

from lib.kernel_state import sanitized
from lib.module import DEBUGFS, loaded, statistics, write
from lib.processes import child, process
from lib.results import equal, note, ok, run
from lib.workers import Workers, add_and_remove

ROUNDS = 300 if sanitized() else 100


def fork_on(_round):
    """Children of one that is followed."""
    for _ in range(20):
        os.waitpid(child(lambda: None), 0)


def add_and_remove_if_possible(number, pids):
    """There may be no room among those that have ended: only forks make it."""
    try:
        add_and_remove(number, pids)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def forget(_round):
    """Those that have ended, lest there are ever more."""
    time.sleep(0.3)
    write("clear", DEBUGFS)


def main():
    with loaded(period_ms=1, max_targets=300), process() as one, process() as two:
        write(f"tree:{os.getpid()}")
        workers = Workers()
        for _ in range(3):
            workers.start(fork_on)
        workers.start(add_and_remove_if_possible, (one, two))
        workers.start(forget)
        late, created = [], []
        for _ in range(ROUNDS):
            write("stop", DEBUGFS)
            before = statistics()["created"]
            time.sleep(random.uniform(0, 0.01))
            after = statistics()["created"]
            created.append(after)
            if after != before:
                late.append(after - before)
            write("start", DEBUGFS)
            time.sleep(random.uniform(0, 0.01))
        equal(late, [], f"{ROUNDS} stops in a storm of forks and additions: no sample after any")
        note(f"{created[-1] - created[0]} samples between them")
        ok(created[-1] - created[0] > ROUNDS, "and samples between them", created[-1] - created[0])
        workers.wait_for_each()
        for who, (rounds, wrong) in workers.stop().items():
            ok(not wrong, who.partition("(")[0], f"{rounds} {wrong}")


run(main)
