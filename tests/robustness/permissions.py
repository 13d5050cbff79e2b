#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# An ordinary user, and root of a user namespace other than the initial one, can neither read nor write any file
# of the module. CAP_SYS_MODULE allows setting parameters at load, and nothing else.
#
# kernels: uml
# on demand: matrix

import errno
import os

from lib.module import (DEBUGFS, PARAMETERS, STATISTICS, SYSFS, is_loaded, load, loaded, parameter,
                        set_parameter, statistics, unload, write)
from lib.processes import process, wait_until
from lib.results import equal, error_of, run
from lib.run_as import CAP_SYS_MODULE, as_user, in_user_namespace, with_capabilities
from lib.samples import samples

NOBODY = 65534
DENIED = {errno.EACCES, errno.EPERM}


def attempts(pid):
    """Tries all operations. The names of those that were not denied."""
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


def as_root_of_namespace(user=0):
    return in_user_namespace(lambda: (os.getuid(), attempts(os.getpid())), user)


def main():
    with loaded(period_ms=20), process() as pid:
        write(pid)
        wait_until(lambda: len(samples()) > 3)
        equal(as_user(NOBODY, lambda: attempts(os.getpid())), [], "an ordinary user: all is denied")
        equal(as_user(NOBODY, lambda: as_root_of_namespace(NOBODY)), (0, []),
              "an ordinary user as root of a user namespace: all is denied")
        equal(as_root_of_namespace(), (0, []), "root in another user namespace: all is denied")
        before = statistics()["passes"]
        wait_until(lambda: statistics()["passes"] > before + 3)
        equal((statistics()["targets"], statistics()["passes"] > before + 3), (1, True),
              "the attempts have changed nothing")


def with_cap_sys_module():
    """A process with CAP_SYS_MODULE and without CAP_SYS_ADMIN."""
    def only_load(action):
        return with_capabilities([CAP_SYS_MODULE], lambda: error_of(action))

    equal(only_load(lambda: load(period_ms=50, max_samples=7, max_targets=3)), None,
          "CAP_SYS_MODULE: a load with parameters succeeds")
    if not is_loaded():
        return
    try:
        equal([parameter(name) for name in ("period_ms", "max_samples", "max_targets")], [50, 7, 3],
              "the parameters have these values")
        equal(only_load(lambda: set_parameter("period_ms", 60)), errno.EPERM,
              "without CAP_SYS_ADMIN a parameter cannot be changed after the load")
        equal((only_load(lambda: write("stop")), only_load(lambda: write("stop", DEBUGFS))),
              # The mode of the debugfs file allows writes only with CAP_DAC_OVERRIDE.
              (errno.EPERM, errno.EACCES), "without CAP_SYS_ADMIN no command can be written")
        equal(parameter("period_ms"), 50, "the parameter is unchanged")
        set_parameter("period_ms", 60)
        equal(parameter("period_ms"), 60, "with CAP_SYS_ADMIN the parameter can be changed")
    finally:
        unload()
    equal(only_load(lambda: load(period_ms=0)), errno.EINVAL, "CAP_SYS_MODULE: an invalid parameter gives EINVAL")


run(main, with_cap_sys_module)
