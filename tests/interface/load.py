#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Loading the module: what it creates, which parameter values it accepts, and that a failed load leaves
# nothing.
#
# kernels: uml x86_64 debian
# on demand: matrix

import errno
import os

from lib.clone import free_pid
from lib.kernel_state import kernel_log, kernel_threads, remains, slabs
from lib.module import (DEBUGFS, PARAMETERS, STATISTICS, SYSFS, TASKS, is_loaded, load, loaded, parameter,
                        statistics, unload)
from lib.processes import process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import samples

PID_MAX = 2147483647


def refused(number, name, **parameters):
    fails_with(number, lambda: load(**parameters), name)
    if not equal(remains(), [], f"{name}: nothing is left") and is_loaded():
        unload()


def no_such_task():
    refused(errno.ESRCH, "the PID of a process that has ended", pid=free_pid())
    refused(errno.ESRCH, "a PID larger than any", pid=PID_MAX)
    refused(errno.ESRCH, "a PID larger than any, tree=1", pid=PID_MAX, tree=1)
    for parameters in ({"pid": free_pid()}, {"pid": PID_MAX, "tree": 1}):
        lines_before = len(kernel_log())
        refused(errno.ESRCH, f"{parameters}", **parameters)
        equal([line for line in kernel_log()[lines_before:] if line.startswith("taskmonitor: ")],
              [f"taskmonitor: no task with PID {parameters['pid']} (in the loader's PID namespace)"],
              f"{parameters}: one line in the kernel log names the PID")
    for _ in range(20):
        try:
            load(pid=PID_MAX)
        except ProcessLookupError:
            continue
        ok(False, "each of 20 loads with an unused PID fails")
        return
    equal(remains(), [], "20 failed loads leave nothing")


def bad_parameters():
    for pid in (-1, -PID_MAX, PID_MAX + 1, 2**32 + 1, 2**64 + 1, "one", "1x", "1,2", "-0", "", "''"):
        refused(errno.EINVAL, f"pid={pid}", pid=pid)
    for name, values in {
        "tree": (-1, 2, "yes", ""),
        "rt_priority": (-1, 100, 2**32, "fifo", ""),
        "period_ms": (0, -1, 3_600_001, 2**32, 2**32 + 100, 2**64, "100ms", "1.5", ""),
        "max_samples": (-1, "-0", 2**32, 2**64, "many", ""),
        "max_targets": (0, -1, 4_194_305, 2**64, "many", ""),
    }.items():
        for value in values:
            refused(errno.EINVAL, f"{name}={value}", **{name: value})
    refused(errno.EINVAL, "tree=1 without pid", tree=1)
    refused(errno.EINVAL, "tree=1 with pid=0", pid=0, tree=1)


def good_parameters():
    for name, values in {
        "period_ms": (1, 3_600_000),
        "rt_priority": (1, 99),
        "max_samples": (0, 1, 100_000_000, 2**32 - 1),
        "max_targets": (1, 1_000_000, 4_194_304),
    }.items():
        for value in values:
            with loaded(**{name: value}):
                equal(parameter(name), value, f"{name}={value} is accepted")


def without_a_task():
    with loaded():
        equal([parameter(name) for name in ("period_ms", "max_samples", "max_targets", "rt_priority")],
              [100, 100_000, 16_384, 0], "the defaults")
        equal(samples(DEBUGFS) + samples(SYSFS), [], "no samples")
        equal(statistics()["targets"], 0, "no target")
        equal(sorted(kernel_threads()), ["taskmonitor"], "one kernel thread")
        ok(len(slabs()) > 0, "slab caches")
        modes = [os.stat(path).st_mode & 0o7777 for path in (SYSFS, DEBUGFS, TASKS, STATISTICS)]
        equal(modes, [0o600, 0o400, 0o400, 0o400], "only root may read the files, and no debugfs file has a write bit")
        writable = {name for name in os.listdir(PARAMETERS)
                    if os.stat(f"{PARAMETERS}/{name}").st_mode & 0o222}
        equal(writable, {"period_ms", "max_samples", "max_kib", "max_targets", "rt_priority"},
              "the parameters that can be written after the load")
        fails_with(errno.EEXIST, load, "a second load fails")
    equal(remains(), [], "an unload leaves nothing")


def with_a_task():
    with process() as pid, loaded(pid=pid, period_ms=10):
        ok(wait_until(lambda: len(samples(pid=pid)) > 3), "the task given by pid= is sampled")
        equal({each.pid for each in samples()}, {pid}, "no other task is sampled")
        equal(statistics()["targets"], 1, "one target")
    with loaded(pid=0):
        equal(statistics()["targets"], 0, "pid=0: no target")
    equal(remains(), [], "an unload leaves nothing")


run(no_such_task, bad_parameters, good_parameters, without_a_task, with_a_task)
