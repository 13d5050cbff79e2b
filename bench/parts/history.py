# SPDX-License-Identifier: GPL-2.0
"""100 busy threads: the cost to take, keep, read and evict a million of their samples."""

import os
import time

from load import Load
from parts.eviction import evict_down_to, evict_half
from measure import time_to_read
from module import FILE, Module
from sampler import read

PERIOD_US = 10_000
TARGETS = 100


def busy_threads(order="relay"):
    """The load of this part and of its peer."""
    return Load("threads", TARGETS, PERIOD_US, 60, 40, order)


def herd():
    """The same load, but all threads wake at once. So each waits for the CPU, for milliseconds."""
    with Module(PERIOD_US) as module, busy_threads("herd") as load:
        load.work_watched_by(module, 1000)
        yield "bytes_per_sample_herd", module.bytes_per_sample()
        yield from module.mean_deltas("herd")


def history():
    with Module(PERIOD_US) as module, busy_threads() as load:
        load.work_watched_by(module, 100)
        yield "sample_busy_thread_insns", module.sample_cost(100)
        module.take_with(load, 100_000)
        yield "read_line_insns_100k", time_to_read(FILE, 4096)
        yield "read_line_insns_100k_64k_buffer", time_to_read(FILE, 65536)
        module.take_with(load, 400_000)
        yield "read_line_insns_400k", time_to_read(FILE, 4096)
        module.take_with(load, 1_000_000)
        yield "bytes_per_sample_busy", module.bytes_per_sample()
        yield from module.mean_deltas("busy")
        yield "read_memory_kib", memory_of_reading()
        pages = module.slab_pages()
        yield "slab_pages_million", pages
        yield "evict_segment_insns", evict_half(module)
        evict_down_to(module, 500_000)
        # The slab caches are shrunk two seconds after an eviction began.
        time.sleep(3)
        yield "pages_back_ratio", (pages - module.slab_pages()) / pages


def kernel_memory_kib():
    """The kernel's own memory: slab objects and vmalloc areas."""
    rows = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
    return sum(int(rows[name].split()[0]) for name in ("Slab", "VmallocUsed"))


def memory_of_reading():
    """The memory that the kernel takes for a reader in the middle of the file."""
    kernel_memory_kib()
    before = kernel_memory_kib()
    file = os.open(FILE, os.O_RDONLY)
    try:
        for _ in range(500):
            os.read(file, 65536)
        return kernel_memory_kib() - before
    finally:
        os.close(file)
