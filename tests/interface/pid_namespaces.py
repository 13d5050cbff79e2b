#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# pid namespaces: numbers written and read are those of who writes or reads, in both files and at
# load; and nobody learns of tasks outside of his own namespace.
#
# kernels: uml

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


def outsiders():
    """Targets outside are neither seen nor reached from inside."""
    with process() as one, process() as two:
        write(f"{one} {two}")
        wait_until(lambda: len(samples()) > 10)

        def inside():
            return {"pid": os.getpid(), "seen": [pids(path) for path in BOTH],
                    "add": [error_of(lambda: write(one, path)) for path in BOTH],
                    "remove": [error_of(lambda: write(f"-{one}", path)) for path in BOTH]}

        found = in_pid_namespace(inside)
        equal(found["pid"], 1, "a process that is the first of its namespace")
        equal(found["seen"], [[], []], "sees no target that is outside, in either file")
        equal(found["add"], [errno.ESRCH] * 2, "cannot add one")
        equal(found["remove"], [errno.ESRCH] * 2, "cannot take one away")
        equal(pids(), [one, two], "which are still there, for those outside")
        write(f"-{one} -{two}")


def insiders():
    """Targets inside are named by the numbers there, and by others outside."""
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
        ok(mine < 10, "a child in a namespace has a small number", mine)
        equal(found["seen"], [[1, mine]] * 2, "it is seen by that, in both files")
        equal(found["again"], errno.EEXIST, "added again by that")
        equal(found["after"], [1], "and taken away by that")
        equal(found["ended"], [1, mine], "a task that has ended keeps its number for those inside")
        equal(found["outer"][SYSFS], found["outer"][DEBUGFS], "both files tell the same")
        ok(wait_until(lambda: sum(each.exit for each in samples()) == 2), "outside: both have ended")
        outside = pids()
        equal((len(outside), outside[0]), (3, one), "all three are seen outside")
        ok(all(pid > 10 for pid in outside), "by the numbers there", outside)
        for pid in outside:
            write(f"-{pid}")
        equal(statistics()["targets"], 0, "and are taken away by those")


def ended_tasks_keep_no_namespaces(limit=8, count=40):
    """As a container runtime starts and ends them, while it is followed."""
    before = text_of(MAX_NAMESPACES)
    with open(MAX_NAMESPACES, "w", encoding="ascii") as file:
        file.write(str(limit))
    write(f"tree:{os.getpid()}")

    def another():
        return subprocess.run(("unshare", "--fork", "--pid", "true"), stderr=subprocess.DEVNULL,
                              check=False).returncode == 0

    # The kernel frees a namespace some time after its last process.
    ok(all(wait_until(another) for _ in range(count)),
       f"{count} namespaces come and go, with {limit} at most at a time")
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= 2 * count),
       "their processes are shown to have ended")
    write(f"-tree:{os.getpid()}")
    with open(MAX_NAMESPACES, "w", encoding="ascii") as file:
        file.write(before)


def one_open_file():
    """Who reads counts, not who opened."""
    with process() as one:
        write(one)
        fd = os.open(DEBUGFS, os.O_RDONLY)

        def inside():
            os.lseek(fd, 0, os.SEEK_SET)
            return os.read(fd, 4096)

        wait_until(lambda: len(samples()) > 5)
        equal(in_pid_namespace(inside), b"", "a file handed into a namespace shows what is in there")
        os.lseek(fd, 0, os.SEEK_SET)
        ok(os.read(fd, 4096), "and outside what is there")
        os.close(fd)
        write(f"-{one}")


def nested():
    def inside():
        write("1")
        wait_until(lambda: len(samples()) > 3)
        deeper = in_pid_namespace(lambda: (pids(), error_of(lambda: write("-1"))))
        return deeper, pids()

    deeper, there = in_pid_namespace(inside)
    equal(deeper, ([], errno.ESRCH), "a namespace within: the outer one's first is not its own")
    equal(there, [1], "which the outer one still watches")
    outside = pids()
    equal(len(outside), 1, "as is seen outside")
    write(f"-{outside[0]}")


def at_load():
    def inside():
        mine = child(signal.pause)
        load(pid=mine)
        wait_until(lambda: len(samples()) > 2)
        return mine, pids(), error_of(lambda: write(mine))

    mine, seen, again = in_pid_namespace(inside)
    equal((seen, again), ([mine], errno.EEXIST), "pid= is a number of the loader's namespace")
    unload()
    outer = os.getpid()
    equal(in_pid_namespace(lambda: error_of(lambda: load(pid=outer))), errno.ESRCH,
          "where a number from outside is nobody's")
    equal(remains(), [], "which leaves nothing")


def main():
    with loaded(period_ms=10):
        for part in (outsiders, insiders, ended_tasks_keep_no_namespaces, one_open_file, nested):
            part()
    at_load()


run(main)
