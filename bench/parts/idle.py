# SPDX-License-Identifier: GPL-2.0
"""Processes that sleep all the time."""

import functools

from load import Load
from module import Module

PERIOD_US = 1000
TARGETS = 100
# So many that their share of the timestamps of the passes does not count. It is not theirs alone.
TARGETS_FOR_BYTES = 1000
# Many times as many samples of each as a segment can hold.
PASSES = 140_000


@functools.cache
def figures():
    """The figures of this part. The part `machine` uses them too."""
    with Module(PERIOD_US) as module, Load("processes", TARGETS) as load:
        module.watch(load.tasks)
        module.wait_for_passes(10)
        insns = module.sample_cost(2000)
    with Module(PERIOD_US, max_samples=0) as module, \
            Load("processes", TARGETS_FOR_BYTES) as load:
        module.watch(load.tasks)
        module.wait_for_passes(PASSES)
        return {"sample_idle_insns": insns, "bytes_per_sample_idle": module.bytes_per_sample()}


def idle():
    yield from figures().items()
