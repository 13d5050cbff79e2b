# SPDX-License-Identifier: GPL-2.0
"""100 processes that sleep all the time."""

import functools

from load import Load
from module import Module

PERIOD_US = 1000
TARGETS = 100
# Many times as many samples of each as a segment can hold.
PASSES = 70_000


@functools.cache
def figures():
    """The figures of this part. The part `machine` uses them too."""
    with Module(PERIOD_US, max_samples=0) as module, Load("processes", TARGETS) as load:
        module.watch(load.tasks)
        module.wait_for_passes(10)
        insns = module.sample_cost(2000)
        module.wait_for_passes(PASSES - module.statistics()["passes"])
        return {"sample_idle_insns": insns, "bytes_per_sample_idle": module.bytes_per_sample()}


def idle():
    yield from figures().items()
