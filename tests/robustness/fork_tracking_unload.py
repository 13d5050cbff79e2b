#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Unloading, 100 times, while two processes fork all the time and their forks are followed.
#
# kernels: uml
# on demand: matrix
# boot: --cpus 2

import os
import time

from lib.kernel_state import hurry_grace_periods
from lib.module import load, statistics, unload, write
from lib.processes import child, kill, wait_until
from lib.results import ok, run

ROUNDS = 100


def fork_for_ever():
    """Forks children that fork one child each and exit."""
    while True:
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            os._exit(0)
        os.waitpid(pid, 0)


def unload_during_forks():
    parents = [child(fork_for_ever) for _ in range(2)]
    followed = 0
    for number in range(ROUNDS):
        # The unload waits for running probes by both kinds of grace periods.
        hurry_grace_periods(number >= ROUNDS // 4)
        load(period_ms=1 + number % 10)
        for pid in parents:
            write(f"tree:{pid}")
        time.sleep(0.02 * (1 + number % 5))
        followed += wait_until(lambda: statistics()["targets"] > 2)
        unload()
    for pid in parents:
        kill(pid)
    ok(followed > ROUNDS // 4, f"forks were followed in {followed} of {ROUNDS} rounds", followed)


run(unload_during_forks)
