#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A writer that is killed: its write ends between two commands. A `stop` that waits for the current pass
# can be killed, and it waits for no later pass.
#
# kernels: uml x86_64
# on demand: matrix
# boot: --cpus 2 --memory 1G

import contextlib
import os
import signal
import time

from lib.kernel_state import sampler_thread, sanitized
from lib.module import DEBUGFS, SYSFS, loaded, set_parameter, statistics, write
from lib.proc import stat
from lib.processes import burn, child, idle_threads, kill, wait_until
from lib.results import equal, note, ok, run


def targets():
    return statistics()["targets"]


def during_a_long_write(tids):
    """Kills the writer of many commands. The number of targets shows how many were executed."""
    for path, removed, clears in ((DEBUGFS, 700, 30), (SYSFS, 40, 16)):
        write(" ".join(map(str, tids)), DEBUGFS)
        text = "".join("clear " * clears + f"-{tid} " for tid in tids[:removed]).encode()
        fd = os.open(path, os.O_WRONLY)
        writer = child(os.write, fd, text)
        ok(wait_until(lambda: targets() < len(tids)), f"{path}: a write of {len(text)} bytes has begun")
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        os.close(fd)
        done = len(tids) - targets()
        ok(done < removed // 2, f"{path}: the killed writer ends long before the end of its text",
           f"{done} of {removed}")
        note(f"{path}: {done} of {removed}")
        write("".join(f"-{tid} " for tid in tids[done:]), DEBUGFS)
        equal(targets(), 0, f"{path}: exactly the commands before that point were executed")


@contextlib.contextmanager
def starved_sampler():
    """Binds the sampler to a CPU on which a real-time task runs all the time."""
    os.sched_setaffinity(sampler_thread(), {1})
    burner = child(burn, 10**9)
    os.sched_setaffinity(burner, {1})
    os.sched_setscheduler(burner, os.SCHED_FIFO, os.sched_param(50))
    try:
        yield
    finally:
        kill(burner)


def during_stop(tids):
    """Kills a `stop` that waits for a pass which cannot end."""
    with open("/proc/sys/kernel/sched_rt_runtime_us", "w", encoding="ascii") as file:
        file.write("-1\n")
    os.sched_setaffinity(0, {0})
    write(" ".join(map(str, tids)), DEBUGFS)
    set_parameter("period_ms", 1)
    for attempt in range(300):
        time.sleep(0.02)
        with starved_sampler():
            writer = child(write, "stop")
            # Between two passes `stop` has nothing to wait for and returns.
            wait_until(lambda: stat(writer).state in "DZ")
            waits = stat(writer).state == "D"
            if waits:
                note(f"attempt {attempt}")
                os.kill(writer, signal.SIGKILL)
                ok(wait_until(lambda: stat(writer).state == "Z", 20),
                   "a stop that waits for the current pass can be killed")
        os.waitpid(writer, 0)
        if waits:
            break
        write("start")
    else:
        ok(False, "one of 300 stops waits for a pass")
    write("stop")
    before = statistics()
    time.sleep(0.3)
    after = statistics()
    equal((after["passes"], after["created"]), (before["passes"], before["created"]), "sampling is stopped")
    write("start")
    write("".join(f"-{tid} " for tid in tids), DEBUGFS)


def during_starts(tids):
    """Another process writes `start` all the time, which begins new passes."""
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
    kill(starter)
    ok(True, "300 stops return while another process writes start all the time")
    write("start")
    write("".join(f"-{tid} " for tid in tids), DEBUGFS)


def main():
    with loaded(period_ms=3_600_000):
        with idle_threads(1000) as tids:
            during_a_long_write(tids)
            during_starts(tids)
        # Needs high-resolution timers: with these, at 1 ms, one pass follows directly on the other.
        if not sanitized():
            with idle_threads(4000) as tids:
                during_stop(tids)


run(main)
