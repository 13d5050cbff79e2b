#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# tree: follows forks as they happen: who is born, for how long, orphans too; what each consumed is
# what its parent was told; the limit displaces the dead first; nothing is left behind.
#
# kernels: uml x86_64
# boot: --cpus 2
# on demand: kcsan

import errno
import os
import resource
import signal
import threading
import time

from lib.module import loaded, set_parameter, statistics, write
from lib.proc import boottime_us, used_us
from lib.processes import burn, child, process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import exit_samples, problems, samples

MICROSECOND = 1_000_000


def all_end(pids):
    return wait_until(lambda: set(pids) <= set(exit_samples()))


def a_family():
    """Children of a followed process, some of which have children; what wait4() says of each."""
    told = {}
    for number in range(20):
        pid = child(burn, 0.001 * number)
        _, _, usage = os.wait4(pid, 0)
        told[pid] = used_us(usage)
    return told


def births_and_ends():
    write(f"tree:{os.getpid()}")
    told = a_family()
    ok(all_end(told), "each child is followed to its end")
    history = samples()
    equal(problems(history), [], "in order, with no hole")
    born = {each.pid for each in history if each.num == 0}
    ok(set(told) <= born, "from its birth, number 0")
    last = exit_samples()
    wrong = {pid: (last[pid].usr + last[pid].sys, usage) for pid, usage in told.items()
             if abs(last[pid].usr + last[pid].sys - usage) > 2}
    equal(wrong, {}, "what each consumed is what wait4() told, to within rounding")
    write(f"-tree:{os.getpid()}")
    equal(statistics()["targets"], 0, "-tree: takes them all away")
    fails_with(errno.ESRCH, lambda: write(f"-tree:{os.getpid()}"), "once")
    pid = child(burn, 0)
    os.waitpid(pid, 0)
    equal(samples(pid=pid), [], "and nobody is followed any more")


def the_end_bears_its_own_moment():
    """With a long period, the end is known long before the next pass; a boottime clock tells when."""
    set_parameter("period_ms", 2000)
    write(f"tree:{os.getpid()}")
    before = boottime_us()
    pid = child(burn, 0.01)
    os.waitpid(pid, 0)
    after = boottime_us()
    ok(all_end([pid]), "a child ends between two passes")
    first, *_, last = samples(pid=pid)
    # Not before what it consumed can have been consumed, which is booked in ticks.
    latest = max(after, first.time + last.usr + last.sys)
    ok(before <= first.time < last.time <= latest, "its samples bear the moments of birth and end",
       f"{before} {first} {last} {after}")
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
    number = int(os.read(reading, 16))
    ok(all_end([pid, number]), "one whose parents ended before is followed to its end")
    equal(len({each.pid for each in samples()}), 4, "and so is who came between")
    write(f"-tree:{os.getpid()}")


def threads_are_no_children():
    write(f"tree:{os.getpid()}")
    threads = [threading.Thread(target=burn, args=(0.001,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(statistics()["targets"], 1, "threads are not targets of their own")
    pid = child(lambda: os.execv("/bin/true", ["true"]))
    os.waitpid(pid, 0)
    ok(all_end([pid]), "a child is the same target after exec")
    write(f"-{pid}")
    equal(statistics()["targets"], 1, "-PID takes out one")
    fails_with(errno.EEXIST, lambda: write(f"tree:{os.getpid()}"), "a root is one already")
    write(f"-tree:{os.getpid()}")


def one_may_be_a_target_already():
    with process() as pid:
        write(pid)
        write(f"tree:{os.getpid()}")
        equal(statistics()["targets"], 2, "children that live already are not found")
        write(f"-tree:{os.getpid()}")
        equal(statistics()["targets"], 1, "-tree: leaves who did not join")
        write(f"-{pid}")


def all_of_a_storm():
    count = 300
    write(f"tree:{os.getpid()}")
    pids = []
    for _ in range(count):
        pids.append(os.posix_spawn("/bin/true", ["true"], {}))
        os.waitpid(pids[-1], 0)
    ok(all_end(pids), f"of {count} short lives none is missing")
    equal(statistics()["lost"], 0, "and none is said to be lost")
    write(f"-tree:{os.getpid()}")


def the_sum_of_all():
    """What all of them consumed is what the kernel says of children that were waited for."""
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
    ok(all_end([pid]), "a tree ends")
    # The pass in which the root ended may have seen the last of the others alive.
    wait_until(lambda: len(exit_samples()) >= 11)
    last = exit_samples()
    equal(len(last), 11, "with all who were in it")
    children = sum(each.usr + each.sys for number, each in last.items() if number != pid)
    told = int(os.read(reading, 32))
    ok(abs(children - told) <= 2 * 10, "their sum is RUSAGE_CHILDREN, to within rounding",
       f"{children} {told}")
    write(f"-tree:{pid}")


def the_limit():
    set_parameter("max_targets", 20)
    write(f"tree:{os.getpid()}")
    pids = []
    for _ in range(80):
        pids.append(child(lambda: None))
        os.waitpid(pids[-1], 0)
        wait_until(lambda: pids[-1] in exit_samples())
    before = statistics()
    equal((before["targets"], before["lost"]), (20, 0), "those who ended first make room")
    equal(set(exit_samples()), set(pids[-19:]), "so the last ones are there")
    equal(before["created"], before["alive"] + before["evicted"] + before["removed"],
          "and the others' samples are counted as evicted")
    living = [child(signal.pause) for _ in range(30)]
    ok(statistics()["lost"] >= 30 - 19, "where all live, forks are counted as lost")
    fails_with(errno.ENOSPC, lambda: write(os.getppid()), "and a word fails")
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    ended_before = len(exit_samples())
    set_parameter("max_targets", 5)
    for _ in range(30):
        os.waitpid(child(lambda: None), 0)
    wait_until(lambda: len(exit_samples()) == statistics()["targets"] - 1)
    equal((ended_before > 5, statistics()["targets"]), (True, 5), "a lower limit is reached by forks, too")
    write(f"-tree:{os.getpid()}")
    set_parameter("max_targets", 16384)


def odd_words():
    fails_with(errno.ESRCH, lambda: write("tree:2147483647"), "tree: of nobody")
    fails_with(errno.EINVAL, lambda: write("tree:0"), "tree: of no number")
    ready = threading.Event()
    thread = threading.Thread(target=ready.wait)
    thread.start()
    fails_with(errno.ESRCH, lambda: write(f"tree:{thread.native_id}"), "tree: of a mere thread")
    ready.set()
    thread.join()


def main():
    with loaded(period_ms=10):
        for function in (births_and_ends, the_end_bears_its_own_moment, grandchildren_and_orphans,
                         threads_are_no_children, one_may_be_a_target_already, all_of_a_storm,
                         the_sum_of_all, the_limit, odd_words):
            function()
    with loaded(period_ms=10, pid=os.getpid(), tree=1):
        pid = child(burn, 0.001)
        os.waitpid(pid, 0)
        ok(all_end([pid]), "tree=1 follows the first task")


run(main)
