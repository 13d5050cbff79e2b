#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The memory of samples: slab caches of the module's own, not merged with others, reclaimable, without memory
# lost to rounding. The statistics are compared with /proc/slabinfo and
# /proc/meminfo.
#
# kernels: uml x86_64

import os

from lib.kernel_state import sanitized, shrink_slabs, slabs
from lib.module import loaded, shrink, statistics, write
from lib.proc import USER_HZ, memory_kib, text_of
from lib.processes import idle_threads, wait_until
from lib.results import equal, note, ok, run

SYS = "/sys/kernel/slab"
PAGE = os.sysconf("SC_PAGE_SIZE")
TARGETS = 1000


def attribute(slab, name):
    return int(text_of(f"{SYS}/{slab.name}/{name}").split()[0])


def own_caches():
    found = slabs()
    ok(len(found) > 0, "slabinfo shows caches of the module", text_of("/proc/slabinfo"))
    for slab in found:
        note(slab)
        folder = os.path.basename(os.path.realpath(f"{SYS}/{slab.name}"))
        equal(folder, slab.name, f"{slab.name}: a cache of its own")
        equal(attribute(slab, "aliases"), 0, f"{slab.name}: no other cache is merged with it")
        equal(attribute(slab, "reclaim_account"), 1, f"{slab.name}: reclaimable")
        if not sanitized():
            equal(attribute(slab, "slab_size"), attribute(slab, "object_size"),
                  f"{slab.name}: no padding between objects")
        size = attribute(slab, "slab_size")
        lost = slab.pages_per_slab * PAGE - slab.objects_per_slab * size
        ok(lost < size, f"{slab.name}: no further object would fit in a slab", (lost, size))
        if not sanitized():
            # The slab allocator itself takes a larger order if more would be lost.
            ok(lost * 16 <= slab.pages_per_slab * PAGE, f"{slab.name}: at most 1/16 of a slab is lost", lost)


def taken():
    """The bytes of the module's slabs, in whole pages."""
    return sum(slab.slabs * slab.pages_per_slab * PAGE for slab in slabs())


def held():
    """The bytes of the objects that are in use."""
    return sum(slab.active * slab.object_size for slab in slabs())


def grows_and_shrinks(tids):
    empty_taken, empty_reclaimable = taken(), memory_kib("SReclaimable")
    equal(statistics()["bytes"], 0, "without samples 'bytes' is 0")
    for tid in tids:
        write(tid)
    passes = statistics()["passes"]
    ok(wait_until(lambda: statistics()["passes"] > passes + 20), "1,000 targets are sampled")
    write("stop")
    counted = statistics()["bytes"]
    grown, grown_kib = taken() - empty_taken, memory_kib("SReclaimable") - empty_reclaimable
    note(f"'bytes' {counted}, slabs grew by {grown}, SReclaimable by {grown_kib * 1024}")
    ok(counted > TARGETS * 50, "samples take memory")
    ok(counted <= held(), "'bytes' is at most the memory of the objects in use", (counted, held()))
    ok(counted <= taken(), "'bytes' is at most the memory of the slabs")
    # The reserve and the targets also take memory.
    ok(grown_kib * 1024 >= counted, "SReclaimable has grown by at least 'bytes'", (grown_kib, counted))
    shrink(1_000_000)
    equal(statistics()["alive"], 0, "all samples are evicted")
    equal(statistics()["bytes"], 0, "then 'bytes' is 0")
    for tid in tids:
        write(f"-{tid}")
    shrink_slabs()
    # The reserve is left, in slabs that are partly filled.
    ok(wait_until(lambda: taken() - empty_taken <= grown // 4),
       "the pages are freed", (taken(), empty_taken, grown))


def main():
    with loaded(period_ms=1000 // USER_HZ):
        own_caches()
        with idle_threads(TARGETS) as tids:
            grows_and_shrinks(tids)


run(main)
