#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# /sys/kernel/debug/taskmonitor_tasks: each field of a line, compared with what the process itself, /proc,
# the cgroup's folder, waitpid() or the samples say. task_names.py is about names.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree
# boot: --cpus 2

import contextlib
import os
import resource
import signal
import threading

from lib.module import is_built_in, loaded, set_parameter, shrink, wait_for_passes, write
from lib.proc import USER_HZ, boottime_us, text_of
from lib.processes import burn, burn_and_sleep, child, idle_threads, kill, process, wait_until
from lib.results import equal, need, note, ok, run
from lib.samples import samples
from lib.system_calls import exit_thread
from lib.tasks import task, tasks, wait_for_end

CGROUPS = "/sys/fs/cgroup"


def parents_and_roots():
    """Each process reports its PID and its parent itself."""
    end, begin = os.pipe()

    def report():
        os.write(begin, f"{os.getpid()} {os.getppid()}\n".encode())

    def family():
        report()
        for _ in range(3):
            child(lambda: (report(), signal.pause()))
        signal.pause()

    with process() as alone, process(family) as before, os.fdopen(end) as pipe:
        write(f"{alone} tree:{os.getpid()}")
        later = child(family)
        reported = dict(tuple(map(int, pipe.readline().split())) for _ in range(8))
        shown = {each.pid: each for each in tasks()}
        equal({pid: shown[pid].parent for pid in reported}, reported,
              "'parent' of processes forked before and after tree: is their getppid()")
        equal({shown[pid].root for pid in (*reported, os.getpid())}, {os.getpid()}, "'root' is what tree: has named")
        equal(shown[os.getpid()].parent, os.getppid(), "the root has a parent too")
        equal(shown[alone].parent, os.getpid(), "a target that tree: takes in has its parent")
        write(f"-tree:{os.getpid()}")
        equal([(each.pid, each.root) for each in tasks()], [(alone, None)],
              "a target that is in no tree has no 'root'")
        equal(len({each.id for each in shown.values()}), len(shown), "each has another 'id'")
        write(f"-{alone}")
        for pid in reported:
            if pid != before:
                os.kill(pid, signal.SIGKILL)
        os.waitpid(later, 0)
    os.close(begin)


def ids():
    before = max([0, *(each.id for each in tasks())])
    with contextlib.ExitStack() as running:
        pids = [running.enter_context(process()) for _ in range(5)]
        write(" ".join(map(str, pids[:3])))
        first = tasks()[0].id
        equal([(each.pid, each.id) for each in tasks()], list(zip(pids, (first, first + 1, first + 2))),
              "ids rise by one, in the order in which targets were added")
        ok(first > before, "no id is used again", (before, first))
        write(f"-{pids[1]} -{pids[2]} {pids[3]} {pids[1]}")
        equal([(each.pid, each.id) for each in tasks()],
              [(pids[0], first), (pids[3], first + 3), (pids[1], first + 4)],
              "a target that is added after a removal, and one that is added again, have new ids")
        write(f"-{pids[0]} -{pids[1]} -{pids[3]}")


