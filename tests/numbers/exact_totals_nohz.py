#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The numbers again, where a CPU has no tick and the kernel accounts at each change of context
# (CONFIG_VIRT_CPU_ACCOUNTING_GEN): what exact_totals.py proves, and that it is in force at all.
#
# kernels: x86_64
# boot: --append nohz_full=1

import os

from lib.cputime_checks import (ends_as_wait4_says, ends_that_nobody_waits_for, one_thread_of_many,
                                running_as_proc_says)
from lib.module import loaded
from lib.proc import text_of
from lib.results import equal, run


def without_tick():
    """Everything that follows runs on the CPU without a tick; the module's thread does not."""
    equal(text_of("/sys/devices/system/cpu/nohz_full").strip(), "1", "CPU 1 has no tick")
    os.sched_setaffinity(0, {1})


def main():
    without_tick()
    with loaded(period_ms=20):
        ends_as_wait4_says(300)
        ends_that_nobody_waits_for(30)
        running_as_proc_says()
        one_thread_of_many()
        os.sched_setaffinity(0, {0, 1})
        running_as_proc_says(5)


run(main)
