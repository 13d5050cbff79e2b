#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Processes whose threads start and exit all the time: the CPU time of each thread is counted exactly once.
# Also: a leader that exits before the other threads, and an exec() by a thread other than the leader.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree
# boot: --cpus 2

import bisect
import os
import sys
import threading
import time

from lib.cputime_checks import ROUNDING_US, after_now, at_rest, work
from lib.module import loaded, statistics, write
from lib.proc import USER_HZ, boottime_us, microseconds, process_clock_us, stat
from lib.processes import child, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.system_calls import exit_thread


def short_threads():
    """Runs short-lived threads, five at a time, and never returns."""
    while True:
        threads = [threading.Thread(target=work, args=(0.002,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def each_thread_once():
    with process(short_threads) as pid:
        write(pid)
        before, after = [], []
        until = time.monotonic() + 4
        while time.monotonic() < until:
            consumed = process_clock_us(pid)
            before.append((boottime_us(), consumed))
            now = boottime_us()
            after.append((now, process_clock_us(pid)))
            time.sleep(0.003)
        at_rest(pid)
        last = after_now(pid)
        exact = process_clock_us(pid)
        ok(0 <= exact - last.usr - last.sys <= ROUNDING_US,
           "stopped: the total is the sum of all threads, ended ones included", (exact, last))
        history = samples(pid=pid)
        equal(problems(history), [], "no total falls")
        # The CPU time of a running thread is accounted up to its last tick.
        slack = os.cpu_count() * 1_000_000 // USER_HZ
        low, high = [], []
        numbers = statistics()
        mean_pass = numbers["pass_ns"] // numbers["passes"] // 1000
        for sample in history:
            index = bisect.bisect(before, (sample.time, 0)) - 1
            if index >= 0 and sample.usr + sample.sys < before[index][1] - slack - ROUNDING_US:
                low.append((sample, before[index]))
            # A task is read some time after its pass began, which is the sample's time.
            index = bisect.bisect(after, (sample.time + mean_pass, 2**63))
            if index < len(after) and sample.usr + sample.sys > after[index][1] + ROUNDING_US:
                high.append((sample, after[index]))
        note(f"{len(history)} samples beside {len(before)} readings")
        ok(len(history) > 100, "more than 100 samples were taken")
        equal(low[:3], [], "no sample misses a thread")
        # The sampler may be preempted between reading the clock and reading the task.
        ok(len(high) * 20 <= len(history), "no sample counts a thread twice", high[:3])
        write(f"-{pid}")


def leader_exits_first():
    gate, opener = os.pipe()

    def body():
        def outlive():
            os.read(gate, 1)
            work(0.1)
            os._exit(0)
        threading.Thread(target=outlive).start()
        work(0.02)
        exit_thread()

    pid = child(body)
    write(pid)
    ok(wait_until(lambda: stat(pid).state == "Z"), "the leader is a zombie")
    sample = after_now(pid)
    ok(not sample.exit, "the process has not ended with its leader", sample)
    os.write(opener, b"x")
    used = os.wait4(pid, 0)[2]
    ok(wait_until(lambda: samples(pid=pid)[-1].exit), "the process ends with its last thread")
    last = samples(pid=pid)[-1]
    ok(abs(last.usr + last.sys - microseconds(used.ru_utime + used.ru_stime)) <= ROUNDING_US,
       "its totals are those of wait4()", (last, used))
    ok(last.usr + last.sys > sample.usr + sample.sys, "the other thread's CPU time is included")
    equal(problems(samples(pid=pid)), [], "its history is in order")
    # A zombie leader with living threads can be added too.
    write(f"-{pid}")
    pid = child(body)
    wait_until(lambda: stat(pid).state == "Z")
    write(pid)
    ok(not after_now(pid).exit, "a process whose leader is a zombie can be added")
    os.write(opener, b"x")
    os.waitpid(pid, 0)
    ok(wait_until(lambda: samples(pid=pid)[-1].exit), "it has an exit sample")
    os.close(gate)
    os.close(opener)
    write(f"-{pid}")


def exec_by_another():
    code = "import time\nt = time.process_time() + 0.05\nwhile time.process_time() < t: pass\ntime.sleep(0.3)"
    tid_pipe, tid_end = os.pipe()
    go, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        def execute():
            os.write(tid_end, threading.get_native_id().to_bytes(4, "little"))
            os.read(go, 1)
            work(0.03)
            os.execv(sys.executable, [sys.executable, "-S", "-c", code])
        threading.Thread(target=execute).start()
        while True:
            work(0.01)
    tid = int.from_bytes(os.read(tid_pipe, 4), "little")
    write(f"{pid} {tid}")
    before = after_now(pid)
    os.write(begin, b"x")
    used = os.wait4(pid, 0)[2]
    for fd in (tid_pipe, tid_end, go, begin):
        os.close(fd)
    ok(wait_until(lambda: samples(pid=pid)[-1].exit), "a process whose thread calls exec() is followed to its end")
    ok(wait_until(lambda: samples(pid=tid)[-1].exit),
       "the thread's old thread ID has an exit sample")
    history = samples(pid=pid)
    equal(problems(history), [], "its history is in order")
    last = history[-1]
    ok(abs(last.usr + last.sys - microseconds(used.ru_utime + used.ru_stime)) <= ROUNDING_US,
       "its totals are those of wait4()", (last, used))
    ok(last.num > before.num, "it has samples from before and after exec()")
    equal(problems(samples(pid=tid)), [], "the thread's history is in order")
    write(f"-{pid} -{tid}")


def many_threads():
    """More threads than the module reads with its own lock held."""
    def body():
        for _ in range(40):
            threading.Thread(target=lambda: (work(0.005), time.sleep(1000)), daemon=True).start()
        time.sleep(1000)

    with process(body) as pid:
        write(pid)
        wait_until(lambda: stat(pid).threads == 41)
        time.sleep(0.3)
        at_rest(pid)
        last = after_now(pid)
        ok(0 <= process_clock_us(pid) - last.usr - last.sys <= ROUNDING_US, "41 threads: the total is the sum of all",
           (last, process_clock_us(pid)))
        write(f"-{pid}")


def main():
    with loaded(period_ms=10):
        for part in (each_thread_once, leader_exits_first, exec_by_another, many_threads):
            part()


run(main)
