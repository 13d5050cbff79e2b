#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Tasks that end: one last sample, marked; the history stays; nothing else of the dead task does; and
# a number that is used again is another task.
#
# kernels: uml x86_64
# boot: --cpus 2

import errno
import os
import signal
import threading
import time

from lib.clone import fork_as, free_pid
from lib.module import loaded, read, statistics, write
from lib.proc import run_time_us, text_of
from lib.processes import burn, child, wait_until
from lib.results import equal, fails_with, note, ok, run
from lib.samples import parse, problems, samples


def ends(pid):
    return wait_until(lambda: any(each.exit for each in samples(pid=pid)))


def one_last_sample():
    pid = child(burn, 0.1)
    write(pid)
    os.waitpid(pid, 0)
    ok(ends(pid), "a last sample is marked")
    history = samples(pid=pid)
    time.sleep(0.3)
    equal(samples(pid=pid), history, "after it there is no other")
    equal([each.num for each in history if each.exit], [history[-1].num], "it is one, and the last")
    equal(statistics()["targets"], 1, "the task is a target still")
    equal(len(samples(pid=pid)), statistics()["alive"], "and keeps its samples")
    fails_with(errno.ESRCH, lambda: write(pid), "it cannot be added, as there is none")
    write("clear")
    equal(samples(pid=pid), [], "clear frees its samples")
    equal(statistics()["targets"], 1, "and it is a target still")
    write(f"-{pid}")
    equal(statistics()["targets"], 0, "until it is taken away")
    fails_with(errno.ESRCH, lambda: write(f"-{pid}"), "once")


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
    ok(all(ends(tid) for tid in tids), "threads end too")
    equal(problems(samples()), [], "in order")
    for tid in tids:
        write(f"-{tid}")


def in_use(cache):
    for line in text_of("/proc/slabinfo").splitlines():
        if line.split()[0] == cache:
            return int(line.split()[1])
    return None


def nothing_is_kept(count=300):
    """The structures of dead tasks go back to their caches."""
    before = {cache: in_use(cache) for cache in ("task_struct", "signal_cache", "sighand_cache")}
    ok(before["task_struct"], "slabinfo knows of tasks", before)
    pids = set()
    for _ in range(count // 10):
        some = [child(lambda: None) for _ in range(10)]
        write(" ".join(map(str, some)))
        for pid in some:
            os.waitpid(pid, 0)
        pids.update(some)
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= count), f"{count} children have ended")
    kept = {cache: in_use(cache) - number for cache, number in before.items() if number is not None}
    note(kept)
    ok(wait_until(lambda: all(in_use(cache) - before[cache] < count // 2 for cache in kept)),
       "their structures are not kept", kept)
    for pid in pids:
        write(f"-{pid}")


def number_used_again():
    number = free_pid()
    fork_as(number, lambda: burn(0.05))
    write(number)
    os.waitpid(number, 0)
    ends(number)
    old = samples(pid=number)
    fork_as(number, signal.pause)
    time.sleep(0.1)
    equal(samples(pid=number), old, "a new process of that number is not taken for the old one")
    equal(write(number), len(str(number)), "it can be added")
    fails_with(errno.EEXIST, lambda: write(number), "once")
    equal(statistics()["targets"], 2, "they are two targets")
    ok(wait_until(lambda: len(samples(pid=number)) > len(old) + 3), "the new one is sampled")
    history = parse(read())
    equal(history[:len(old)], old, "the old one's samples stay")
    new = history[len(old):]
    equal((new[0].num, problems(new)), (0, []), "the new one's begin anew")
    run_us = run_time_us(number)
    ok(all(each.usr + each.sys <= run_us for each in new), "with totals of its own", (old[-1], new, run_us))
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    ok(wait_until(lambda: sum(each.exit for each in samples(pid=number)) == 2), "it ends by itself")
    # The number means whoever bears it; nobody does any more.
    while statistics()["targets"]:
        write(f"-{number}")
    equal(samples(), [], "both can be taken away")


def at_once():
    """Gone before anyone could look: there is a sample all the same."""
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
    ok(all(ends(pid) for pid in pids), "20 that ended within a period have their last sample")
    for pid in pids:
        write(f"-{pid}")


def main():
    with loaded(period_ms=20):
        for part in (one_last_sample, threads_end, number_used_again, at_once, nothing_is_kept):
            part()


run(main)
