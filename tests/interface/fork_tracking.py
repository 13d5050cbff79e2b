#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The command tree: follows each fork as it happens, orphans included. The totals of each process are those
# that wait4() reports. When max_targets is reached, ended targets are displaced first.
#
# kernels: uml x86_64 debian
# boot: --cpus 2
# on demand: matrix in-tree kcsan

import errno
import os
import resource
import signal
import threading
import time

from lib.kernel_state import hurry_grace_periods
from lib.module import is_built_in, loaded, set_parameter, statistics, write
from lib.proc import boottime_us, used_us
from lib.processes import burn, child, kill, process, wait_until
from lib.results import equal, fails_with, ok, run, skip
from lib.samples import exit_samples, problems, samples
from lib.tracing import forks_traced


def all_have_ended(pids):
    return wait_until(lambda: set(pids) <= set(exit_samples()))


def run_children():
    """Runs children of this process, one after the other; CPU time from wait4() by PID."""
    used = {}
    for number in range(20):
        pid = child(burn, 0.001 * number)
        _, _, usage = os.wait4(pid, 0)
        used[pid] = used_us(usage)
    return used


def forks_and_exits():
    write(f"tree:{os.getpid()}")
    used = run_children()
    ok(all_have_ended(used), "each child has an exit sample")
    history = samples()
    equal(problems(history), [], "the history is in order, without a gap")
    first = {each.pid for each in history if each.num == 0}
    ok(set(used) <= first, "each child has sample 0")
    last = exit_samples()
    wrong = {pid: (last[pid].usr + last[pid].sys, usage) for pid, usage in used.items()
             if abs(last[pid].usr + last[pid].sys - usage) > 2}
    equal(wrong, {}, "the totals of each child are those of wait4(), except for rounding")
    write(f"-tree:{os.getpid()}")
    equal(statistics()["targets"], 0, "-tree: removes all of them")
    fails_with(errno.ESRCH, lambda: write(f"-tree:{os.getpid()}"), "-tree: again gives ESRCH")
    pid = child(burn, 0)
    os.waitpid(pid, 0)
    equal(samples(pid=pid), [], "after -tree: no fork is followed")


def time_of_the_exit_sample():
    """With a long period, the exit sample's time is that of the exit, not of the next pass."""
    set_parameter("period_ms", 2000)
    write(f"tree:{os.getpid()}")
    before = boottime_us()
    pid = child(burn, 0.01)
    os.waitpid(pid, 0)
    after = boottime_us()
    ok(all_have_ended([pid]), "a child ends between two passes")
    history = samples(pid=pid)
    first, (previous, last) = history[0], history[-2:]
    # The exit sample is later than the sample before, which can be taken after the process was reaped; and not before
    # the CPU time can have been used, which is accounted in ticks.
    latest = max(after, previous.time + max(1, last.usr + last.sys - previous.usr - previous.sys))
    ok(before <= first.time < last.time <= latest, "its samples have the times of its start and its exit",
       f"{before} {history} {after}")
    write(f"-tree:{os.getpid()}")
    set_parameter("period_ms", 10)


def grandchildren_and_orphans():
    reading, writing = os.pipe()

    def orphan():
        burn(0.01)
        time.sleep(0.1)
        os.write(writing, f"{os.getpid()} ".encode())

    write(f"tree:{os.getpid()}")
    pid = child(lambda: child(lambda: child(orphan)))
    os.waitpid(pid, 0)
    orphan_pid = int(os.read(reading, 16))
    ok(all_have_ended([pid, orphan_pid]), "an orphan is followed to its exit")
    equal(len({each.pid for each in samples()}), 4, "the processes between are followed")
    write(f"-tree:{os.getpid()}")


