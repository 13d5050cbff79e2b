#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A writer that is being killed ends between two words; one that waits for `stop` ends at once, and
# waits for no pass but the one under way.
#
# kernels: uml x86_64
# boot: --cpus 2 --memory 1G

import contextlib
import os
import signal
import time

from lib.kernel_state import sampler_thread, sanitized
from lib.module import DEBUGFS, SYSFS, loaded, set_parameter, statistics, write
from lib.proc import stat
from lib.processes import burn, child, idle_threads, wait_until
from lib.results import equal, note, ok, run

PAGE = 4096


def targets():
    return statistics()["targets"]


def in_the_middle(tids):
    """Of a long list. A removal now and then says how far it has come."""
    for path, removed, clears in ((DEBUGFS, 700, 30), (SYSFS, 40, 16)):
        write(" ".join(map(str, tids)), DEBUGFS)
        text = "".join("clear " * clears + f"-{tid} " for tid in tids[:removed]).encode()
        fd = os.open(path, os.O_WRONLY)
        writer = child(os.write, fd, text)
        ok(wait_until(lambda: targets() < len(tids)), f"{path}: a writer of {len(text)} bytes is at work")
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        os.close(fd)
        done = len(tids) - targets()
        ok(done < removed // 2, f"{path}: killed, it ends long before the end", f"{done} of {removed}")
        note(f"{path}: {done} of {removed}")
        write("".join(f"-{tid} " for tid in tids[done:]), DEBUGFS)
        equal(targets(), 0, f"{path}: what was obeyed is what stands before that")


@contextlib.contextmanager
def starved_sampler():
    """The sampler does not get the CPU on which it is kept."""
    os.sched_setaffinity(sampler_thread(), {1})
    burner = child(burn, 10**9)
    os.sched_setaffinity(burner, {1})
    os.sched_setscheduler(burner, os.SCHED_FIFO, os.sched_param(50))
    try:
        yield
    finally:
        os.kill(burner, signal.SIGKILL)
        os.waitpid(burner, 0)


def while_waiting(tids):
    """For the end of a pass that does not come."""
    with open("/proc/sys/kernel/sched_rt_runtime_us", "w", encoding="ascii") as file:
        file.write("-1\n")
    os.sched_setaffinity(0, {0})
    write(" ".join(map(str, tids)), DEBUGFS)
    set_parameter("period_ms", 1)
    for attempt in range(300):
        time.sleep(0.02)
        with starved_sampler():
            writer = child(write, "stop")
            # Between two passes there is none to be waited for, and it ends.
            wait_until(lambda: stat(writer).state in "DZ")
            waits = stat(writer).state == "D"
            if waits:
                note(f"attempt {attempt}")
                os.kill(writer, signal.SIGKILL)
                ok(wait_until(lambda: stat(writer).state == "Z", 20),
                   "a stop that waits for the pass under way is killed, and ends")
        os.waitpid(writer, 0)
        if waits:
            break
        write("start")
    else:
        ok(False, "a stop that has to wait, in 300 attempts")
    write("stop")
    before = statistics()
    time.sleep(0.3)
    after = statistics()
    equal((after["passes"], after["created"]), (before["passes"], before["created"]), "sampling is stopped")
    write("start")
    write("".join(f"-{tid} " for tid in tids), DEBUGFS)


def against_starts(tids):
    """Somebody else's start begins new passes all the time."""
    write(" ".join(map(str, tids)), DEBUGFS)
    set_parameter("period_ms", 1)

    def start():
        fd = os.open(SYSFS, os.O_WRONLY)
        while True:
            os.write(fd, b"start")

    starter = child(start)
    before = statistics()["passes"]
    for _ in range(300):
        write("stop")
    note(f"{statistics()['passes'] - before} passes meanwhile")
    os.kill(starter, signal.SIGKILL)
    os.waitpid(starter, 0)
    ok(True, "each of 300 stops ends while somebody else starts all the time")
    write("start")
    write("".join(f"-{tid} " for tid in tids), DEBUGFS)


def main():
    with loaded(period_ms=3_600_000):
        with idle_threads(1000) as tids:
            in_the_middle(tids)
            against_starts(tids)
        # With timers of ticks a pass is hardly ever under way; here one follows the other.
        if not sanitized():
            with idle_threads(4000) as tids:
                while_waiting(tids)


run(main)
