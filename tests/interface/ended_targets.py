#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Tasks that end: each gets one exit sample and keeps its history; no other structure of the task is kept.
# A new task with a reused PID is another target.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree
# boot: --cpus 2

import errno
import os
import signal
import threading
import time

from lib.clone import fork_as, free_pid
from lib.module import loaded, read, statistics, write
from lib.proc import run_time_us, text_of
from lib.processes import burn, child, kill, wait_until
from lib.results import equal, fails_with, note, ok, run
from lib.samples import parse, problems, samples, wait_for_exit_samples


def ends(pid):
    return wait_until(lambda: any(each.exit for each in samples(pid=pid)))


def one_exit_sample():
    pid = child(burn, 0.1)
    write(pid)
    os.waitpid(pid, 0)
    ok(ends(pid), "an ended task has an exit sample")
    history = samples(pid=pid)
    time.sleep(0.3)
    equal(samples(pid=pid), history, "no sample follows it")
    equal([each.num for each in history if each.exit], [history[-1].num], "it is the only one, and the last")
    equal(statistics()["targets"], 1, "the task is still a target")
    equal(len(samples(pid=pid)), statistics()["alive"], "its samples are kept")
    fails_with(errno.ESRCH, lambda: write(pid), "adding it gives ESRCH")
    write("clear")
    equal(samples(pid=pid), [], "clear frees its samples")
    equal(statistics()["targets"], 1, "after clear it is still a target")
    write(f"-{pid}")
    equal(statistics()["targets"], 0, "it can be removed")
    fails_with(errno.ESRCH, lambda: write(f"-{pid}"), "removing it again gives ESRCH")


def threads_end():
    go = threading.Event()
    threads = [threading.Thread(target=lambda: (go.wait(), burn(0.01))) for _ in range(5)]
    for thread in threads:
        thread.start()
        write(thread.native_id)
    tids = [thread.native_id for thread in threads]
    go.set()
    for thread in threads:
        thread.join()
    ok(all(ends(tid) for tid in tids), "ended threads have exit samples")
    equal(problems(samples()), [], "the history is in order")
    for tid in tids:
        write(f"-{tid}")


def in_use(cache):
    for line in text_of("/proc/slabinfo").splitlines():
        if line.split()[0] == cache:
            return int(line.split()[1])
    return None


def nothing_is_kept(count=300):
    """The kernel's structures of ended tasks are freed."""
    before = {cache: in_use(cache) for cache in ("task_struct", "signal_cache", "sighand_cache")}
    ok(before["task_struct"], "slabinfo shows the cache of task_struct", before)
    pids = set()
    for _ in range(count // 10):
        some = [child(lambda: None) for _ in range(10)]
        write(" ".join(map(str, some)))
        for pid in some:
            os.waitpid(pid, 0)
        pids.update(some)
    ok(wait_for_exit_samples(count), f"{count} children have exit samples")
    kept = {cache: in_use(cache) - number for cache, number in before.items() if number is not None}
    note(kept)
    ok(wait_until(lambda: all(in_use(cache) - before[cache] < count // 2 for cache in kept)),
       "their task_struct, signal and sighand structures are freed", kept)
    for pid in pids:
        write(f"-{pid}")


def reused_pid():
    pid = free_pid()
    fork_as(pid, lambda: burn(0.05))
    write(pid)
    os.waitpid(pid, 0)
    ends(pid)
    old = samples(pid=pid)
    fork_as(pid, signal.pause)
    time.sleep(0.1)
    equal(samples(pid=pid), old, "a new process with that PID is not sampled")
    equal(write(pid), len(str(pid)), "it can be added")
    fails_with(errno.EEXIST, lambda: write(pid), "adding it again gives EEXIST")
    equal(statistics()["targets"], 2, "the old and the new process are two targets")
    ok(wait_until(lambda: len(samples(pid=pid)) > len(old) + 3), "the new one is sampled")
    history = parse(read())
    equal(history[:len(old)], old, "the samples of the old one stay")
    new = history[len(old):]
    equal((new[0].num, problems(new)), (0, []), "sample numbers of the new one begin at 0")
    run_us = run_time_us(pid)
    ok(all(each.usr + each.sys <= run_us for each in new), "its totals are its own", (old[-1], new, run_us))
    kill(pid)
    ok(wait_until(lambda: sum(each.exit for each in samples(pid=pid)) == 2), "it gets its own exit sample")
    # Both targets have that PID; a write removes at least one of them.
    while statistics()["targets"]:
        write(f"-{pid}")
    equal(samples(), [], "both can be removed")


def within_a_period():
    """A task that ends before the next pass has its samples all the same."""
    pids = []
    for _ in range(20):
        go, begin = os.pipe()
        pid = child(os.read, go, 1)
        write(pid)
        os.write(begin, b"x")
        os.waitpid(pid, 0)
        os.close(go)
        os.close(begin)
        pids.append(pid)
    ok(all(ends(pid) for pid in pids), "20 tasks that end within a period have exit samples")
    for pid in pids:
        write(f"-{pid}")


def main():
    with loaded(period_ms=20):
        for part in (one_exit_sample, threads_end, reused_pid, within_a_period, nothing_is_kept):
            part()


run(main)
