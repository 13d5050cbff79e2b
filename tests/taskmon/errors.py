#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# What taskmon says if it is used wrongly, and if the module, debugfs or the rights are missing.
#
# kernels: uml
# needs: taskmon

import ctypes
import os
import re
import shutil
import subprocess

from lib.module import DEBUGFS, loaded
from lib.processes import process
from lib.results import equal, ok, run
from lib.run_as import in_user_namespace
from lib.system_calls import succeeded
from lib.taskmon import TASKMON, complaint, taskmon

_libc = ctypes.CDLL(None, use_errno=True)

READING = (["list"], ["stats"], ["export", "-f", "csv"], ["plot", "-o", "/tmp/x.svg"])
WRITING = (["add", "1"], ["remove", "1"], ["start"], ["stop"], ["clear"])


def each_says(wanted, all_arguments, name):
    for arguments in all_arguments:
        equal(complaint(taskmon(*arguments)), f"taskmon: {wanted}", f"{name}: {' '.join(arguments)}")


def wrong_usage():
    for arguments in (["add"], ["remove"], ["plot"], ["export"], ["record"], ["nonsense"], ["top", "-d", "0"],
                  ["record", "-i", "0", "--", "true"], ["stats", "x"], ["remove", "--all", "1"]):
        done = taskmon(*arguments)
        ok(done.returncode == 2 and done.stdout == "" and "rror: " in done.stderr,
           f"taskmon {' '.join(arguments)}: status 2 and a reason", done)
    ok("taskmon record" in taskmon("record", "--help").stdout, "--help prints the usage")
    ok(re.fullmatch(r"taskmon \d+\.\d+\.\d+\n", taskmon("--version").stdout), "--version prints the version")


def without_module():
    each_says("the module is not loaded: run `modprobe taskmonitor`", READING + WRITING, "not loaded")
    done = taskmon("record", "--", "true")
    equal((done.returncode, done.stderr),
          (125, "taskmon: the module is not loaded: run `modprobe taskmonitor`\n"), "record: status 125")


def without_rights():
    # A copy that all users can execute.
    program_for_all = shutil.copy(TASKMON, "/tmp/taskmon")

    def as_nobody(arguments):
        return subprocess.run([program_for_all, *arguments], user=65534, group=65534, extra_groups=[],
                              capture_output=True, text=True, check=False)
    for arguments in READING + WRITING:
        done = complaint(as_nobody(arguments))
        ok(isinstance(done, str) and "run taskmon with sudo or as root" in done,
           f"not root: {' '.join(arguments)}", done)
        done = in_user_namespace(lambda arguments=arguments: complaint(taskmon(*arguments)), 0)
        ok(isinstance(done, str) and "not permitted, even for root" in done,
           f"root of a user namespace: {' '.join(arguments)}", done)


def without_debugfs():
    succeeded(_libc.umount(b"/sys/kernel/debug"))
    try:
        each_says("debugfs is not mounted: run `mount -t debugfs none /sys/kernel/debug`", READING,
                  "no debugfs")
        with process() as pid:
            equal(taskmon("add", pid).returncode, 0, "no debugfs: add works")
            equal(taskmon("remove", pid).returncode, 0, "no debugfs: remove works")
    finally:
        subprocess.run(["mount", "-t", "debugfs", "none", "/sys/kernel/debug"], check=True)
    ok(os.path.exists(DEBUGFS), "debugfs is mounted again")


def main():
    without_module()
    wrong_usage()
    with loaded(period_ms=20):
        without_rights()
        without_debugfs()


run(main)
