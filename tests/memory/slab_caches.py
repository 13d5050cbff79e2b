#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The memory that samples take: slab caches of their own, merged with no other, reclaimable, with
# nothing lost to rounding; the witnesses are slabinfo and meminfo.
#
# kernels: uml x86_64

import os

from lib.kernel_state import sanitized, shrink_slabs, slabs
from lib.module import loaded, shrink, statistics, write
from lib.proc import HZ, memory_kib, text_of
from lib.processes import idle_threads, wait_until
from lib.results import equal, note, ok, run

SYS = "/sys/kernel/slab"
PAGE = os.sysconf("SC_PAGE_SIZE")
TARGETS = 1000


def attribute(slab, name):
    return int(text_of(f"{SYS}/{slab.name}/{name}").split()[0])


def its_own():
    found = slabs()
    ok(len(found) > 0, "there are caches in slabinfo", text_of("/proc/slabinfo"))
    for slab in found:
        note(slab)
        folder = os.path.basename(os.path.realpath(f"{SYS}/{slab.name}"))
        equal(folder, slab.name, f"{slab.name}: a cache of that name")
        equal(attribute(slab, "aliases"), 0, f"{slab.name}: shared with no other")
        equal(attribute(slab, "reclaim_account"), 1, f"{slab.name}: reclaimable")
        if not sanitized():
            equal(attribute(slab, "slab_size"), attribute(slab, "object_size"),
                  f"{slab.name}: no byte between objects")
        size = attribute(slab, "slab_size")
        lost = slab.pages_per_slab * PAGE - slab.objects_per_slab * size
        ok(lost < size, f"{slab.name}: no object more would fit its slabs", (lost, size))
        if not sanitized():
            # The slab allocator itself takes a larger order where more would be lost.
            ok(lost * 16 <= slab.pages_per_slab * PAGE, f"{slab.name}: slabs are filled", lost)


def taken():
    """Bytes of the module's slabs, whole pages."""
    return sum(slab.slabs * slab.pages_per_slab * PAGE for slab in slabs())


def held():
    """Bytes of the objects in them that are in use."""
    return sum(slab.active * slab.object_size for slab in slabs())


def grows_and_shrinks(tids):
    empty_taken, empty_reclaimable = taken(), memory_kib("SReclaimable")
    equal(statistics()["bytes"], 0, "no sample, no byte")
    for tid in tids:
        write(tid)
    passes = statistics()["passes"]
    ok(wait_until(lambda: statistics()["passes"] > passes + 20), "1,000 targets are sampled")
    write("stop")
    told = statistics()["bytes"]
    grown, grown_kib = taken() - empty_taken, memory_kib("SReclaimable") - empty_reclaimable
    note(f"told {told}, slabs grew by {grown}, SReclaimable by {grown_kib * 1024}")
    ok(told > TARGETS * 50, "they take memory")
    ok(told <= held(), "no more is told than slabinfo has in use", (told, held()))
    ok(told <= taken(), "nor than it has in all")
    # Beside the samples there are the reserve, and the targets themselves.
    ok(grown_kib * 1024 >= told, "SReclaimable has grown by them", (grown_kib, told))
    shrink(1_000_000)
    equal(statistics()["alive"], 0, "all is evicted")
    equal(statistics()["bytes"], 0, "no byte is left")
    for tid in tids:
        write(f"-{tid}")
    shrink_slabs()
    # What is left is the reserve, in slabs that are partly filled.
    ok(wait_until(lambda: taken() - empty_taken <= grown // 4),
       "the pages go back", (taken(), empty_taken, grown))


def main():
    with loaded(period_ms=1000 // HZ):
        its_own()
        with idle_threads(TARGETS) as tids:
            grows_and_shrinks(tids)


run(main)
