#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The module as a part of the kernel: parameters on the kernel's command line bear its name, the first process
# is watched and followed from boot on, and the unit tests have run.
#
# on demand: in-tree
# boot: --append taskmonitor.period_ms=30 --append taskmonitor.max_samples=500
# boot: --append taskmonitor.pid=1 --append taskmonitor.tree=1 --append kunit.autorun=1

import os
import re

from lib.module import is_built_in, parameter, statistics, unload, write
from lib.proc import text_of
from lib.processes import child, wait_until
from lib.results import equal, ok, run, skip
from lib.samples import exit_samples, problems, samples

KUNIT = "/sys/kernel/debug/kunit"


def parameters_of_the_command_line():
    ok(is_built_in(), "the module is built in")
    equal((parameter("period_ms"), parameter("max_samples")), (30, 500), "taskmonitor.period_ms and .max_samples")


def first_process():
    history = samples(pid=1)
    ok(len(history) > 3, "taskmonitor.pid=1: the first process is sampled", history)
    equal(problems(samples()), [], "the history is in order")
    pid = child(lambda: None)
    os.waitpid(pid, 0)
    ok(wait_until(lambda: pid in exit_samples()), "taskmonitor.tree=1: its descendants are followed")
    write("-tree:1")
    equal(statistics()["targets"], 0, "-tree:1 removes all of them")


def stays():
    try:
        unload()
        ok(False, "it cannot be unloaded")
    except OSError:
        ok(is_built_in(), "it cannot be unloaded")


def unit_tests():
    if not os.path.isdir(KUNIT):
        skip("the unit tests have passed at boot", "no CONFIG_KUNIT_DEBUGFS")
        return
    lines = [line for suite in os.listdir(KUNIT) for line in text_of(f"{KUNIT}/{suite}/results").splitlines()]
    cases = [line for line in lines if re.match(r" +(not )?ok \d+ ", line)]
    ok(len(cases) > 20, "the unit tests have run at boot", lines)
    equal([line for line in cases if line.lstrip().startswith("not ")], [], f"{len(cases)} unit tests have passed")


run(parameters_of_the_command_line, first_process, stays, unit_tests)
