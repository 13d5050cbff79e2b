#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that is locked down, as Secure Boot has it: what is in debugfs can be read and not written,
# words go to the file in sysfs, and taskmon works.
#
# kernels: uml
# needs: taskmon

import errno
import os
import subprocess

from lib.module import DEBUGFS, STATISTICS, SYSFS, loaded, read, statistics, write
from lib.processes import process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import parse, samples

SECURITY = "/sys/kernel/security"
TASKMON = os.environ["TASKMONITOR_TASKMON"]


def taskmon(*words):
    done = subprocess.run([TASKMON, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def main():
    subprocess.run(["mount", "-t", "securityfs", "securityfs", SECURITY], check=True)
    with loaded(period_ms=10), process() as one, process() as two:
        write(one)
        kept = os.open(DEBUGFS, os.O_RDWR)
        write("integrity", f"{SECURITY}/lockdown")
        ok("[integrity]" in read(f"{SECURITY}/lockdown"), "the kernel is locked down")
        for path in (DEBUGFS, STATISTICS):
            for flags in (os.O_WRONLY, os.O_RDWR):
                fails_with(errno.EPERM, lambda: os.open(path, flags), f"{path} cannot be opened to be written")
        ok(wait_until(lambda: len(samples(pid=one)) > 3), "samples are read")
        equal(statistics()["targets"], 1, "so are the statistics")
        write(f"{two} -{one}")
        ok(wait_until(lambda: {each.pid for each in samples()} == {two}), "words go to the file in sysfs")
        equal({each.pid for each in parse(read(SYSFS))}, {two}, "which can be read, too")
        os.write(kept, f"-{two}".encode())
        equal(statistics()["targets"], 0, "a file that was open before goes on")
        os.close(kept)
        equal(taskmon("add", str(one))[0], 0, "taskmon add")
        wait_until(lambda: samples(pid=one))
        status, out, err = taskmon("list")
        ok(status == 0 and str(one) in out, "taskmon list", (status, out, err))
        status, out, err = taskmon("record", "-o", "/tmp/out", "--", "true")
        ok(status == 0, "taskmon record", (status, out, err))
        equal(taskmon("remove", str(one))[0], 0, "taskmon remove")


run(main)
