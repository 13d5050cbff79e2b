#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# What exact_totals.py proves, on a CPU without a tick: there the kernel accounts CPU time at each context
# switch (CONFIG_VIRT_CPU_ACCOUNTING_GEN).
#
# kernels: x86_64
# on demand: matrix
# boot: --append nohz_full=1

import os

from lib.cputime_checks import exits_match_wait4, exits_without_wait, one_thread_of_many, running_match_proc
from lib.module import loaded
from lib.proc import text_of
from lib.results import equal, need, run

NOHZ_FULL = "/sys/devices/system/cpu/nohz_full"


def without_tick():
    """Moves this process and its children to the CPU without a tick; the sampler stays on the other one."""
    need(os.path.exists(NOHZ_FULL), "no CONFIG_NO_HZ_FULL")
    equal(text_of(NOHZ_FULL).strip(), "1", "CPU 1 has no tick")
    os.sched_setaffinity(0, {1})


def main():
    without_tick()
    with loaded(period_ms=20):
        exits_match_wait4(300)
        exits_without_wait(30)
        running_match_proc()
        one_thread_of_many()
        os.sched_setaffinity(0, {0, 1})
        running_match_proc(5)


run(main)