def threads_and_exec():
    write(f"tree:{os.getpid()}")
    threads = [threading.Thread(target=burn, args=(0.001,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(statistics()["targets"], 1, "a new thread is not a new target")
    pid = child(lambda: os.execv("/bin/true", ["true"]))
    os.waitpid(pid, 0)
    ok(all_have_ended([pid]), "a child is the same target after exec")
    write(f"-{pid}")
    equal(statistics()["targets"], 1, "-PID removes one")
    fails_with(errno.EEXIST, lambda: write(f"tree:{os.getpid()}"),
               "tree: of a root that is followed already gives EEXIST")
    write(f"-tree:{os.getpid()}")


def target_before():
    with process() as pid:
        write(pid)
        write(f"tree:{os.getpid()}")
        equal(statistics()["targets"], 2, "tree: takes in a child that is watched already, once")
        write(f"-tree:{os.getpid()}")
        equal(statistics()["targets"], 1, "-tree: keeps a target that was added by itself")
        write(f"-{pid}")


def many_short_processes():
    count = 300
    write(f"tree:{os.getpid()}")
    pids = []
    for _ in range(count):
        pids.append(os.posix_spawn("/bin/true", ["true"], {}))
        os.waitpid(pids[-1], 0)
    ok(all_have_ended(pids), f"each of {count} short-lived processes has an exit sample")
    equal(statistics()["lost"], 0, "'lost' is 0")
    write(f"-tree:{os.getpid()}")


def sum_of_all():
    """The sum of the totals is what the kernel reports of children that were waited for."""
    def parent():
        for number in range(10):
            os.waitpid(child(burn, 0.002 * number), 0)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(writing, str(used_us(used)).encode())

    reading, writing = os.pipe()
    start, go = os.pipe()
    pid = child(lambda: (os.read(start, 1), parent()))
    write(f"tree:{pid}")
    os.write(go, b"x")
    os.waitpid(pid, 0)
    ok(all_have_ended([pid]), "the root of a tree has an exit sample")
    # The pass that notices the root's exit may have read the last of the others while it was alive.
    wait_until(lambda: len(exit_samples()) >= 11)
    last = exit_samples()
    equal(len(last), 11, "all processes of the tree have exit samples")
    children = sum(each.usr + each.sys for each_pid, each in last.items() if each_pid != pid)
    expected = int(os.read(reading, 32))
    ok(abs(children - expected) <= 2 * 10, "the sum of their totals is RUSAGE_CHILDREN, except for rounding",
       f"{children} {expected}")
    write(f"-tree:{pid}")


def removal_while_forking():
    def parent():
        while True:
            os.waitpid(child(os._exit, 0), 0)

    with process(parent) as pid:
        left = set()
        for _ in range(300):
            write(f"tree:{pid}")
            write(f"-tree:{pid}")
            left.add(statistics()["targets"])
        equal(left, {0}, "-tree: leaves no target of a process that forks meanwhile")


def limit_of_targets():
    set_parameter("max_targets", 20)
    write(f"tree:{os.getpid()}")
    pids = []
    for _ in range(80):
        pids.append(child(lambda: None))
        os.waitpid(pids[-1], 0)
        wait_until(lambda: pids[-1] in exit_samples())
    before = statistics()
    equal((before["targets"], before["lost"]), (20, 0), "new targets displace those that ended first")
    equal(set(exit_samples()), set(pids[-19:]), "the last 19 are shown")
    equal(before["created"], before["alive"] + before["evicted"] + before["removed"],
          "the samples of displaced targets are counted as evicted")
    living = [child(signal.pause) for _ in range(30)]
    ok(statistics()["lost"] >= 30 - 19, "if no target has ended, forks are counted as lost")
    fails_with(errno.ENOSPC, lambda: write(os.getppid()), "adding by a command gives ENOSPC")
    for pid in living:
        kill(pid)
    ended_before = len(exit_samples())
    set_parameter("max_targets", 5)
    for _ in range(30):
        os.waitpid(child(lambda: None), 0)
    wait_until(lambda: len(exit_samples()) == statistics()["targets"] - 1)
    equal((ended_before > 5, statistics()["targets"]), (True, 5), "forks bring the targets down to a lower limit")
    write(f"-tree:{os.getpid()}")
    set_parameter("max_targets", 16384)


def beside_the_trace_of_forks():
    """With a second probe, the tracepoint calls both by pointers, of which kCFI checks the types."""
    with forks_traced() as children_of:
        write(f"tree:{os.getpid()}")
        used = run_children()
        ok(all_have_ended(used), "children are followed while the kernel traces forks too")
        equal(children_of(os.getpid()), set(exit_samples()), "they are those in the kernel's trace")
    write(f"-tree:{os.getpid()}")


def refused_commands():
    fails_with(errno.ESRCH, lambda: write("tree:2147483647"), "tree: with an unused PID gives ESRCH")
    fails_with(errno.EINVAL, lambda: write("tree:0"), "tree:0 gives EINVAL")
    ready = threading.Event()
    thread = threading.Thread(target=ready.wait)
    thread.start()
    fails_with(errno.ESRCH, lambda: write(f"tree:{thread.native_id}"),
               "tree: of a thread that is not a leader gives ESRCH")
    ready.set()
    thread.join()


def main():
    # Each tree: waits for some.
    hurry_grace_periods()
    with loaded(period_ms=10):
        for function in (forks_and_exits, time_of_the_exit_sample, grandchildren_and_orphans,
                         threads_and_exec, target_before, many_short_processes, sum_of_all,
                         removal_while_forking, limit_of_targets, beside_the_trace_of_forks,
                         refused_commands):
            function()
    name = "tree=1 follows the forks of the first task"
    if is_built_in():
        skip(name, "built in: parameters are given at boot")
        return
    with loaded(period_ms=10, pid=os.getpid(), tree=1):
        pid = child(burn, 0.001)
        os.waitpid(pid, 0)
        ok(all_have_ended([pid]), name)


run(main)
