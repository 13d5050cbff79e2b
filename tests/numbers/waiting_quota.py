#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A busy task in a cgroup with a quota of CPU time (cpu.max): while its cgroup is throttled, it waits.
#
# kernels: debian
# on demand: matrix
# boot: --cpus 2

import os

from lib.cputime_checks import after_now, at_rest
from lib.module import loaded, write
from lib.proc import run_delay_us, text_of
from lib.processes import process, wait_until
from lib.results import equal, need, note, ok, run
from lib.samples import problems, samples

CGROUPS = "/sys/fs/cgroup"
FOLDER = f"{CGROUPS}/quota"
# Of each 100 ms, the tasks of the cgroup may run for 20 ms.
QUOTA_US, PERIOD_US = 20_000, 100_000


def spin():
    while True:
        pass


def throttled_us():
    return int(dict(line.split() for line in text_of(f"{FOLDER}/cpu.stat").splitlines())["throttled_usec"])


def a_throttled_task_waits():
    need("cpu" in text_of(f"{CGROUPS}/cgroup.controllers").split(), "no cgroup controller cpu")
    write("+cpu\n", f"{CGROUPS}/cgroup.subtree_control")
    os.mkdir(FOLDER)
    need(os.path.exists(f"{FOLDER}/cpu.max"), "no CONFIG_CFS_BANDWIDTH")
    with loaded(period_ms=10), process(spin) as pid:
        write(pid)
        wait_until(lambda: samples(pid=pid)[-1].usr > 200_000)
        without = after_now(pid)
        ok(without.wait * 2 < without.usr + without.sys, "without a quota: it runs and hardly waits", without)
        write(f"{QUOTA_US} {PERIOD_US}\n", f"{FOLDER}/cpu.max")
        write(f"{pid}\n", f"{FOLDER}/cgroup.procs")
        begin = after_now(pid)
        wait_until(lambda: throttled_us() > 20 * PERIOD_US)
        end, throttled = after_now(pid), throttled_us()
        ran, waited = (end.usr + end.sys) - (begin.usr + begin.sys), end.wait - begin.wait
        note(f"ran {ran}, waited {waited}, throttled {throttled} us")
        ok(0.8 < waited / throttled < 1.2, "with a quota: it waits for as long as its cgroup is throttled",
           (begin, end, throttled))
        ok(0.6 < waited / ran / (PERIOD_US / QUOTA_US - 1) < 1.6, "it runs for its quota, and waits for the rest",
           (begin, end))
        at_rest(pid)
        equal(after_now(pid).wait, int(run_delay_us(pid)), "'wait' is that of schedstat")
        equal(problems(samples(pid=pid)), [], "no number falls")
        write(f"-{pid}")
    wait_until(lambda: not text_of(f"{FOLDER}/cgroup.procs"))
    os.rmdir(FOLDER)


run(a_throttled_task_waits)
