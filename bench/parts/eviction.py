# SPDX-License-Identifier: GPL-2.0
"""Eviction of half of the segments, by the shrinker's debugfs file."""

from statistics import median

from measure import times_to_write
from sampler import write

# Few writes, so that the cost of a write itself does not matter; but several, so that an
# interrupt in one of them does not change the median.
SEGMENTS_IN_WRITE = 400
WRITES_MAX = 9


def evict_half(module):
    """Instructions to evict one segment, without those of the system call itself."""
    segments = module.segments()
    writes = max(1, min(segments // 2 // SEGMENTS_IN_WRITE, WRITES_MAX))
    each = segments // 2 // writes
    nothing = median(times_to_write(module.scan_file(), ["0 0 0"] * WRITES_MAX))
    times = times_to_write(module.scan_file(), [f"0 0 {each}"] * writes)
    return (median(times) - nothing) * writes / (segments - module.segments())


def evict_down_to(module, samples):
    """Evicts until there are at most that many samples."""
    while module.statistics()["alive"] > samples:
        write(module.scan_file(), "0 0 10")
