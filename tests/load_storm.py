#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Loads that fail at each allocation in turn, while others storm the files: nobody has a file open when
# the module's memory goes. Those that fail last, when the files are there, come again and again.
#
# kernels: uml
# boot: --cpus 2

import itertools
import os
import time

from faults import NthFailure, prepare
from harness import (DEBUGFS, STATISTICS, SYSFS, equal, is_loaded, load, note, ok, process, run, samples,
                     unload, wait_until)
from witness import hurry_grace_periods, remains
from workload import LEAST_ROUNDS, Workers, may_fail

# The files are made last of all: what fails while they are made is among the last things that can.
LAST, AGAIN = 40, 3
ATTEMPTS = 300


def storm(_round, *files):
    """Opens, reads and closes as often as it goes; what opens is held for a moment."""
    opened = 0
    for path, flags in files * ATTEMPTS:
        with may_fail():
            fd = os.open(path, flags)
            opened += 1
            if flags != os.O_WRONLY:
                with may_fail():
                    os.read(fd, 500)
            if opened % 4 == 0:
                time.sleep(0.005)
            os.close(fd)


class Loads:
    """Loads with the n-th allocation failing."""

    def __init__(self, pid):
        self.pid, self.nth = pid, NthFailure()
        self.refused = self.taken = 0
        self.wrong = []

    def happens(self, number):
        """Whether there is an n-th."""
        happened, _, error = self.nth.run(number, lambda: load(pid=self.pid))
        self.refused += error is not None
        self.taken += error is None
        if is_loaded():
            if error is not None:
                self.wrong.append((number, "refused, but there"))
            elif not samples(pid=self.pid):
                self.wrong.append((number, "no sample"))
            wait_until(self.unloads)
        if left := remains():
            self.wrong.append((number, left))
        return happened

    @staticmethod
    def unloads():
        try:
            unload()
        except BlockingIOError:
            return False
        return True


def main():
    prepare()
    hurry_grace_periods()
    workers = Workers()
    with process() as pid:
        workers.start(storm, (DEBUGFS, os.O_RDONLY), (STATISTICS, os.O_RDONLY))
        workers.start(storm, (SYSFS, os.O_RDONLY), (DEBUGFS, os.O_RDWR))
        # Whoever loads is not to wait for those.
        os.nice(-10)
        loads = Loads(pid)
        last = next(number for number in itertools.count(1) if not loads.happens(number))
        for number in list(range(max(1, last - LAST), last + 1)) * AGAIN:
            loads.happens(number)
        workers.wait_for_each()
        for who, (rounds, wrong) in workers.stop().items():
            ok(rounds >= LEAST_ROUNDS and not wrong, who, f"{rounds} {wrong}")
        note(f"{last - 1} things can fail; {loads.refused} loads were refused, {loads.taken} were not")
        ok(loads.refused > LAST, "loads are refused", loads.refused)
        equal((len(loads.wrong), loads.wrong[:5]), (0, []), "each leaves nothing, or all is there")
        loads.nth.close()


run(main)
