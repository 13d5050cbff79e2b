#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# `wait` in exit samples is what the kernel's exit records say: of processes of one and of many threads, reaped by
# their parent or by the kernel, and of a storm of forks. That of zombies is what schedstat says.
#
# kernels: uml x86_64 debian
# on demand: matrix
# boot: --cpus 2

import contextlib
import os
import random
import threading

from lib.clone import fork_autoreaped, ignored_children
from lib.cputime_checks import batch
from lib.module import loaded, set_parameter, write
from lib.proc import run_delay_us, stat, text_of
from lib.processes import child, wait_until
from lib.results import equal, ok, run
from lib.samples import exit_samples, wait_for_exit_samples
from lib.taskstats import ExitRecords
from lib.waiting_checks import check_waits, in_threads, keep_busy

PERIOD_MS = 10


def children_that_are_waited_for():
    """Children of one or several threads, some of which end in the middle of their work."""
    with ExitRecords() as exits:
        for period_ms in (5, 50, 3_600_000):
            set_parameter("period_ms", period_ms)
            pids = list(batch(40))
            set_parameter("period_ms", PERIOD_MS)
            check_waits(exits, pids, f"period {period_ms} ms")
            write(" ".join(f"-{pid}" for pid in pids))


def exec_between_passes():
    """Processes in which another thread than the leader calls exec(), and which end, all between two passes."""
    def body(go):
        os.read(go, 1)
        for _ in range(3):
            threading.Thread(target=keep_busy, args=(100_000,)).start()
        thread = threading.Thread(target=lambda: (keep_busy(), os.execv("/bin/true", ["true"])))
        thread.start()
        thread.join()

    go, begin = os.pipe()
    set_parameter("period_ms", 3_600_000)
    with ExitRecords() as exits:
        pids = [child(body, go) for _ in range(10)]
        write(" ".join(map(str, pids)))
        os.write(begin, b"x" * len(pids))
        statuses = [os.waitpid(pid, 0)[1] for pid in pids]
        equal(statuses, [0] * len(pids), "exec() by another thread: it succeeds")
        set_parameter("period_ms", PERIOD_MS)
        check_waits(exits, pids, "exec() by another thread")
        write(" ".join(f"-{pid}" for pid in pids))
    os.close(go)
    os.close(begin)


def children_without_wait():
    """Children that the kernel reaps, followed from their fork."""
    def body(told):
        in_threads(os.getpid() % 2 * 3, keep_busy)
        keep_busy()
        os.write(told, os.getpid().to_bytes(4, "little"))

    def parent(go, told, fork, ignored):
        # It has one thread: fork_autoreaped() does not prepare the interpreter for others.
        with ignored:
            os.read(go, 1)
            for _ in range(30):
                fork(lambda: body(told))

    for period_ms in (5, 3_600_000):
        for name, fork, ignored in (("SIGCHLD ignored", child, ignored_children()),
                                    ("CLONE_AUTOREAP", fork_autoreaped, contextlib.nullcontext())):
            (go, begin), (end, told) = os.pipe(), os.pipe()
            with ExitRecords() as exits:
                root = child(parent, go, told, fork, ignored)
                os.close(told)
                write(f"tree:{root}")
                set_parameter("period_ms", period_ms)
                os.write(begin, b"x")
                pids = [int.from_bytes(pid, "little") for pid in iter(lambda: os.read(end, 4), b"")]
                os.waitpid(root, 0)
                set_parameter("period_ms", PERIOD_MS)
                check_waits(exits, [root, *pids], f"{name}, period {period_ms} ms")
            for fd in (go, begin, end):
                os.close(fd)
            write(f"-tree:{root}")


def storm():
    """Forks children with children, for some time; all run at once."""
    def body(depth):
        pids = [child(body, depth - 1) for _ in range(3 if depth else 0)]
        keep_busy(random.randrange(50, 500))
        for pid in pids:
            os.waitpid(pid, 0)

    write(f"tree:{os.getpid()}")
    with ExitRecords() as exits:
        pids = [child(body, 3) for _ in range(3)]
        for pid in pids:
            os.waitpid(pid, 0)
        count = 3 * (1 + 3 + 9 + 27)
        ok(wait_for_exit_samples(count), "a storm of forks: each process has an exit sample")
        equal(len(exit_samples()), count, "a storm of forks: there are no others")
        check_waits(exits, list(exit_samples()), "a storm of forks")
    write(f"-tree:{os.getpid()}")


def zombies():
    """What a zombie has waited in all can still be read in /proc: exact for the only thread of a process."""
    pids = [child(keep_busy) for _ in range(20)]
    write(" ".join(map(str, pids)))
    write("stop")
    for pid in pids:
        # Until it has left the CPU for ever.
        wait_until(lambda: stat(pid).state == "Z" and text_of(f"/proc/{pid}/syscall") != "running\n")
    write("start")
    ok(wait_for_exit_samples(len(pids)), "zombies have exit samples")
    last = exit_samples()
    equal([last[pid].wait for pid in pids], [int(run_delay_us(pid)) for pid in pids],
          "zombies of one thread: 'wait' is all that schedstat says")
    for pid in pids:
        os.waitpid(pid, 0)
        write(f"-{pid}")


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (children_that_are_waited_for, exec_between_passes, children_without_wait, storm, zombies):
            part()
            set_parameter("period_ms", PERIOD_MS)


run(main)
