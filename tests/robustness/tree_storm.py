#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# tree: of a process whose descendants fork, exec and end all the time: nobody is missing who lived when the
# write returned or was forked later, nobody is there twice, and nobody from outside. A writer that is killed
# in the middle leaves a tree that can be removed. The module can be unloaded right after the write.
#
# kernels: uml x86_64
# on demand: matrix kcsan
# boot: --cpus 2 --memory 1G

import bisect
import collections
import contextlib
import os
import signal
import subprocess
from typing import NamedTuple

from lib.kernel_state import hurry_grace_periods, sanitized
from lib.module import is_built_in, is_loaded, load, loaded, statistics, unload_unless_busy, write
from lib.proc import boottime_us
from lib.processes import burn, child, compiled, idle_children, kill, process, program, wait_until
from lib.results import equal, note, ok, run, skip
from lib.tasks import tasks

# A kernel with sanitizers takes minutes for so many.
PROCESSES = 2000 if sanitized() else 20_000


class Entry(NamedTuple):
    """What a process of the storm has noted of itself; times in microseconds."""
    pid: int
    parent: int
    begin: int
    end: int


def entry(line):
    pid, parent, begin_ns, end_ns = map(int, line.split())
    return Entry(pid, parent, begin_ns // 1000, end_ns // 1000)


@contextlib.contextmanager
def storm_of(count, **options):
    """A storm of so many processes; all that are left of it are killed at the end of the block."""
    with program(compiled("storm"), str(count), start_new_session=True, text=True, **options) as storm:
        try:
            yield storm
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(storm.pid, signal.SIGKILL)


def task_of(one, by_pid):
    """The task of an entry: that of its PID which began last before it."""
    lives = by_pid[one.pid]
    at = bisect.bisect([each.started for each in lives], one.begin)
    # A process begins to run soon after it was forked, and another one cannot have its PID meanwhile.
    return lives[at - 1] if at and (lives[at - 1].ended or one.end) >= one.begin else None


def written_in_the_middle(count):
    """Writes tree: in the middle of a storm, beside another storm. (when the write began, when it had
    returned, the root, the account)."""
    with storm_of(count // 4, stdout=subprocess.DEVNULL), storm_of(count, stdout=subprocess.PIPE) as storm:
        equal(storm.stdout.readline(), "middle\n", f"a third of {count} processes have begun")
        before = boottime_us()
        write(f"tree:{storm.pid}")
        after = boottime_us()
        account = [entry(line) for line in storm.stdout]
    return before, after, storm.pid, account


def in_the_middle():
    with loaded(period_ms=100, max_targets=2 * PROCESSES):
        before, after, root, account = written_in_the_middle(PROCESSES)
        equal((len(account), min(each.end for each in account) > 0), (PROCESSES, True), "all have run to their end")
        ok(wait_until(lambda: all(each.ended for each in tasks())), "all have exit samples")
        shown = tasks()
        by_pid = collections.defaultdict(list)
        for each in shown:
            by_pid[each.pid].append(each)
        required = [each for each in account if each.end > after]
        found = {each: task_of(each, by_pid) for each in account}
        note(f"the write took {(after - before) / 1000:.0f} ms; {len(required)} processes ended after it, "
             f"{sum(each.begin <= after for each in required)} of which lived when it returned")
        equal([each for each in required if not found[each]][:3], [], "nobody of them is missing")
        meanwhile = [each for each in account if before < each.end <= after]
        note(f"{len(meanwhile)} ended during the write, of which "
             f"{sum(not found[each] for each in meanwhile)} are not there")
        wrong = [(each, found[each].parent) for each in account
                 if each.begin > after and found[each] and found[each].parent != each.parent]
        equal(wrong[:3], [], "those forked later have the parent that forked them")
        equal(len({(each.pid, each.started) for each in shown}), len(shown), "nobody is there twice")
        known = {each.id for each in found.values() if each}
        equal([each for each in shown if each.id not in known and each.pid != root][:3], [],
              "nobody is there from outside")
        equal({each.root for each in shown}, {root}, "the root of all is the first process")
        equal(statistics()["lost"], 0, "'lost' is 0")
        write(f"-tree:{root}")
        equal((statistics()["targets"], statistics()["alive"]), (0, 0), "-tree: removes all")


def killed_writer(count=100):
    """Kills the writer when some of the descendants, but not all, are followed."""
    def write_slowly():
        if not sanitized():
            # It has few moments beside the process that is busy there.
            os.sched_setaffinity(0, {1})
            os.nice(19)
        write(f"tree:{parent}")

    with loaded(period_ms=100), idle_children(count) as (parent, pids), process(lambda: burn(10**9)) as busy:
        os.sched_setaffinity(busy, {1})
        partly, left = 0, set()
        for attempt in range(20):
            writer = child(write_slowly)
            wait_until(lambda: statistics()["targets"] > 3 * attempt, 10)
            kill(writer)
            followed = statistics()["targets"]
            partly += 1 < followed <= count
            write(f"-tree:{parent}")
            left.add(statistics()["targets"])
        note(f"{partly} of 20 writers were killed in the middle")
        ok(partly, "a writer can be killed in the middle")
        equal(left, {0}, "-tree: removes what it had followed")
        write(f"tree:{parent}")
        equal({each.pid for each in tasks()}, {parent, *pids}, "tree: again follows all")
        write(f"-tree:{parent}")


def unload_right_after(times=3):
    if is_built_in():
        skip("the module is unloaded right after the write", "built in")
        return
    with storm_of(10**6, stdout=subprocess.DEVNULL) as storm:
        followed = []
        hurry_grace_periods()
        for _ in range(times):
            load(period_ms=10)
            write(f"tree:{storm.pid}")
            followed.append(statistics()["targets"])
            wait_until(unload_unless_busy, 10)
        note(f"followed: {followed}")
        equal(is_loaded(), False, f"in a storm, the module is unloaded right after the write, {times} times")
        ok(min(followed) > 1, "descendants were followed each time", followed)


run(in_the_middle, killed_writer, unload_right_after)
