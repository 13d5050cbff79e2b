#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon add: which tasks a name, a cgroup, a unit or --all stands for, compared with what the programs, the cgroup
# files and /proc say.
#
# kernels: uml
# needs: taskmon

import contextlib
import ctypes
import os
import signal

from lib.module import loaded, read, write
from lib.processes import child, kill, process, sleep_as, wait_until
from lib.results import equal, ok, run
from lib.run_as import in_child
from lib.taskmon import complaint, taskmon
from lib.tasks import target_pids

CGROUPS = "/sys/fs/cgroup"
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_NAME = 15
_CLONE_NEWNS, _CLONE_NEWPID = 0x20000, 0x20000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


@contextlib.contextmanager
def named(name, count=1):
    """Processes with that command name, which is any bytes. Their PIDs, in ascending order."""
    end, begin = os.pipe()
    pids = [child(sleep_as, name, begin) for _ in range(count)]
    for _ in pids:
        os.read(end, 1)
    try:
        yield sorted(pids)
    finally:
        for pid in pids:
            kill(pid)
        os.close(begin)
        os.close(end)


def added(*words):
    """Runs `taskmon add`. The targets afterwards, which are removed again; or the complaint."""
    done = taskmon("add", *words)
    found = target_pids()
    write("".join(f"-{pid}\n" for pid in found))
    return complaint(done) if done.returncode else found


def by_name():
    for name in (b"12345", b"a b", b"caf\xc3\xa9", b"\xff\xfe", b"new\nline", b"a) R (b", b"--tree"):
        with named(name, 2) as pids:
            equal(added(b"--name=" + name), pids, f"--name finds the name {name!r}")
    with named(b"first") as first, named(b"second") as second:
        equal(added("--name", "first", "--name", "second"), first + second, "--name can be given several times")
        equal(added("--name", "first", "--name", "none", "--cgroup", "none"),
              f"taskmon: no process is named none; none: no such cgroup in {CGROUPS}",
              "each thing of which there is none is named")
    equal(added("--name", b"\xff\x1b"), "taskmon: no process is named \\377\\033",
          "a name in a message cannot disturb a terminal")


@contextlib.contextmanager
def cgroup(path):
    os.mkdir(f"{CGROUPS}/{path}")
    try:
        yield f"{CGROUPS}/{path}"
    finally:
        wait_until(lambda: remove_folder(f"{CGROUPS}/{path}"))


