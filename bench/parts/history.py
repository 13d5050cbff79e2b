# SPDX-License-Identifier: GPL-2.0
"""A million samples of a hundred busy threads: taking, keeping, reading, evicting them."""

import os
import time

from load import Load
from parts.eviction import evict_down_to, evict_half
from measure import time_to_read
from module import FILE, Recorder, read

PERIOD_US = 10_000
TARGETS = 100


def history():
    with Recorder(PERIOD_US) as recorder, \
            Load("threads", TARGETS, PERIOD_US, 60, 40) as load:
        recorder.watch(load.tasks)
        load.start_after_pass(recorder)
        recorder.wait_for_passes(100)
        yield "sample_busy_thread_insns", recorder.sample_cost(100)
        fill(recorder, load, 100_000)
        yield "read_line_insns_100k", time_to_read(FILE, 4096)
        yield "read_line_insns_100k_64k_buffer", time_to_read(FILE, 65536)
        fill(recorder, load, 400_000)
        yield "read_line_insns_400k", time_to_read(FILE, 4096)
        fill(recorder, load, 1_000_000)
        yield "bytes_per_sample_busy", recorder.bytes_per_sample()
        yield from recorder.mean_deltas("busy")
        yield "read_memory_kib", memory_of_reading()
        pages = recorder.slab_pages()
        yield "slab_pages_million", pages
        yield "evict_segment_insns", evict_half(recorder)
        evict_down_to(recorder, 500_000)
        # Pages are given back two seconds after an eviction began.
        time.sleep(3)
        yield "pages_back_ratio", (pages - recorder.slab_pages()) / pages


def fill(recorder, load, samples):
    """Goes on until there are that many samples, and rests then."""
    recorder.say("start")
    load.resume()
    recorder.wait_for_samples(samples)
    recorder.say("stop")
    load.pause()


def kernel_memory_kib():
    """What the kernel has allocated for itself, in objects and in areas of pages."""
    rows = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
    return sum(int(rows[name].split()[0]) for name in ("Slab", "VmallocUsed"))


def memory_of_reading():
    """What the kernel takes for a reader that stands in the midst of the file."""
    kernel_memory_kib()
    before = kernel_memory_kib()
    file = os.open(FILE, os.O_RDONLY)
    try:
        for _ in range(500):
            os.read(file, 65536)
        return kernel_memory_kib() - before
    finally:
        os.close(file)
