#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A locked-down kernel, as with Secure Boot: the debugfs files can be read but not written, commands are
# written to the sysfs file, and taskmon works.
#
# kernels: uml
# on demand: matrix
# needs: taskmon

import errno
import os
import subprocess

from lib.module import DEBUGFS, STATISTICS, SYSFS, loaded, read, statistics, write
from lib.processes import process, wait_until
from lib.results import equal, fails_with, need, ok, run
from lib.samples import parse, samples

SECURITY = "/sys/kernel/security"
TASKMON = os.environ["TASKMONITOR_TASKMON"]


def taskmon(*arguments):
    done = subprocess.run([TASKMON, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def by_taskmon(pid):
    try:
        taskmon("--version")
    except OSError as error:
        need(error.errno != errno.ENOEXEC, "taskmon is built for another architecture")
        raise
    equal(taskmon("add", str(pid))[0], 0, "taskmon add")
    wait_until(lambda: samples(pid=pid))
    status, out, err = taskmon("list")
    ok(status == 0 and str(pid) in out, "taskmon list", (status, out, err))
    status, out, err = taskmon("record", "-o", "/tmp/out", "--", "true")
    ok(status == 0, "taskmon record", (status, out, err))
    equal(taskmon("remove", str(pid))[0], 0, "taskmon remove")


def main():
    subprocess.run(["mount", "-t", "securityfs", "securityfs", SECURITY], check=True)
    need(os.path.exists(f"{SECURITY}/lockdown"), "no lockdown: CONFIG_SECURITY_LOCKDOWN_LSM, or lsm=")
    with loaded(period_ms=10), process() as one, process() as two:
        write(one)
        kept = os.open(DEBUGFS, os.O_RDWR)
        write("integrity", f"{SECURITY}/lockdown")
        ok("[integrity]" in read(f"{SECURITY}/lockdown"), "the kernel is locked down")
        for path in (DEBUGFS, STATISTICS):
            for flags in (os.O_WRONLY, os.O_RDWR):
                fails_with(errno.EPERM, lambda: os.open(path, flags), f"{path} cannot be opened for writing")
        ok(wait_until(lambda: len(samples(pid=one)) > 3), "samples can be read")
        equal(statistics()["targets"], 1, "statistics can be read")
        write(f"{two} -{one}")
        ok(wait_until(lambda: {each.pid for each in samples()} == {two}),
           "commands written to the sysfs file are executed")
        equal({each.pid for each in parse(read(SYSFS))}, {two}, "the sysfs file can be read")
        os.write(kept, f"-{two}".encode())
        equal(statistics()["targets"], 0, "a debugfs file that was open before the lockdown can be written")
        os.close(kept)
        by_taskmon(one)


run(main)