def remove_folder(path):
    """A cgroup is busy until its processes are gone."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


def move(pid, folder):
    with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
        file.write(str(pid))


def members(folder):
    """The processes in and below a cgroup, in ascending order."""
    return sorted(int(pid) for place, _, _ in os.walk(folder)
                  for pid in read(f"{place}/cgroup.procs").split())


def by_cgroup():
    with cgroup("top"), cgroup("top/a") as a, cgroup("top/a/b") as b, cgroup("top/none"), \
            process() as outside, process() as one, process() as two, process() as three:
        for pid, folder in ((one, a), (two, a), (three, b)):
            move(pid, folder)
        expected = members(a)
        equal(expected, sorted([one, two, three]), "the cgroup has three processes")
        for path in (a, "top/a", "/top/a", "top/a/"):
            equal(added("--cgroup", path), expected, f"--cgroup {path}: all processes in it and below it")
        equal(added("--cgroup", "top/a/b"), [three], "--cgroup of a cgroup below")
        equal(added("--cgroup", "top/a", "--pid", outside), [outside, *expected],
              "--cgroup and --pid together")
        equal(added("--cgroup", "top/none"), "taskmon: no process is in the cgroup top/none", "an empty cgroup")
        equal(added("--cgroup", "/proc"), "taskmon: /proc is not a cgroup of version 2", "a folder that is no cgroup")
        equal(added("--cgroup", "top/../../kernel"), f"taskmon: top/../../kernel: no such cgroup in {CGROUPS}",
              "a path that leaves the cgroups")
        taskmon("add", one)
        equal(taskmon("add", "--cgroup", "top/a").returncode, 0, "one of them may be watched already")
        equal(sorted(target_pids()), expected, "the others are added")
        equal(complaint(taskmon("add", "--cgroup", "top/a")),
              "taskmon: all processes of the cgroup top/a are already watched", "a second add fails")
        taskmon("remove", "--all")


def by_unit():
    with cgroup("system.slice") as system, cgroup("system.slice/web.service") as web, \
            cgroup("system.slice/web.service/worker") as worker, cgroup("system.slice/_cpu.service") as cpu, \
            process() as one, process() as two, process() as three, process() as four:
        for pid, folder in ((one, web), (two, worker), (three, cpu), (four, system)):
            move(pid, folder)
        for unit in ("web.service", "web"):
            equal(added("--unit", unit), members(web), f"--unit {unit}")
        equal(added("--unit", "cpu"), [three], "--unit finds a folder whose name systemd has escaped")
        equal(added("--unit", "system.slice"), members(system), "--unit of a slice")
        equal(added("--unit", "none"),
              f"taskmon: none.service: no cgroup of this unit in {CGROUPS}; is the unit running?",
              "a unit that does not run")
        with cgroup("other.slice"), cgroup("other.slice/web.service") as other:
            equal(added("--unit", "web"), "taskmon: web.service is the unit of several cgroups; select one with "
                  f"--cgroup: {other}, {web}", "a unit of which there are several cgroups")


def everything():
    """The children of processes that are watched because of --all are followed."""
    equal(taskmon("add", "--all").returncode, 0, "add --all")
    living = {int(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    end, begin = os.pipe()
    pid = child(lambda: os.read(end, 1))
    # Children of taskmon that lived when it wrote have ended.
    found = set(target_pids())
    equal(sorted(living - found), [], "it watches each process of /proc")
    ok(pid in found, "it watches a process that is forked later")
    os.write(begin, b"x")
    os.waitpid(pid, 0)
    equal(complaint(taskmon("add", "--all")), "taskmon: all processes are already watched", "a second add fails")
    equal((taskmon("remove", "--all").returncode, target_pids()), (0, []), "remove --all")


def everything_in_a_namespace():
    """In a PID namespace, --all stands for its processes: also for those that have entered it."""
    def look():
        _libc.mount(b"proc", b"/proc", b"proc", 0, None)
        with process():
            status = taskmon("add", "-a").returncode
            return status, target_pids(), sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())

    def inside():
        _libc.unshare(_CLONE_NEWPID | _CLONE_NEWNS)
        # What is mounted here must not be seen outside.
        _libc.mount(None, b"/", None, _MS_PRIVATE | _MS_REC, None)
        # The first process of the namespace, and others whose parent is outside.
        with process(), process():
            return in_child(look)

    status, seen, living = in_child(inside)
    equal((status, len(living)), (0, 4), "add --all in a PID namespace with four processes")
    equal(sorted(set(living) - set(seen)), [], "it watches all of them")
    equal((taskmon("remove", "--all").returncode, target_pids()), (0, []), "nothing is left")


def ended_meanwhile():
    """A name can stand for processes that end before they are added. Many of them, so that some do."""
    def storm():
        _libc.prctl(_PR_SET_NAME, b"stormy")
        while True:
            os.waitpid(child(lambda: None), 0)

    with process(storm), named(b"stormy") as still:
        results = [taskmon("add", "stormy") for _ in range(30)]
        bad = [done.stderr for done in results if done.returncode and "already watched" not in done.stderr]
        equal(bad, [], "processes that have ended meanwhile are no error")
        ok(set(still) <= set(target_pids()), "those that live are added")
    taskmon("remove", "--all")


def with_living_descendants():
    """A tree that existed before it was added."""
    end, begin = os.pipe()

    def grandchild():
        os.write(begin, f"{os.getpid()} ".encode())
        signal.pause()

    def parent():
        for _ in range(3):
            child(grandchild)
        signal.pause()

    with process(parent) as pid:
        text = b""
        while len(text.split()) < 3 or not text.endswith(b" "):
            text += os.read(end, 100)
        children = sorted(map(int, text.split()))
        equal(added(pid), [pid], "add watches the process alone")
        equal(taskmon("add", "--tree", pid).returncode, 0, "add --tree")
        equal(sorted(target_pids()), [pid, *children], "it also watches the children that live")
        taskmon("remove", "--tree", pid)
        equal(target_pids(), [], "remove --tree removes them")
        for each in children:
            kill(each)


def main():
    with loaded(period_ms=20):
        for test in (by_name, by_cgroup, by_unit, everything, everything_in_a_namespace, ended_meanwhile,
                     with_living_descendants):
            test()


run(main)
