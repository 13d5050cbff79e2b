#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# CPU time with tick accounting: exit samples are what wait4() reports, also of children that are reaped
# between two passes; samples of running tasks are what /proc reports.
#
# kernels: uml x86_64
# on demand: matrix in-tree
# boot: --cpus 2

from lib.cputime_checks import exits_match_wait4, exits_without_wait, one_thread_of_many, running_match_proc
from lib.kernel_state import sanitized
from lib.module import loaded
from lib.results import run


def main():
    # A kernel with sanitizers forks slowly.
    with loaded(period_ms=20):
        exits_match_wait4(200 if sanitized() else 1000)
        exits_without_wait(10 if sanitized() else 100)
        running_match_proc()
        one_thread_of_many()


run(main)
