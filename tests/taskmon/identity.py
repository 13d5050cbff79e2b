#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon list and remove: who each watched task is, compared with what the processes and wait() say, and that remove
# takes nothing but what was named, also if PIDs recur.
#
# kernels: uml
# needs: taskmon

import json
import os
import re
import resource
import signal

from lib.clone import fork_as, free_pid
from lib.module import loaded, write
from lib.processes import child, kill, process, program, sleep_as, wait_until
from lib.results import equal, ok, run
from lib.taskmon import complaint, taskmon
from lib.tasks import tasks


def rows():
    return json.loads(taskmon("list", "--json").stdout)


def table():
    """The rows of the table, as lists of words."""
    return [line.split() for line in taskmon("list").stdout.splitlines()[1:]]


def row_of(pid):
    return next(row for row in rows() if row["pid"] == pid)


def ended(pid):
    """Waits until the list says that a task has ended."""
    return wait_until(lambda: any(task.pid == pid and task.ended is not None for task in tasks()))


def name_after_exec():
    with program("/bin/sh", "-c", "read go && exec sleep 1000", stdin=-1) as shell:
        write(shell.pid)
        equal(row_of(shell.pid)["command"], "sh", "list shows the name of a task")
        shell.stdin.write(b"go\n")
        shell.stdin.flush()
        ok(wait_until(lambda: os.readlink(f"/proc/{shell.pid}/exe").endswith(("sleep", "coreutils", "busybox"))),
           "the task executes another program")
        equal(row_of(shell.pid)["command"], "sleep", "list shows the new name")
        shell.kill()
        shell.wait()
        ended(shell.pid)
        row = row_of(shell.pid)
        equal((row["command"], row["state"], row["status"]), ("sleep", None, signal.SIGKILL),
              "after the end, list shows the last name, no state, and the wait status")
    taskmon("remove", "--all")


def text_of(status):
    if os.WIFEXITED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    return f"signal {os.WTERMSIG(status)}" + (" core" if os.WCOREDUMP(status) else "")


def statuses():
    def dump():
        os.chdir("/tmp")
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.abort()

    def wait():
        os.read(begin, 1)

    begin, go = os.pipe()
    pids = [child(lambda: (wait(), os._exit(3))), child(lambda: (wait(), os.kill(os.getpid(), signal.SIGTERM))),
            child(dump), child(lambda: (wait(), os._exit(0)))]
    taskmon("add", *pids)
    os.write(go, b"x" * len(pids))
    expected = {pid: os.waitpid(pid, 0)[1] for pid in pids}
    for pid in pids:
        ended(pid)
    equal({row["pid"]: row["status"] for row in rows()}, expected, "list --json shows the wait statuses")
    texts = {pid: text_of(status) for pid, status in expected.items()}
    shown = {int(words[0]): " ".join(words) for words in table()}
    for pid, text in texts.items():
        ok(re.search(rf" ended .* {text} ", shown[pid]), f"list shows {text}", shown[pid])
    taskmon("remove", "--all")


def parents_and_columns():
    with process() as pid:
        write(pid)
        wait_until(lambda: row_of(pid)["samples"] > 2)
        row, task = row_of(pid), tasks()[0]
        equal((row["parent"], row["is_thread"], row["root"], row["ended_us"], row["status"]),
              (os.getpid(), False, None, None, None), "list --json shows parent and kind of a task")
        for key, field in (("id", "id"), ("started_us", "started"), ("cgroup", "cgroup"), ("first", "first")):
            equal(row[key], getattr(task, field), f"list --json: {key} is that of the module")
        equal(row["samples"], row["next"] - row["first"], "list --json counts the samples")
        words = table()[0]
        equal((words[0], *words[7:10]), (str(pid), str(os.getpid()), "-", task.name.decode()),
              "the table shows PID, parent, no status, and the command")
        ok(words[1] in "RSD", "it shows the state", words)
    taskmon("remove", "--all")


