#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Who may not: an ordinary user, his root in a user namespace, and root of a user namespace. Who may load
# a module may give it parameters, and no more.
#
# kernels: uml

import errno
import os

from lib.module import (DEBUGFS, PARAMETERS, STATISTICS, SYSFS, is_loaded, load, loaded, parameter,
                        set_parameter, statistics, unload, write)
from lib.processes import process, wait_until
from lib.results import equal, run
from lib.run_as import CAP_SYS_MODULE, as_user, in_user_namespace, with_capabilities
from lib.samples import samples

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
              for name in ("period_ms", "max_samples", "max_targets", "rt_priority")}
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


def error_of(action):
    """The name of the error with which the action fails, or None."""
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def a_loader():
    """With CAP_SYS_MODULE, and without CAP_SYS_ADMIN."""
    def only_load(action):
        return with_capabilities([CAP_SYS_MODULE], lambda: error_of(action))

    equal(only_load(lambda: load(period_ms=50, max_samples=7, max_targets=3)), None,
          "who may load a module may give it parameters")
    if not is_loaded():
        return
    try:
        equal([parameter(name) for name in ("period_ms", "max_samples", "max_targets")], [50, 7, 3],
              "they are in force")
        equal(only_load(lambda: set_parameter("period_ms", 60)), "EPERM",
              "once it is loaded, to change them takes CAP_SYS_ADMIN")
        equal((only_load(lambda: write("stop")), only_load(lambda: write("stop", DEBUGFS))),
              # The mode of the file in debugfs lets nobody write without CAP_DAC_OVERRIDE.
              ("EPERM", "EACCES"), "as it does to write words")
        equal(parameter("period_ms"), 50, "nothing is changed")
        set_parameter("period_ms", 60)
        equal(parameter("period_ms"), 60, "who has that may")
    finally:
        unload()
    equal(only_load(lambda: load(period_ms=0)), "EINVAL", "a bad one is refused as such")


run(main, a_loader)
