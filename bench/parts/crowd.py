# SPDX-License-Identifier: GPL-2.0
"""10,000 targets, half of them busy, compared with 100 of the same kind."""

from itertools import chain
from statistics import median

from load import Load
from parts.eviction import evict_half
from measure import times_to_write
from module import FILE, Module

EXTRA = 50
# A batch is one write of at most 4,096 bytes.
BATCH = 400
ROUNDS = 5
# For each number of targets: the period, and the passes of one measurement.
SIZES = {100: (20_000, 100), 10_000: (400_000, 5)}


def crowd():
    for size, (period_us, passes) in SIZES.items():
        yield from crowd_of(size, period_us, passes)


def crowd_of(size, period_us, passes):
    half = size // 2
    with Module(period_us) as module, Load("threads", half + EXTRA + BATCH) as sleepers, \
            Load("threads", half, period_us, 12, 12) as load:
        pairs = zip(load.tasks, sleepers.tasks)
        module.watch(chain.from_iterable(pairs))
        load.start_after_pass(module)
        module.wait_for_passes(3)
        yield f"pass_sample_insns_{size}", module.sample_cost(passes)
        # From here on there is no pass.
        module.set("period_ms", 3_600_000)
        load.pause()
        yield from control(size, sleepers.tasks[half:])
        yield f"evict_segment_insns_{size}", evict_half(module)


def control(size, tasks):
    """The cost of adding and removing one more target, by one write for each and by batches."""
    single, many = tasks[:EXTRA], tasks[EXTRA:]
    commands = chain.from_iterable((f"{task}", f"-{task}") for task in single)
    adding, removing = median_times(commands)
    yield f"add_target_insns_{size}", adding
    yield f"remove_target_insns_{size}", removing
    batches = (" ".join(map(str, many)), " ".join(f"-{task}" for task in many))
    adding, removing = median_times(batches * ROUNDS)
    yield f"add_target_batch_insns_{size}", adding / len(many)
    yield f"remove_target_batch_insns_{size}", removing / len(many)


def median_times(lines):
    """Median instructions of the first, third, … write, which add, and of the others, which
    remove. An interrupt makes a few of the times larger."""
    times = times_to_write(FILE, lines)
    return median(times[::2]), median(times[1::2])
