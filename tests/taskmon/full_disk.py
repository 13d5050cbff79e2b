#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Outputs that cannot be written: full disks, closed pipes, folders. One line names the file and says what to do, and
# the status is not 0. Nothing half written is left.
#
# kernels: uml
# needs: taskmon

import contextlib
import os
import subprocess

from lib.module import loaded, statistics, write
from lib.processes import process, wait_until
from lib.results import equal, ok, run
from lib.taskmon import TASKMON, complaint, taskmon

FULL = "/tmp/full"
FORMATS = ("csv", "json", "perfetto", "openmetrics")
TO_STDOUT = [["list"], ["list", "--json"], ["stats"], ["stats", "--json"], *(["export", "-f", form] for form in FORMATS)]
NO_SPACE = "No space left on device: free some space, or write to another file system"


@contextlib.contextmanager
def full_disk():
    """A file system without space, at FULL."""
    os.makedirs(FULL, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", FULL], check=True)
    try:
        with open(f"{FULL}/fill", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        yield
    finally:
        subprocess.run(["umount", FULL], check=True)


def to_stdout():
    for words in TO_STDOUT:
        with open("/dev/full", "wb") as full:
            done = taskmon(*words, stdout=full)
        equal((done.returncode, done.stderr), (1, f"taskmon: standard output: {NO_SPACE}\n"),
              f"{' '.join(words)} > /dev/full")
        done = subprocess.run(["bash", "-c", f"{TASKMON} {' '.join(words)} | true; echo ${{PIPESTATUS[0]}}"],
                              capture_output=True, text=True, check=False)
        equal((done.stdout, done.stderr), ("0\n", ""), f"{' '.join(words)}: a closed pipe is not an error")


def to_files():
    writing = [["export", "-f", form, "-o", f"{FULL}/x.{form}"] for form in FORMATS]
    writing += [["plot", "-o", f"{FULL}/x.svg"], ["plot", "-o", f"{FULL}/x.png"]]
    with full_disk():
        for words in writing:
            equal(complaint(taskmon(*words)), f"taskmon: {words[-1]}: {NO_SPACE}", f"{' '.join(words)}: a full disk")
        for what in ("man", "completions"):
            said = complaint(taskmon("generate", what, FULL))
            ok(isinstance(said, str) and said.startswith(f"taskmon: {FULL}/") and said.endswith(NO_SPACE),
               f"generate {what}: a full disk", said)
        equal(os.listdir(FULL), ["fill"], "nothing is left on the full disk")
        said = complaint(taskmon("plot", "-o", "/tmp/x.svg", env={**os.environ, "TMPDIR": FULL}))
        equal(said, f"taskmon: a temporary file in {FULL}: No space left on device: free some space, or set TMPDIR to "
                    "another directory", "plot: no space for the copy of the samples")
    for words in (["export", "-f", "csv"], ["plot"]):
        said = complaint(taskmon(*words, "-o", "/tmp" if words == ["export", "-f", "csv"] else "/tmp/folder.svg"))
        ok(isinstance(said, str) and said.endswith(": is a directory: specify a file in it"),
           f"{' '.join(words)} -o: a folder", said)
        equal(complaint(taskmon(*words, "-o", "/no/such/x.svg")), "taskmon: /no/such/x.svg: No such file or directory",
              f"{' '.join(words)} -o: a folder that does not exist")
    equal(complaint(taskmon("export", "-f", "csv", "-o", "/dev/full")), f"taskmon: /dev/full: {NO_SPACE}",
          "export -o /dev/full")
    equal(complaint(taskmon("generate", "man", "/etc/passwd")), "taskmon: /etc/passwd: File exists",
          "generate: a file in place of the folder")
    equal(complaint(taskmon("generate", "man", "/proc/x")), "taskmon: /proc/x: No such file or directory",
          "generate: a folder that cannot be made")


def main():
    os.mkdir("/tmp/folder.svg")
    with loaded(period_ms=5):
        with process() as pid:
            write(pid)
            # More samples than a buffer holds.
            ok(wait_until(lambda: statistics()["alive"] > 2000), "samples are taken")
            write("stop")
            to_stdout()
            to_files()
            write(f"-{pid}")


run(main)
