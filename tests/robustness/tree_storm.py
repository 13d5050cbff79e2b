#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# tree: of a process whose descendants fork, exec and end all the time: nobody is missing who lived when the
# write returned or was forked later, nobody is there twice, and nobody from outside. Also if a parent ends
# before the command has found its children. A writer that is killed in the middle leaves a tree that can be
# removed. The module can be unloaded right after the write.
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
from lib.samples import samples
from lib.tasks import tasks

# A kernel with sanitizers takes minutes for so many.
PROCESSES = 1000 if sanitized() else 20_000


class Entry(NamedTuple):
    """What a process of the storm has noted of itself; times in microseconds. `parent` is the number of the
    entry of the process that has forked it, or -1: the first process."""
    pid: int
    parent: int
    begin: int
    end: int


def entry(line):
    pid, parent, begin_ns, end_ns = map(int, line.split())
    return Entry(pid, parent, begin_ns // 1000, end_ns // 1000)


@contextlib.contextmanager
def storm_of(count, orphans_go_to, **options):
    """A storm of so many processes; all that are left of it are killed at the end of the block."""
    with program(compiled("storm"), str(count), orphans_go_to, start_new_session=True, text=True, **options) as storm:
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


def members(account, moment, orphans_go_to):
    """For each entry, whether it was a descendant of the first process at that moment, or forked later by one
    that was. An orphan that is a child of init is none."""
    found = []
    for each in account:
        is_child_of_member = each.parent < 0 or found[each.parent] or orphans_go_to == "subreaper"
        found.append(is_child_of_member and each.end > moment)
    return found


def check(account, root, before, after, orphans_go_to):
    """Compares the tasks with the account. The command was written between the two times."""
    shown = tasks()
    by_pid = collections.defaultdict(list)
    for each in shown:
        by_pid[each.pid].append(each)
    # The command has begun by then. Whoever was an orphan before is not a descendant any more.
    moment = samples(pid=root)[0].time
    required = [each for each, is_member in zip(account, members(account, moment, orphans_go_to))
                if is_member and each.end > after]
    found = {each: task_of(each, by_pid) for each in account}
    note(f"orphans go to {orphans_go_to}: the write took {(after - before) / 1000:.0f} ms; "
         f"{len(required)} processes ended after it, {sum(each.begin <= after for each in required)} of "
         "which lived when it returned")
    equal([each for each in required if not found[each]][:3], [], "nobody of them is missing")
    wrong = [(each, found[each].parent) for each in account if each.begin > after and found[each]
             and found[each].parent != (root if each.parent < 0 else account[each.parent].pid)]
    equal(wrong[:3], [], "those forked later have the parent that forked them")
    equal(len({(each.pid, each.started) for each in shown}), len(shown), "nobody is there twice")
    known = {each.id for each in found.values() if each}
    equal([each for each in shown if each.id not in known and each.pid != root][:3], [],
          "nobody is there from outside")
    equal({each.root for each in shown}, {root}, "the root of all is the first process")
    equal(statistics()["lost"], 0, "'lost' is 0")


def in_the_middle(orphans_go_to):
    """Writes tree: in the middle of a storm, beside another storm."""
    with loaded(period_ms=100, max_targets=2 * PROCESSES):
        with storm_of(PROCESSES // 4, "init", stdout=subprocess.DEVNULL), \
                storm_of(PROCESSES, orphans_go_to, stdout=subprocess.PIPE) as storm:
            equal(storm.stdout.readline(), "middle\n", f"a third of {PROCESSES} processes have begun")
            before = boottime_us()
            write(f"tree:{storm.pid}")
            after = boottime_us()
            account = [entry(line) for line in storm.stdout]
        equal((len(account), min(each.end for each in account) > 0), (PROCESSES, True), "all have run to their end")
        ok(wait_until(lambda: all(each.ended for each in tasks())), "all have exit samples")
        check(account, storm.pid, before, after, orphans_go_to)
        write(f"-tree:{storm.pid}")
        equal((statistics()["targets"], statistics()["alive"]), (0, 0), "-tree: removes all")


def parents_that_end(count=40):
    """Descendants that hand over to a child and end, while the command searches for them."""
    with loaded(period_ms=100, max_targets=200_000), \
            program(compiled("relays"), str(count), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as relays:
        equal(relays.stdout.readline(), "ready\n", f"{count} processes are ready to hand over")
        before = boottime_us()
        relays.stdin.write("\n")
        relays.stdin.flush()
        write(f"tree:{relays.pid}")
        after = boottime_us()
        output, _ = relays.communicate()
        ok(wait_until(lambda: all(each.ended for each in tasks())), "all have exit samples")
        check([entry(line) for line in output.splitlines()], relays.pid, before, after, "init")
        write(f"-tree:{relays.pid}")


def orphans_stay_descendants():
    in_the_middle("subreaper")


def orphans_leave():
    in_the_middle("init")


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
    with storm_of(10**6, "subreaper", stdout=subprocess.DEVNULL) as storm:
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


run(orphans_stay_descendants, orphans_leave, parents_that_end, killed_writer, unload_right_after)
