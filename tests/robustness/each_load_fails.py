#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Each allocation of a load fails once: those of the kernel's module loader, and then those of the module. The
# load either succeeds completely or leaves nothing.
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
    """Loads in which the n-th allocation fails."""

    def __init__(self, pid):
        self.pid = pid
        self.nth = NthFailure()
        self.refused, self.wrong = 0, []

    def happens(self, number):
        """Loads once. Whether there is an n-th allocation; what is wrong is recorded."""
        happened, _, error = self.nth.run(number, lambda: load(pid=self.pid))
        if error is None:
            whole = [path for path in (SYSFS, DEBUGFS, STATISTICS) if os.path.exists(path)]
            if len(whole) < 3:
                self.wrong.append((number, "only", whole))
            elif not samples(pid=self.pid):
                self.wrong.append((number, "no sample"))
        else:
            self.refused += 1
            # If a thread cannot be created, the kernel returns EINTR.
            if error not in (errno.ENOMEM, errno.EFAULT, errno.EINTR):
                self.wrong.append((number, errno.errorcode.get(error, error)))
        if is_loaded():
            if error is not None:
                self.wrong.append((number, "the load failed, but the module is loaded"))
            unload()
        elif error is None:
            self.wrong.append((number, "the load succeeded, but the module is not loaded"))
        if left := remains():
            self.wrong.append((number, left))
        return happened


def main():
    prepare()
    hurry_grace_periods()
    with process() as pid:
        loads = Loads(pid)
        last = next(number for number in itertools.count(1) if not loads.happens(number)) - 1
        note(f"{last} operations can fail; {loads.refused} loads failed")
        ok(loads.refused > 10, "more than 10 loads fail", loads.refused)
        equal((len(loads.wrong), loads.wrong[:5]), (0, []), "each load succeeds completely or leaves nothing")
        loads.nth.close()


run(main)
