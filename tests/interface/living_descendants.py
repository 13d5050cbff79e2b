#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# tree: of a process that has descendants: all that live are watched and followed, and none that is not its
# descendant. Targets that are watched already keep their history. Those that do not fit max_targets are
# counted in `lost`.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree
# boot: --cpus 2

import contextlib
import errno
import os
import signal

from lib.module import loaded, set_parameter, statistics, wait_for_passes, write
from lib.processes import child, idle_children, idle_threads, kill, process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import problems, samples
from lib.tasks import task, tasks, wait_for_end


def shown():
    return {each.pid for each in tasks()}


@contextlib.contextmanager
def chain(length):
    """Processes of which each is the child of the one before. The last one forks a child for each byte that
    is written to a pipe: (their PIDs, the pipe)."""
    end, begin = os.pipe()
    go, on_demand = os.pipe()

    def link(left):
        os.write(begin, f"{os.getpid()}\n".encode())
        if left:
            child(link, left - 1)
            signal.pause()
        while os.read(go, 1):
            pid = child(signal.pause)
            os.write(begin, f"{pid}\n".encode())

    with process(lambda: link(length - 1)), os.fdopen(end) as pipe:
        pids = [int(pipe.readline()) for _ in range(length)]

        def fork():
            os.write(on_demand, b"x")
            pids.append(int(pipe.readline()))
            return pids[-1]

        try:
            yield pids, fork
        finally:
            for each in pids[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            for each in (begin, go, on_demand):
                os.close(each)


def all_that_live():
    with chain(20) as (pids, fork), idle_children(20) as (other, _):
        write(f"tree:{pids[10]}")
        equal(shown(), set(pids[10:]), "tree: takes in the descendants, and neither ancestors nor others")
        equal({each.root for each in tasks()}, {pids[10]}, "it is the root of each")
        ok(wait_until(lambda: {each.pid for each in samples() if each.num == 3} >= set(pids[10:])), "all are sampled")
        forked = fork()
        equal((task(forked).parent, task(forked).root), (pids[19], pids[10]), "forks of a descendant are followed")
        fails_with(errno.EEXIST, lambda: write(f"tree:{pids[15]}"), "tree: of a descendant gives EEXIST")
        fails_with(errno.EEXIST, lambda: write(f"{pids[15]}"), "and so does adding it")
        equal(len(tasks()), 11, "nothing has changed")
        write(f"tree:{pids[5]}")
        equal({each.pid: each.root for each in tasks()},
              {pid: pids[10] if pid in pids[10:] else pids[5] for pid in pids[5:]},
              "tree: of an ancestor takes in those between, and leaves the tree below it as it is")
        write(f"tree:{other}")
        equal(len(tasks()), 16 + 21, "a second tree beside it")
        write(f"-tree:{pids[10]}")
        equal(shown() & set(pids), set(pids[5:10]), "-tree: removes one tree alone")
        write(f"-tree:{pids[5]} -tree:{other}")
        equal(tasks(), [], "and the others")


def init_and_kernel_threads():
    """tree:1 is each process of the machine, tree:2 each kernel thread."""
    with chain(3) as (pids, _):
        write("tree:1")
        running = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        found = shown()
        by_parent = {pid for pid in running if is_below_init(pid)}
        equal(found & running, by_parent, "tree:1: each process of /proc that is not a kernel thread")
        ok(set(pids) <= found, "those of this test are among them")
        write("tree:2")
        later = {each.pid for each in tasks() if each.root == 2}
        ok(2 in later and len(later) > 10 and not later & by_parent, "tree:2: the kernel threads", later)
        write("-tree:1 -tree:2")
        equal(tasks(), [], "both can be removed")


def is_below_init(pid):
    """By the parents in /proc."""
    while pid > 2:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
    return pid == 1


def watched_already():
    with chain(5) as (pids, fork):
        write(f"{pids[0]} {pids[3]}")
        wait_for_passes(20)
        write("stop")
        before, ids = {pid: samples(pid=pid) for pid in (pids[0], pids[3])}, {each.pid: each.id for each in tasks()}
        write("start")
        write(f"tree:{pids[0]}")
        equal({each.pid: each.root for each in tasks()}, {pid: pids[0] for pid in pids},
              "a root and a descendant that are watched already become part of the tree")
        equal({pid: task(pid).id for pid in ids}, ids, "they are the same targets")
        wait_for_passes(5)
        equal({pid: samples(pid=pid)[:len(history)] for pid, history in before.items()}, before,
              "they keep their samples")
        equal(problems(samples()), [], "which go on without a gap")
        forked = fork()
        ok(forked in shown(), "forks are followed now")
        fails_with(errno.EEXIST, lambda: write(f"tree:{pids[0]}"), "tree: once more gives EEXIST")
        write(f"-tree:{pids[0]}")
        equal(shown(), {pids[3]}, "-tree: keeps the descendant that was watched before, and not the root")
        equal(task(pids[3]).root, None, "which is in no tree any more")
        write(f"-{pids[3]}")


def one_thread():
    """A target that is one thread of a descendant stays what it is."""
    with idle_threads(1) as (thread,):
        write(f"{thread}")
        write(f"tree:{os.getpid()}")
        equal([(each.pid, each.thread, each.root) for each in tasks()],
              [(thread, True, None), (os.getpid(), False, os.getpid())], "a thread is no member of a tree")
        write(f"-tree:{os.getpid()} -{thread}")


def ended_children():
    """A zombie has ended before the command."""
    with idle_children(10) as (parent, pids):
        for pid in pids[:5]:
            os.kill(pid, signal.SIGKILL)
        ok(wait_until(lambda: all(is_zombie(pid) for pid in pids[:5])), "five children are zombies")
        write(f"tree:{parent}")
        equal(shown(), {parent, *pids[5:]}, "tree: takes in those that live")
        kill(parent)
        ok(wait_for_end(parent), "the root ends")
        equal({each.pid for each in tasks() if each.ended is None}, set(pids[5:]), "its children are watched on")
        write(f"-tree:{parent}")


def is_zombie(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


def too_many():
    """More descendants than max_targets."""
    for limit, count in ((5, 30), (30, 30), (31, 30), (1, 10)):
        with idle_children(count) as (parent, pids):
            set_parameter("max_targets", limit)
            before = statistics()["lost"]
            write(f"tree:{parent}")
            numbers = statistics()
            equal((numbers["targets"], numbers["lost"] - before), (min(limit, count + 1), max(0, count + 1 - limit)),
                  f"max_targets={limit}: of {count + 1}, those that do not fit are counted in 'lost', once each")
            ok(shown() <= {parent, *pids} and parent in shown(), "the root is among those that are watched")
            write(f"-tree:{parent}")
            set_parameter("max_targets", 16384)


def main():
    with loaded(period_ms=10):
        for part in (all_that_live, init_and_kernel_threads, watched_already, one_thread, ended_children, too_many):
            part()


run(main)
