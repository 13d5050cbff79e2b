#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# After a write of `stop` has returned, no sample is taken: not by a pass, not of a followed fork, not of a
# task that is added. Forks and additions run all the time.
#
# kernels: uml x86_64
# on demand: matrix
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


def fork_children(_round):
    """Forks children of a followed process."""
    for _ in range(20):
        os.waitpid(child(lambda: None), 0)


def add_and_remove_if_possible(number, pids):
    """ENOSPC is allowed: ended targets fill the limit, and only a fork displaces one of them."""
    try:
        add_and_remove(number, pids)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def clear_samples(_round):
    """Frees the samples now and then, so that memory stays bounded."""
    time.sleep(0.3)
    write("clear", DEBUGFS)


def main():
    with loaded(period_ms=1, max_targets=300), process() as one, process() as two:
        write(f"tree:{os.getpid()}")
        workers = Workers()
        for _ in range(3):
            workers.start(fork_children)
        workers.start(add_and_remove_if_possible, (one, two))
        workers.start(clear_samples)
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
        equal(late, [], f"{ROUNDS} stops during forks and additions: no sample after any of them")
        note(f"{created[-1] - created[0]} samples between the stops")
        ok(created[-1] - created[0] > ROUNDS, "samples are taken between the stops", created[-1] - created[0])
        workers.wait_for_each()
        for who, (rounds, wrong) in workers.stop().items():
            ok(not wrong, who.partition("(")[0], f"{rounds} {wrong}")


run(main)
