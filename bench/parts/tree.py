# SPDX-License-Identifier: GPL-2.0
"""What tree: costs on a machine with many processes: the CPU time of the write alone, because it
sleeps too."""

import os
import time

from load import Load
from module import FILE, Module

PROCESSES = 2000
# So long that no pass is made meanwhile.
PERIOD_US = 3_600_000_000


def tree():
    with Module(PERIOD_US) as module, Load("processes", PROCESSES):
        file = os.open(FILE, os.O_WRONLY)
        begin = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)
        os.write(file, b"tree:1")
        spent = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID) - begin
        os.close(file)
        targets = module.statistics()["targets"]
        if targets < PROCESSES:
            raise SystemExit(f"bench: tree:1 follows only {targets} processes")
        yield "tree_1_of_2000_insns", spent
        module.send("-tree:1")
