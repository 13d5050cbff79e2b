#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The numbers, under tick accounting: last samples are what wait4() told the parents, also of
# children that were reaped between two passes; running tasks' are what /proc tells.
#
# kernels: uml x86_64
# boot: --cpus 2

import os

from lib.cputime_checks import (ends_as_wait4_says, ends_that_nobody_waits_for, one_thread_of_many,
                                running_as_proc_says)
from lib.module import loaded
from lib.results import run


def main():
    # User-mode Linux forks slowly.
    is_slow = os.path.exists("/sys/kernel/debug/kmemleak")
    with loaded(period_ms=20):
        ends_as_wait4_says(200 if is_slow else 1000)
        ends_that_nobody_waits_for(10 if is_slow else 100)
        running_as_proc_says()
        one_thread_of_many()


run(main)
