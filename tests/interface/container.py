#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A container: from outside, tree: of its first process shows its processes with names, parents and cgroup.
# From inside, with its own /sys, only what it sees is shown, with PIDs as numbered there.
#
# kernels: uml x86_64 debian
# on demand: matrix

import errno
import os
import signal

from lib.container import CGROUP, container
from lib.module import DEBUGFS, SYSFS, loaded, write
from lib.processes import child, process, wait_until
from lib.proc import text_of
from lib.results import equal, error_of, ok, run
from lib.run_as import enter_pid_namespace
from lib.samples import samples
from lib.tasks import task, tasks, wait_for_end


def start_service():
    """Called inside. Returns the PID of the service there."""
    def service():
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write("service")
        signal.pause()

    pid = child(service)
    wait_until(lambda: text_of(f"/proc/{pid}/comm") == "service\n")
    return pid


def look():
    """Called inside. What the files there show, and what the container knows of itself."""
    return {"pid": os.getpid(),
            "tasks": [(each.pid, each.parent, each.root, each.name) for each in tasks()],
            "cgroups": {each.cgroup for each in tasks()}, "ids": [each.id for each in tasks()],
            "cgroup": os.stat("/sys/fs/cgroup").st_ino,
            "samples": [list(dict.fromkeys(each.pid for each in samples(path))) for path in (SYSFS, DEBUGFS)]}


def commands():
    """Called inside. The errors of commands, the second of which is about a service."""
    service = max(each.pid for each in tasks())
    return [error_of(lambda: write(text, path)) for path in (SYSFS, DEBUGFS)
            for text in ("tree:1", f"{service}", "-tree:99", f"{2**31 - 1}")]


def from_outside(inside):
    write(f"tree:{inside.init}")
    found = tasks()
    inode = os.stat(CGROUP).st_ino
    name = text_of(f"/proc/{inside.init}/comm").strip().encode()
    equal([(each.parent, each.root, each.cgroup, each.name) for each in found],
          [(inside.parent, inside.init, inode, name)] + [(inside.init, inside.init, inode, b"service")] * 2,
          "outside: parents, root, cgroup and names of all processes of the container")
    equal([each.pid for each in found][:1], [inside.init], "the first one is the container's first process")
    later = inside.ask("start_service")
    equal((len(tasks()), tasks()[-1].parent, tasks()[-1].cgroup), (4, inside.init, inode),
          "a service that is started later is followed")
    return later


def from_inside(inside, later):
    with process() as one:
        write(one)
        found = inside.ask("look")
        equal(found["pid"], 1, "inside, the first process has PID 1")
        name = text_of(f"/proc/{inside.init}/comm").strip().encode()
        services = [(pid, 1, 1, b"service") for pid in range(later - 2, later + 1)]
        equal(found["tasks"], [(1, None, 1, name), *services],
              "inside: PIDs are as numbered there; a target outside and the parent outside are left out")
        equal(found["cgroups"], {found["cgroup"]}, "the cgroup's id is the inode number that its folder has there")
        equal(found["ids"], [each.id for each in tasks()][:4], "the ids are those from outside")
        ok(wait_until(lambda: {each.pid for each in samples()} == {each.pid for each in tasks()}), "all have samples")
        equal(inside.ask("look")["samples"], [[1, *range(later - 2, later + 1)]] * 2, "both samples files agree")
        equal(inside.ask("commands"), [errno.EEXIST, errno.EEXIST, errno.ESRCH, errno.ESRCH] * 2,
              "commands that are written inside take its PIDs")
        write(f"-{one}")


def entered(inside):
    """A process that enters the PID namespace has its parent outside."""
    end, begin = os.pipe()

    def enter():
        enter_pid_namespace(inside.init)
        pid = child(signal.pause)
        os.write(begin, f"{pid}\n".encode())
        signal.pause()

    with process(enter) as parent, os.fdopen(end) as pipe:
        pid = int(pipe.readline())
        write(pid)
        equal((task(pid).parent, task(pid).root), (parent, None),
              "one that has entered has its parent outside, and does not belong to the tree")
        number, parent_inside, root, _ = inside.ask("look")["tasks"][-1]
        equal((number > 1, parent_inside, root), (True, None, None), "inside it is shown, without that parent")
        write(f"-{pid}")
        os.kill(pid, signal.SIGKILL)
    os.close(begin)


def at_its_end(inside):
    pids = [each.pid for each in tasks()]
    os.kill(inside.init, signal.SIGKILL)
    ok(wait_for_end(*pids), "the container ends")
    equal([(each.pid, each.status) for each in tasks()], [(pid, signal.SIGKILL) for pid in pids],
          "outside, all have ended by SIGKILL")
    equal({each.cgroup for each in tasks()}, {os.stat(CGROUP).st_ino}, "they keep the id of their cgroup")
    write(f"-tree:{inside.init}")


def main():
    with loaded(period_ms=10), container(start_service, look, commands) as inside:
        for _ in range(2):
            inside.ask("start_service")
        later = from_outside(inside)
        from_inside(inside, later)
        entered(inside)
        at_its_end(inside)


run(main)
