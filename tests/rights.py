#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Who may not: an ordinary user, his root in a user namespace, and root of a user namespace.
#
# kernels: uml

import errno
import os

from harness import (DEBUGFS, PARAMETERS, STATISTICS, SYSFS, equal, loaded, process, run, samples,
                     statistics, wait_until, write)
from witness import as_user, in_user_namespace

NOBODY = 65534
DENIED = {errno.EACCES, errno.EPERM}


def attempts(pid):
    """Whatever one could try; those that were not refused."""
    def read_(path):
        fd = os.open(path, os.O_RDONLY)
        try:
            return os.read(fd, 100)
        finally:
            os.close(fd)

    tried = {f"read {path}": lambda path=path: read_(path) for path in (SYSFS, DEBUGFS, STATISTICS)}
    tried |= {f"write {path}": lambda path=path: write("stop", path) for path in (SYSFS, DEBUGFS)}
    tried |= {f"add by {path}": lambda path=path: write(f"{pid}", path) for path in (SYSFS, DEBUGFS)}
    tried |= {f"set {name}": lambda name=name: write("7\n", f"{PARAMETERS}/{name}")
              for name in ("period_ms", "max_samples", "max_targets")}
    allowed = []
    for name, action in tried.items():
        try:
            action()
            allowed.append(name)
        except OSError as error:
            if error.errno not in DENIED:
                allowed.append(f"{name}: {error}")
    return allowed


def as_root_of_a_namespace(user=0):
    return in_user_namespace(lambda: (os.getuid(), attempts(os.getpid())), user)


def main():
    with loaded(period_ms=20), process() as pid:
        write(pid)
        wait_until(lambda: len(samples()) > 3)
        equal(as_user(NOBODY, lambda: attempts(os.getpid())), [], "an ordinary user may do nothing")
        equal(as_user(NOBODY, lambda: as_root_of_a_namespace(NOBODY)), (0, []), "nor may he as root of a user namespace of his own")
        equal(as_root_of_a_namespace(), (0, []),
              "nor may root, in a user namespace that is not the first")
        before = statistics()["passes"]
        wait_until(lambda: statistics()["passes"] > before + 3)
        equal((statistics()["targets"], statistics()["passes"] > before + 3), (1, True),
              "nothing was changed by all that")


run(main)