def recurring_pid():
    """Two lives of one PID, of which the first one has ended."""
    end, begin = os.pipe()

    def two_lives(pid):
        kill(pid)
        fork_as(pid, lambda: sleep_as(b"first", begin))
        os.read(end, 1)
        write(pid)
        kill(pid)
        ended(pid)
        fork_as(pid, lambda: sleep_as(b"second", begin))
        os.read(end, 1)
        write(pid)
        return rows()

    def left():
        return [row["command"] for row in rows()]

    pid = free_pid()
    try:
        lives = two_lives(pid)
        equal([(row["pid"], row["command"], row["state"] is None) for row in lives],
              [(pid, "first", True), (pid, "second", False)], "list tells two lives of a PID apart")
        ok(lives[0]["id"] < lives[1]["id"], "they have different ids", lives)
        taskmon("remove", "--all")
        for words, expected in (("--ended", ["second"]), ("--id 0", ["second"]), ("--id 1", ["first"]),
                                ("first", ["second"]), ("second", ["first"]), (f"{pid}", []), (f"--pid {pid}", [])):
            lives = two_lives(pid)
            option, _, value = words.partition(" ")
            # The ids of the first and of the second life.
            values = [lives[int(value)]["id"]] if option == "--id" else value.split()
            equal((taskmon("remove", option, *values).returncode, left()), (0, expected),
                  f"remove {words}: left is {expected}")
            taskmon("remove", "--all")
    finally:
        kill(pid)
    taskmon("remove", "--all")
    equal(complaint(taskmon("remove", "--id", 7_000_000)), "taskmon: no watched task has the id 7000000",
          "an id that no target has")
    equal(complaint(taskmon("remove", "nobody")), "taskmon: no watched task is named nobody",
          "a name that no target has")


def names_of_targets():
    """A name stands for targets, not for what runs now."""
    with process(lambda: sleep_as(b"12\xff")) as one, process(lambda: sleep_as(b"77")) as two, \
            process(lambda: sleep_as(b"77")):
        wait_until(lambda: comm(one) == b"12\xff" and comm(two) == b"77")
        taskmon("add", one, two)
        equal(taskmon("remove", "--name", "77").returncode, 0, "remove --name takes a name of digits")
        equal([row["pid"] for row in rows()], [one], "the other target stays")
        equal(taskmon("remove", b"12\xff").returncode, 0, "remove takes a name that is not UTF-8")
        equal(rows(), [], "no target is left")


def comm(pid):
    with open(f"/proc/{pid}/comm", "rb") as file:
        return file.read().rstrip(b"\n")


def trees():
    """remove --tree by name takes the tree of that root, and leaves another one."""
    def parent(name):
        def body():
            child(lambda: sleep_as(b"worker"))
            sleep_as(name)
        return body

    with process(parent(b"boss-a")) as one, process(parent(b"boss-b")) as two:
        wait_until(lambda: (comm(one), comm(two)) == (b"boss-a", b"boss-b"))
        taskmon("add", "--tree", one, two)
        workers = [row["pid"] for row in rows() if row["pid"] not in (one, two)]
        ok(wait_until(lambda: [row["command"] for row in rows()].count("worker") == 2), "two trees are watched", rows())
        equal(taskmon("remove", "--tree", "boss-a").returncode, 0, "remove --tree NAME")
        equal(sorted((row["command"], row["parent"]) for row in rows()),
              [("boss-b", os.getpid()), ("worker", two)], "the other tree stays")
        equal(taskmon("remove", "worker").returncode, 0, "remove NAME")
        equal([row["command"] for row in rows()], ["boss-b"], "its root stays")
        taskmon("remove", "--all")
        for pid in workers:
            kill(pid)


def main():
    with loaded(period_ms=20):
        for test in (name_after_exec, statuses, parents_and_columns, recurring_pid, names_of_targets, trees):
            test()


run(main)
