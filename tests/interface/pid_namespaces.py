#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# PID namespaces: PIDs in both files and in the parameter pid= belong to the PID namespace of the reader,
# the writer or the loader. A process sees no task outside of its PID namespace.
#
# kernels: uml
# on demand: matrix

import errno
import os
import signal
import subprocess
import time

from lib.kernel_state import remains
from lib.module import DEBUGFS, SYSFS, load, loaded, statistics, unload, write
from lib.proc import text_of
from lib.processes import child, process, wait_until
from lib.results import equal, error_of, ok, run
from lib.run_as import in_pid_namespace
from lib.samples import samples

BOTH = (SYSFS, DEBUGFS)
MAX_NAMESPACES = "/proc/sys/user/max_pid_namespaces"


def pids(path=DEBUGFS):
    return list(dict.fromkeys(each.pid for each in samples(path)))


def targets_outside():
    """A process in a new namespace can neither see nor change targets outside."""
    with process() as one, process() as two:
        write(f"{one} {two}")
        wait_until(lambda: len(samples()) > 10)

        def inside():
            return {"pid": os.getpid(), "seen": [pids(path) for path in BOTH],
                    "add": [error_of(lambda: write(one, path)) for path in BOTH],
                    "remove": [error_of(lambda: write(f"-{one}", path)) for path in BOTH]}

        found = in_pid_namespace(inside)
        equal(found["pid"], 1, "a process is the first of its PID namespace")
        equal(found["seen"], [[], []], "neither file shows it a target outside")
        equal(found["add"], [errno.ESRCH] * 2, "it cannot add a task outside")
        equal(found["remove"], [errno.ESRCH] * 2, "it cannot remove a target outside")
        equal(pids(), [one, two], "outside, both targets are still watched")
        write(f"-{one} -{two}")


def targets_inside():
    """A target inside has one PID there and another one outside."""
    with process() as one:
        write(one)

        def inside():
            mine = child(signal.pause)
            write(f"1 {mine}")
            wait_until(lambda: len(samples()) > 10)
            seen = [pids(path) for path in BOTH]
            again = error_of(lambda: write(mine))
            write("stop")
            time.sleep(0.1)
            outer = {path: [(each.num, each.time) for each in samples(path, pid=mine)][-3:]
                     for path in BOTH}
            write("start")
            write(f"-{mine}")
            after = pids()
            write(mine, DEBUGFS)
            os.kill(mine, signal.SIGKILL)
            os.waitpid(mine, 0)
            wait_until(lambda: samples(pid=mine)[-1].exit)
            return {"mine": mine, "seen": seen, "again": again, "after": after, "outer": outer,
                    "ended": pids()}

        found = in_pid_namespace(inside)
        mine = found["mine"]
        ok(mine < 10, "a child in a PID namespace has a small PID", mine)
        equal(found["seen"], [[1, mine]] * 2, "inside, both files show that PID")
        equal(found["again"], errno.EEXIST, "inside, adding that PID again gives EEXIST")
        equal(found["after"], [1], "inside, it is removed by that PID")
        equal(found["ended"], [1, mine], "inside, an ended task keeps its PID")
        equal(found["outer"][SYSFS], found["outer"][DEBUGFS], "both files show the same samples")
        ok(wait_until(lambda: sum(each.exit for each in samples()) == 2), "outside, both have exit samples")
        outside = pids()
        equal((len(outside), outside[0]), (3, one), "outside, all three targets are shown")
        ok(all(pid > 10 for pid in outside), "outside, with the PIDs that they have there", outside)
        for pid in outside:
            write(f"-{pid}")
        equal(statistics()["targets"], 0, "outside, they are removed by those PIDs")


def ended_tasks_keep_no_namespaces(limit=8, count=40):
    """Creates and ends many namespaces, as a container runtime does, while forks are followed."""
    before = text_of(MAX_NAMESPACES)
    with open(MAX_NAMESPACES, "w", encoding="ascii") as file:
        file.write(str(limit))
    write(f"tree:{os.getpid()}")

    def another():
        return subprocess.run(("unshare", "--fork", "--pid", "true"), stderr=subprocess.DEVNULL,
                              check=False).returncode == 0

    # The kernel frees a namespace some time after its last process.
    ok(all(wait_until(another) for _ in range(count)),
       f"{count} PID namespaces are created, with a limit of {limit} at a time")
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= 2 * count),
       "their processes have exit samples")
    write(f"-tree:{os.getpid()}")
    with open(MAX_NAMESPACES, "w", encoding="ascii") as file:
        file.write(before)


def one_open_file():
    """The PID namespace of the reader counts, not that of the process that opened the file."""
    with process() as one:
        write(one)
        fd = os.open(DEBUGFS, os.O_RDONLY)

        def inside():
            os.lseek(fd, 0, os.SEEK_SET)
            return os.read(fd, 4096)

        wait_until(lambda: len(samples()) > 5)
        equal(in_pid_namespace(inside), b"", "an inherited file shows the reader in a namespace no task outside")
        os.lseek(fd, 0, os.SEEK_SET)
        ok(os.read(fd, 4096), "outside, the same file shows the task")
        os.close(fd)
        write(f"-{one}")


def nested():
    def inside():
        write("1")
        wait_until(lambda: len(samples()) > 3)
        deeper = in_pid_namespace(lambda: (pids(), error_of(lambda: write("-1"))))
        return deeper, pids()

    deeper, there = in_pid_namespace(inside)
    equal(deeper, ([], errno.ESRCH), "a nested namespace does not see the outer namespace's first process")
    equal(there, [1], "the outer namespace still sees it")
    outside = pids()
    equal(len(outside), 1, "the initial namespace sees it")
    write(f"-{outside[0]}")


def at_load():
    def inside():
        mine = child(signal.pause)
        load(pid=mine)
        wait_until(lambda: len(samples()) > 2)
        return mine, pids(), error_of(lambda: write(mine))

    mine, seen, again = in_pid_namespace(inside)
    equal((seen, again), ([mine], errno.EEXIST), "pid= is a PID of the loader's namespace")
    unload()
    outer = os.getpid()
    equal(in_pid_namespace(lambda: error_of(lambda: load(pid=outer))), errno.ESRCH,
          "pid= with a PID of another namespace: ESRCH")
    equal(remains(), [], "the failed load leaves nothing")


def main():
    with loaded(period_ms=10):
        for part in (targets_outside, targets_inside, ended_tasks_keep_no_namespaces, one_open_file, nested):
            part()
    at_load()


run(main)
