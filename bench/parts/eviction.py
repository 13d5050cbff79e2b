# SPDX-License-Identifier: GPL-2.0
"""Evicting half of the segments, by the shrinker's own file."""

from statistics import median

from measure import times_to_write
from module import write

# In so few writes that what a write costs by itself does not count, and in so many that
# an interrupt in one of them does not.
SEGMENTS_IN_WRITE = 400
WRITES_MAX = 9


def evict_half(recorder):
    """Instructions for a segment."""
    segments = recorder.segments()
    writes = max(1, min(segments // 2 // SEGMENTS_IN_WRITE, WRITES_MAX))
    each = segments // 2 // writes
    times = times_to_write(recorder.scan_file(), [f"0 0 {each}"] * writes)
    return median(times) * writes / (segments - recorder.segments())


def evict_down_to(recorder, samples):
    """Until no more than that many are there."""
    while recorder.statistics()["alive"] > samples:
        write(recorder.scan_file(), "0 0 10")
