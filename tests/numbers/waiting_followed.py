#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# `wait` of a process that is followed (tree:) includes what its ended threads have waited, also on a kernel without
# taskstats. The witness are the threads: each reads its own schedstat at its end.
#
# kernels: uml x86_64 in-tree
# on demand: matrix
# boot: --cpus 2

import os
import signal
import threading

from lib.cputime_checks import after_now, at_rest
from lib.module import loaded, write
from lib.proc import run_delay_us, stat, text_of
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.taskstats import Connection, is_available
from lib.waiting_checks import in_threads, keep_busy

THREADS = 12
WAVES = 4
# Much more than what a thread waits after its report. On user-mode Linux that can be a tick of 10 ms.
WAIT_NS = 150_000_000
ROUNDS_MAX = 100


def own_delay_ns():
    return int(text_of("/proc/thread-self/schedstat").split()[1])


class Reports:
    """What the threads of the children say that they have waited."""

    def __init__(self):
        self.end, self.begin = os.pipe()

    def report(self):
        """Called by a thread at its end."""
        os.write(self.begin, own_delay_ns().to_bytes(8, "little"))

    def sum_us(self, count):
        """Waits for that many reports."""
        return sum(int.from_bytes(os.read(self.end, 8), "little") for _ in range(count)) / 1000


def work_and_report(reports):
    for _ in range(ROUNDS_MAX):
        keep_busy(2000)
        if own_delay_ns() >= WAIT_NS:
            break
    reports.report()


def compare(pid, ended_us, name):
    """Compares a process of one living thread with what the others said before they ended."""
    wait_until(lambda: stat(pid).threads == 1)
    at_rest(pid)
    sample, known = after_now(pid), ended_us + run_delay_us(pid)
    note(f"{name}: {sample}, {known} us known")
    # After its report a thread waits a few times more, for the interpreter's lock and in its last instructions.
    ok(int(known) <= sample.wait < 1.5 * known, f"{name}: 'wait' is that of all threads", (sample, known))
    if is_available():
        equal(sample.wait, int(Connection().process_delay_us(pid)), f"{name}: it is what taskstats says")
    equal(problems(samples(pid=pid)), [], f"{name}: no number falls")


def threads_that_end():
    go, begin = os.pipe()
    reports = Reports()

    def body():
        while True:
            os.read(go, 1)
            in_threads(THREADS, lambda: work_and_report(reports))

    with process(body) as pid:
        write(f"tree:{pid}")
        ended_us = 0
        for wave in range(1, WAVES + 1):
            os.write(begin, b"x")
            ended_us += reports.sum_us(THREADS)
            compare(pid, ended_us, f"{wave * THREADS} threads have ended")
            os.kill(pid, signal.SIGCONT)
        last = samples(pid=pid)[-1]
    ok(wait_until(lambda: samples(pid=pid)[-1].exit), "it ends")
    ok(samples(pid=pid)[-1].wait >= last.wait, "its exit sample has no less")
    write(f"-tree:{pid}")


def main():
    with loaded(period_ms=10):
        threads_that_end()


run(main)
