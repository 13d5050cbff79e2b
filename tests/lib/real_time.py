# SPDX-License-Identifier: GPL-2.0
"""Real-time tasks, and tests that run beside them."""

import contextlib
import os

# The priorities of a task that never sleeps, of a sampler that is to run all the same, and of the test itself.
HOG, SAMPLER, TEST = 50, 60, 70


@contextlib.contextmanager
def real_time(priority=TEST):
    """Gives this process that real-time priority for the length of the block."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def hog():
    """Keeps all tasks of lower priority from the CPU, but for the time that the kernel reserves for ordinary ones."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(HOG))
    while True:
        pass