def threads():
    with idle_threads(2) as (one, other):
        write(f"{one} {other} {os.getpid()}")
        equal([(each.pid, each.thread) for each in tasks()], [(one, True), (other, True), (os.getpid(), False)],
              "'thread' is there for threads that are not a leader")
        equal({each.parent for each in tasks()}, {os.getppid()}, "the parent of a thread is that of its process")
        for each in (one, other):
            ticks = int(text_of(f"/proc/self/task/{each}/stat").rpartition(")")[2].split()[19])
            equal(task(each).started * USER_HZ // 1_000_000, ticks, "a thread has its own 'started'")
    ok(wait_for_end(one, other), "the threads end")
    equal({(task(each).thread, task(each).status) for each in (one, other)}, {(True, 0)},
          "ended threads are threads still, with status 0")
    write(f"-{one} -{other} -{os.getpid()}")


def times_and_status():
    """All ways to end: what waitpid() reports."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    with open("/proc/sys/kernel/core_pattern", "w", encoding="ascii") as file:
        file.write("/tmp/core")

    def exit_by_thread():
        """The leader ends first, and then another thread ends the process."""
        threading.Thread(target=lambda: (burn(0.05), os._exit(9))).start()
        exit_thread()

    ways = {f"exit {status}": (lambda status=status: os._exit(status)) for status in (0, 1, 7, 255)}
    ways |= {number.name: (lambda number=number: os.kill(os.getpid(), number))
             for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV, signal.SIGRTMAX)}
    ways["exit by a thread"] = exit_by_thread
    go, begin = os.pipe()
    pids = {name: child(lambda way=way: (os.read(go, 1), way())) for name, way in ways.items()}
    write(" ".join(map(str, pids.values())))
    for name, pid in pids.items():
        living = task(pid)
        equal((living.ended, living.status), (None, None), f"{name}: a living task has no 'ended', no 'status'")
        ticks = int(text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()[19])
        equal(living.started * USER_HZ // 1_000_000, ticks, f"{name}: 'started' is the start time in /proc")
    before = boottime_us()
    os.write(begin, b"x" * len(pids))
    statuses = {name: os.waitpid(pid, 0)[1] for name, pid in pids.items()}
    after = boottime_us()
    ok(wait_for_end(*pids.values()), "all have ended")
    for name, pid in pids.items():
        ended = task(pid)
        equal(ended.status, statuses[name], f"{name}: 'status' is that of waitpid()")
        *_, last, end = samples(pid=pid)
        # It is later than the sample before, which can be taken after the process was reaped; and not before the CPU
        # time can have been used, which is accounted in ticks.
        latest = max(after, last.time + max(1, end.usr + end.sys - last.usr - last.sys))
        ok(before <= ended.ended <= latest, f"{name}: 'ended' is when it has ended", (before, ended, after))
        equal(ended.ended, end.time, f"{name}: that is the time of the exit sample")
        write(f"-{pid}")
    equal(statuses["exit by a thread"], 9 << 8, "a thread can end the process after its leader")
    dumped = [name for name, status in statuses.items() if os.WCOREDUMP(status)]
    note(f"core was dumped: {dumped}")
    ok("SIGSEGV" in dumped, "the status of one that dumped core has that flag")


def numbers_and_totals():
    """The samples that are kept, and the newest one."""
    set_parameter("max_samples", 10)

    def agree(pid, name):
        shown, line = samples(pid=pid), task(pid)
        equal((line.first, line.next, line.usr, line.sys, line.wait),
              (shown[0].num, shown[-1].num + 1, shown[-1].usr, shown[-1].sys, shown[-1].wait), name)
        return line

    with process(burn_and_sleep) as pid:
        write(pid)
        wait_for_passes(50)
        write("stop")
        line = agree(pid, "'first', 'next', 'usr', 'sys' and 'wait' are those of the samples that are kept")
        ok(line.first > 0 and line.usr + line.sys > 0, "older samples have been evicted", line)
        write("clear")
        equal(task(pid), line._replace(first=line.next), "after clear: 'first' is 'next', the totals stay")
        write("start")
        wait_for_passes(20)
        write("stop")
        line = agree(pid, "the next samples continue")
        shrink(1_000_000)
        equal(task(pid), line._replace(first=line.next), "after eviction: 'first' is 'next', the totals stay")
        write("start")
        kill(pid)
        ok(wait_for_end(pid), "it ends")
        line = agree(pid, "of an ended task too")
        write("clear")
        equal(task(pid), line._replace(first=line.next), "an ended task keeps its totals after clear")
        write(f"-{pid}")
    set_parameter("max_samples", 1000)


def cgroups():
    need(os.path.exists(f"{CGROUPS}/cgroup.procs"), "no cgroup2")
    folders = [f"{CGROUPS}/{name}" for name in ("one", "two")]
    for folder in folders:
        os.mkdir(folder)

    def move(pid, folder):
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))

    with process() as pid:
        write(pid)
        inodes = []
        for folder in (CGROUPS, *folders):
            move(pid, folder)
            inodes.append(os.stat(folder).st_ino)
            equal(task(pid).cgroup, inodes[-1], f"'cgroup' in {folder} is the inode number of that folder")
        kill(pid)
        ok(wait_for_end(pid), "it ends")
    equal(task(pid).cgroup, inodes[-1], "an ended task has its last cgroup")
    ok(wait_until(lambda: not text_of(f"{folders[1]}/cgroup.procs")), "the cgroup is empty")
    for folder in folders:
        os.rmdir(folder)
    equal(task(pid).cgroup, inodes[-1], "also after the cgroup has been removed")
    write(f"-{pid}")


def main():
    with loaded(period_ms=10, max_samples=1000):
        if not is_built_in():
            with process() as pid:
                write(pid)
                equal(task(pid).id, 1, "the first 'id' after a load is 1")
                write(f"-{pid}")
        for part in (parents_and_roots, ids, threads, times_and_status, numbers_and_totals, cgroups):
            part()


run(main)
