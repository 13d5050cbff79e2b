# SPDX-License-Identifier: GPL-2.0
"""Ten thousand targets, half of them busy, beside a hundred of the same kind."""

from itertools import chain
from statistics import median

from load import Load
from parts.eviction import evict_half
from measure import times_to_write
from module import FILE, Recorder

EXTRA = 50
# A batch is one write, which holds 4,096 bytes.
BATCH = 400
ROUNDS = 5
SIZES = {100: 20_000, 10_000: 400_000}


def crowd():
    for size, period_us in SIZES.items():
        yield from crowd_of(size, period_us)


def crowd_of(size, period_us):
    half = size // 2
    with Recorder(period_us) as recorder, Load("threads", half + EXTRA + BATCH) as sleepers, \
            Load("threads", half, period_us, 12, 12) as load:
        pairs = zip(load.tasks, sleepers.tasks)
        recorder.watch(chain.from_iterable(pairs))
        load.start_after_pass(recorder)
        recorder.wait_for_passes(3)
        yield f"pass_sample_insns_{size}", recorder.sample_cost(5)
        # No pass from here on.
        recorder.set("period_ms", 3_600_000)
        load.pause()
        yield from control(size, sleepers.tasks[half:])
        yield f"evict_segment_insns_{size}", evict_half(recorder)


def control(size, tasks):
    """The cost of adding and removing one more, word by word and many in one write."""
    single, many = tasks[:EXTRA], tasks[EXTRA:]
    words = chain.from_iterable((f"{task}", f"-{task}") for task in single)
    adding, removing = middle_times(words)
    yield f"add_target_insns_{size}", adding
    yield f"remove_target_insns_{size}", removing
    batches = (" ".join(map(str, many)), " ".join(f"-{task}" for task in many))
    adding, removing = middle_times(batches * ROUNDS)
    yield f"add_target_batch_insns_{size}", adding / len(many)
    yield f"remove_target_batch_insns_{size}", removing / len(many)


def middle_times(lines):
    """Of writes that add and remove by turns; medians, as a few are hit by an interrupt."""
    times = times_to_write(FILE, lines)
    return median(times[::2]), median(times[1::2])
