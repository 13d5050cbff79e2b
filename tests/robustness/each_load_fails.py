#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Loading with allocations that fail, each in turn: the kernel's loader's, and then the module's own.
# Either all is there, or nothing is left.
#
# kernels: uml

import errno
import itertools
import os

from lib.fault_injection import NthFailure, prepare
from lib.kernel_state import hurry_grace_periods, remains
from lib.module import DEBUGFS, STATISTICS, SYSFS, is_loaded, load, unload
from lib.processes import process
from lib.results import equal, note, ok, run
from lib.samples import samples


class Loads:
    """Loads with the n-th allocation failing."""

    def __init__(self, pid):
        self.pid = pid
        self.nth = NthFailure()
        self.refused, self.wrong = 0, []

    def happens(self, number):
        """Whether there is an n-th; what came of it is written down."""
        happened, _, error = self.nth.run(number, lambda: load(pid=self.pid))
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


def main():
    prepare()
    hurry_grace_periods()
    with process() as pid:
        loads = Loads(pid)
        last = next(number for number in itertools.count(1) if not loads.happens(number)) - 1
        note(f"{last} things can fail; {loads.refused} loads were refused")
        ok(loads.refused > 10, "loads are refused", loads.refused)
        equal((len(loads.wrong), loads.wrong[:5]), (0, []), "each leaves nothing, or all is there")
        loads.nth.close()


run(main)
