#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon add, remove, list, start, stop, clear and stats: tasks by PID and by name.
#
# kernels: uml
# needs: taskmon

import contextlib
import json
import os
import re
import shutil
import subprocess

from lib.clone import free_pid
from lib.module import loaded, statistics, write
from lib.proc import stat
from lib.processes import child, idle_threads, process, program, wait_until
from lib.results import equal, ok, run
from lib.samples import samples
from lib.taskmon import complaint, taskmon

NAME = "watch-me"
LONG_NAME = "a-name-that-the-kernel-cuts"


@contextlib.contextmanager
def sleepers(name, count):
    """That many processes of that name; their PIDs, sorted."""
    path = f"/tmp/{name}"
    shutil.copy("/bin/sleep", path)
    started = [subprocess.Popen([path, "1000"]) for _ in range(count)]
    try:
        # exec() gives them the name.
        wait_until(lambda: all(os.readlink(f"/proc/{each.pid}/exe") == path for each in started))
        yield sorted(each.pid for each in started)
    finally:
        for each in started:
            each.kill()
            each.wait()


def watched():
    done = taskmon("list", "--json")
    return [row["pid"] for row in json.loads(done.stdout)]


def sampled(count):
    wait_until(lambda: len({each.pid for each in samples()}) == count)


def by_pid():
    with process() as one, process() as two:
        equal(taskmon("add", one, two).returncode, 0, "add accepts PIDs")
        sampled(2)
        equal(watched(), [one, two], "list shows them in the order in which they were added")
        unused = free_pid()
        done = taskmon("add", one, unused, 0, "no-process-has-this-name")
        equal(complaint(done),
              f"taskmon: {one} is already watched; {unused}: no such task; 0 is not a valid PID or thread ID; "
              "no process is named no-process-has-this-name", "add names each task that cannot be added")
        equal(taskmon("remove", one).returncode, 0, "remove accepts a PID")
        equal(complaint(taskmon("remove", one)), f"taskmon: {one} is not watched", "a second remove fails")
        equal(watched(), [two], "the other task is still watched")
        equal(taskmon("remove", "--all").returncode, 0, "remove --all")
        equal(watched(), [], "remove --all removes all targets")


def by_name():
    with sleepers(NAME, 3) as pids, sleepers(LONG_NAME, 1) as long:
        equal(taskmon("add", NAME).returncode, 0, "add accepts a name")
        sampled(3)
        equal(watched(), pids, "add NAME watches all processes of that name")
        equal(complaint(taskmon("add", NAME)),
              f"taskmon: all processes named {NAME} are already watched", "a second add of the name fails")
        equal(taskmon("add", LONG_NAME).returncode, 0, "add accepts a name that is longer than comm")
        sampled(4)
        equal(watched(), pids + long, "add finds it by the file of the program")
        rows = json.loads(taskmon("list", "--json").stdout)
        equal([row["command"] for row in rows], [NAME] * 3 + [LONG_NAME[:15]], "list shows the names")
        equal({row["state"] for row in rows}, {stat(long[0]).state}, "list shows the states")
        equal(taskmon("remove", NAME).returncode, 0, "remove accepts a name")
        equal(watched(), long, "remove NAME keeps the other targets")
        taskmon("remove", LONG_NAME)


def scripts_by_name():
    """comm is the cut name of the script; the command line begins with the interpreter."""
    path = f"/tmp/{LONG_NAME}"
    for head in ("#!/bin/sh", "#!/bin/sh -e"):
        with open(path, "w", encoding="ascii") as script:
            script.write(f"{head}\nread forever\n")
        os.chmod(path, 0o755)
        with program(path, stdin=subprocess.PIPE) as started:
            wait_until(lambda pid=started.pid: LONG_NAME.encode() in read_bytes(f"/proc/{pid}/cmdline"))
            equal(taskmon("add", LONG_NAME).returncode, 0, f"{head}: a script is found by its long name")
            sampled(1)
            equal(watched(), [started.pid], f"{head}: no other process is found")
            taskmon("remove", LONG_NAME)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def trees_and_exits():
    with process() as idle:
        pid = child(lambda: (os.read(begin[0], 1), os.waitpid(child(lambda: None), 0)))
        equal(taskmon("add", "--tree", pid).returncode, 0, "add --tree")
        taskmon("add", idle)
        os.write(begin[1], b"x")
        os.waitpid(pid, 0)
        ok(wait_until(lambda: sum(each.exit for each in samples()) == 2), "two processes are followed to their exit")
        equal(len(watched()), 3, "list shows ended tasks")
        equal(taskmon("remove", "--ended").returncode, 0, "remove --ended")
        equal(watched(), [idle], "remove --ended keeps running tasks")
        taskmon("remove", "--all")


begin = os.pipe()


def commands():
    with process() as pid:
        write(pid)
        equal(taskmon("stop").returncode, 0, "stop")
        passes = statistics()["passes"]
        equal(taskmon("start").returncode, 0, "start")
        ok(wait_until(lambda: statistics()["passes"] > passes), "after start, samples are taken")
        taskmon("stop")
        equal(taskmon("clear").returncode, 0, "clear")
        equal((statistics()["alive"], statistics()["targets"]), (0, 1),
              "clear frees the samples and keeps the targets")
        shown = json.loads(taskmon("stats", "--json").stdout)
        equal(shown, statistics(), "stats --json shows the statistics file")
        shown = dict(line.split()[:2] for line in taskmon("stats").stdout.splitlines())
        equal({name: int(value) for name, value in shown.items()}, statistics(), "stats shows the statistics file")
        write(f"start -{pid}")


def without_samples():
    """The samples files do not show a target that has no samples."""
    with process() as seen, process() as unseen:
        write(seen)
        sampled(1)
        write(f"stop {unseen}")
        done = taskmon("list", "--json")
        rows = json.loads(done.stdout)
        equal(([row["pid"] for row in rows], done.stderr), ([seen, unseen], ""),
              "list shows a target that has no samples")
        equal([rows[1][key] for key in ("samples", "first", "next", "time_us")], [0, 0, 0, None],
              "it says that there are none")
        ok(re.search(rf"^ *{unseen} [A-Z] +(?:0\.000000 +){{3}}0 +0 ", taskmon("list").stdout, re.MULTILINE),
           "the table shows it too", taskmon("list").stdout)
        equal(taskmon("remove", "--all").returncode, 0, "remove --all")
        equal(statistics()["targets"], 0, "it removes targets without samples too")
        write("start")


def many_at_once():
    """The commands do not fit in one write to a file in sysfs."""
    with idle_threads(600) as threads:
        write(threads[1])
        done = taskmon("add", threads[0], "--pid", ",".join(map(str, threads[1:])))
        equal(complaint(done), f"taskmon: {threads[1]} is already watched", "add names the one that is watched already")
        equal(sorted(watched()), sorted(threads), "it has added all others")
        equal(taskmon("remove", "--pid", ",".join(map(str, threads[:10]))).returncode, 0, "remove --pid")
        equal(sorted(watched()), sorted(threads[10:]), "it removes those")
        equal(taskmon("remove", "--all").returncode, 0, "remove --all")
        equal(statistics()["targets"], 0, "it removes all targets")


def main():
    with loaded(period_ms=20):
        for test in (by_pid, by_name, scripts_by_name, trees_and_exits, commands, without_samples,
                     many_at_once):
            test()


run(main)
