#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Loading with allocations that fail: each of those at the end, which are the module's own, and some of
# those before, which are the kernel's loader's. Either all is there, or nothing is left.
#
# kernels: uml

import errno
import os

from faults import NthFailure, prepare
from harness import (DEBUGFS, STATISTICS, SYSFS, equal, is_loaded, load, note, ok, process, run,
                     samples, unload)
from witness import hurry_grace_periods, remains

OURS = 200
STRIDE = 80


class Loads:
    """Loads with the n-th allocation failing."""

    def __init__(self, pid):
        self.pid = pid
        self.nth = NthFailure()
        self.refused, self.wrong, self.tried = 0, [], set()

    def happens(self, number):
        """Whether there is an n-th; what came of it is written down."""
        happened, _, error = self.nth.run(number, lambda: load(pid=self.pid))
        self.tried.add(number)
        if error is None:
            whole = [path for path in (SYSFS, DEBUGFS, STATISTICS) if os.path.exists(path)]
            if len(whole) < 3:
                self.wrong.append((number, "only", whole))
            elif not samples(pid=self.pid):
                self.wrong.append((number, "no sample"))
        else:
            self.refused += 1
            # A thread that cannot be made is told as an interruption.
            if error not in (errno.ENOMEM, errno.EFAULT, errno.EINTR):
                self.wrong.append((number, errno.errorcode.get(error, error)))
        if is_loaded():
            if error is not None:
                self.wrong.append((number, "refused, but there"))
            unload()
        elif error is None:
            self.wrong.append((number, "gone"))
        if left := remains():
            self.wrong.append((number, left))
        return happened

    def last(self):
        """The number of the last allocation."""
        low, high = 1, 2
        while self.happens(high):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.happens(middle) else (low, middle)
        return low


def main():
    prepare()
    hurry_grace_periods()
    with process() as pid:
        loads = Loads(pid)
        last = loads.last()
        ours = range(max(1, last - OURS), last + 2)
        for number in [*range(1, ours[0], STRIDE), *ours]:
            loads.happens(number)
        note(f"{last} things can fail; {len(loads.tried)} did, {loads.refused} loads were refused")
        ok(loads.refused > 10, "loads are refused", loads.refused)
        equal((len(loads.wrong), loads.wrong[:5]), (0, []), "each leaves nothing, or all is there")
        loads.nth.close()


run(main)
