# SPDX-License-Identifier: GPL-2.0
"""A million samples of 100 busy threads: the cost to take, keep, read and evict them."""

import os
import time

from load import Load
from parts.eviction import evict_down_to, evict_half
from measure import time_to_read
from module import FILE, Module, read

PERIOD_US = 10_000
TARGETS = 100


def history():
    with Module(PERIOD_US) as module, \
            Load("threads", TARGETS, PERIOD_US, 60, 40) as load:
        module.watch(load.tasks)
        load.start_after_pass(module)
        module.wait_for_passes(100)
        yield "sample_busy_thread_insns", module.sample_cost(100)
        fill(module, load, 100_000)
        yield "read_line_insns_100k", time_to_read(FILE, 4096)
        yield "read_line_insns_100k_64k_buffer", time_to_read(FILE, 65536)
        fill(module, load, 400_000)
        yield "read_line_insns_400k", time_to_read(FILE, 4096)
        fill(module, load, 1_000_000)
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


def fill(module, load, samples):
    """Samples until there are that many samples, and then stops."""
    module.send("start")
    load.resume()
    module.wait_for_samples(samples)
    module.send("stop")
    load.pause()


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
