#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Unloading in the middle of a storm of forks that are followed, 100 times.
#
# kernels: uml
# boot: --cpus 2

import os
import signal
import time

from lib.kernel_state import hurry_grace_periods
from lib.module import load, statistics, unload, write
from lib.processes import wait_until
from lib.results import ok, run

ROUNDS = 100


def storm():
    """Forks for ever; each child lives for an instant, or has one more."""
    while True:
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            os._exit(0)
        os.waitpid(pid, 0)


def unload_in_a_storm():
    storms = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            storm()
        storms.append(pid)
    followed = 0
    for number in range(ROUNDS):
        # Both kinds of waiting for those who are still inside.
        hurry_grace_periods(number >= ROUNDS // 4)
        load(period_ms=1 + number % 10)
        for pid in storms:
            write(f"tree:{pid}")
        time.sleep(0.02 * (1 + number % 5))
        followed += wait_until(lambda: statistics()["targets"] > 2)
        unload()
    for pid in storms:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    ok(followed > ROUNDS // 4, f"forks were followed in {followed} of {ROUNDS} rounds", followed)


run(unload_in_a_storm)
