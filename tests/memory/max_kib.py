#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# max_kib bounds the memory of all samples together, also when it is lowered and for the smallest bounds. The
# oldest samples go first, across all tasks. A reader that stands still adds one segment to it.
#
# kernels: uml x86_64
# on demand: matrix
# boot: --cpus 2

import contextlib
import errno
import os
import signal
import subprocess

from lib.kernel_state import sanitized
from lib.module import (DEBUGFS, PARAMETERS, adds_up, is_built_in, load, loaded, parameter, set_parameter,
                        statistics, wait_for_passes, write)
from lib.processes import child, compiled, kill, program, wait_until
from lib.results import equal, fails_with, note, ok, run
from lib.samples import problems, samples
from lib.tasks import tasks, wait_for_end

KIB = 1024
SEGMENT = 512
# What has just been evicted is counted until it has been freed, after the lock has been released.
BEING_FREED = 2 * SEGMENT
BUSY = 16
# A sanitized kernel fills memory slowly.
LARGE_KIB, SHORT_LIVED = (16, 80) if sanitized() else (64, 300)


@contextlib.contextmanager
def busy_threads(count=BUSY):
    """Threads of which many use CPU time in each period; their thread IDs."""
    with program("nice", "-n", "39", compiled("many_tasks"), "yielding", str(count),
                 stdout=subprocess.PIPE) as crowd:
        yield [int(crowd.stdout.readline()) for _ in range(count)]


def watch(tids):
    write(" ".join(map(str, tids)), DEBUGFS)


def forget(tids):
    write("".join(f"-{tid} " for tid in tids), DEBUGFS)


def most_bytes(rounds=100):
    """The largest `bytes` that is seen while samples are taken and evicted."""
    before = statistics()["evicted"]
    largest = max(statistics()["bytes"] for _ in range(rounds))
    ok(wait_until(lambda: statistics()["evicted"] > before), "samples are evicted")
    return max(largest, statistics()["bytes"])


def bounded(tids):
    """From a larger to a smaller bound, while samples are taken."""
    watch(tids)
    for kib in (LARGE_KIB, LARGE_KIB // 2 + 1, 4, 1):
        set_parameter("max_kib", kib)
        # The pass that is under way may still have to free what it has just evicted because of the new bound.
        ok(wait_until(lambda: statistics()["bytes"] <= kib * KIB + BEING_FREED, 1),
           f"max_kib={kib}: 'bytes' is within it at once", statistics()["bytes"])
        largest = most_bytes()
        note(f"max_kib={kib}: {largest} bytes at most")
        ok(largest <= kib * KIB + BEING_FREED, f"max_kib={kib}: 'bytes' stays within it while samples are taken",
           largest)
        write("stop")
        ok(statistics()["bytes"] <= kib * KIB, f"max_kib={kib}: exactly so when it is stopped", statistics())
        equal((adds_up(statistics()), statistics()["alive"]), (True, len(samples())), "the statistics add up")
        equal(problems(samples())[:3], [], "what is kept has no gap")
        write("start")
    set_parameter("max_kib", 128)
    wait_for_passes(50)
    equal({each.pid for each in samples()}, set(tids), "after it is raised, each task has samples again")
    forget(tids)


def unbounded(tids):
    set_parameter("max_kib", LARGE_KIB)
    watch(tids)
    most_bytes(1)
    set_parameter("max_kib", 0)
    before = statistics()
    ok(wait_until(lambda: statistics()["bytes"] > LARGE_KIB * KIB * 5 // 4), "max_kib=0: there is no bound")
    equal(statistics()["evicted"], before["evicted"], "max_kib=0: nothing is evicted")
    forget(tids)


def oldest_first():
    """The samples of tasks that have ended are older than all of those that were added later."""
    set_parameter("max_kib", LARGE_KIB)
    old = [child(signal.pause) for _ in range(SHORT_LIVED)]
    # No pass is made while they live, however long a busy host takes to end them.
    set_parameter("period_ms", 3_600_000)
    watch(old)
    for pid in old:
        kill(pid)
    set_parameter("period_ms", 1)
    ok(wait_for_end(*old), f"{SHORT_LIVED} processes have ended, each with few samples in a small segment")
    equal({each.first for each in tasks()}, {0}, "none of their samples has been evicted")
    wrong, states, sizes = [], set(), []
    with busy_threads(20) as new:
        watch(new)

        def new_ones_lose_samples():
            first = {each.pid: each.first for each in tasks() if each.pid in new}
            left = [each for each in tasks() if each.pid in old and each.first < each.next]
            states.add(len(left))
            sizes.append(statistics()["bytes"])
            lost = sorted(pid for pid in new if first[pid])
            # The new ones were looked at first: what is left of the old ones now was left then, too.
            if lost and left:
                wrong.append((lost, left))
            return lost

        ok(wait_until(new_ones_lose_samples), "samples of tasks that were added later are evicted")
        equal(wrong[:3], [], "before that, all of those that had ended")
        note(f"ended tasks with samples, as seen: {sorted(states)}")
        ok(max(sizes) <= LARGE_KIB * KIB + BEING_FREED, "'bytes' stays within the bound while they are replaced",
           max(sizes))
        forget([*old, *new])


def standing_readers(tids, count=8):
    set_parameter("max_kib", LARGE_KIB)
    watch(tids)
    fds = []
    for index in range(count):
        wait_for_passes(10)
        fds.append(os.open(DEBUGFS, os.O_RDONLY))
        os.read(fds[-1], 1 + 5000 * index)
    wait_for_passes(100)
    largest = most_bytes()
    ok(largest <= LARGE_KIB * KIB + count * SEGMENT + BEING_FREED,
       f"{count} readers that stand still add a segment each, at most", largest)
    write("stop")
    note(f"{statistics()['bytes']} bytes with {count} readers")
    for fd in fds:
        while os.read(fd, 65536):
            pass
        os.close(fd)
    numbers = statistics()
    ok(numbers["bytes"] <= LARGE_KIB * KIB, "without them it is within the bound", numbers)
    write("start")
    forget(tids)


def refused():
    set_parameter("max_kib", 77)
    for value in ("-1", "4294967296", "x", "", "1k", "0.5"):
        fails_with(errno.EINVAL, lambda: write(f"{value}\n", f"{PARAMETERS}/max_kib"), f"max_kib={value} gives EINVAL")
    equal(parameter("max_kib"), 77, "it is unchanged")
    for value in (4294967295, 1, 0):
        set_parameter("max_kib", value)
        equal(parameter("max_kib"), value, f"max_kib={value} is accepted")


def main():
    # The busy threads would leave little CPU time to this process.
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    with busy_threads() as tids:
        with loaded(period_ms=1):
            equal(parameter("max_kib"), 65536, "the default is 64 MiB")
            for part in (bounded, unbounded, standing_readers):
                part(tids)
            refused()
        with loaded(period_ms=1, max_kib=4):
            watch(tids)
            largest = most_bytes()
            ok(largest <= 4 * KIB + BEING_FREED, "as a parameter of the load", largest)
            forget(tids)
    with loaded(period_ms=1):
        oldest_first()
    if not is_built_in():
        fails_with(errno.EINVAL, lambda: load(max_kib=4294967296), "at a load, a value out of range gives EINVAL")


run(main)
