#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# `wait` of processes whose threads come and go: each thread counts once, as in taskstats. Also: a leader that exits
# before the other threads, an exec() by a thread other than the leader, and threads that are watched alone.
#
# kernels: uml x86_64 debian
# on demand: matrix
# boot: --cpus 2

import os
import random
import signal
import sys
import threading
import time

from lib.cputime_checks import after_now, at_rest
from lib.module import loaded, set_parameter, write
from lib.proc import run_delay_us, stat, text_of
from lib.processes import child, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import exit_samples, problems, samples
from lib.system_calls import exit_thread
from lib.taskstats import Connection, ExitRecords
from lib.waiting_checks import check_waits, in_threads, keep_busy

PERIOD_MS = 10
THREADS = 200


def keep_busy_for_long():
    """So long that threads which do this at the same time wait for ticks of 10 ms, in which user-mode Linux counts."""
    keep_busy(30_000)


def threads_that_come_and_go():
    """Has up to THREADS threads, each of which works for a short random time; never returns."""
    os.nice(19)  # so that the test itself gets a CPU
    room = threading.BoundedSemaphore(THREADS)

    def live():
        for _ in range(random.randrange(1, 6)):
            keep_busy(random.randrange(50, 500))
        room.release()

    while True:
        room.acquire()
        threading.Thread(target=live, daemon=True).start()


def each_thread_once():
    taskstats = Connection()
    with process(threads_that_come_and_go) as pid:
        write(pid)
        too_large = []
        for _ in range(10):
            for _ in range(20):
                sample = samples(pid=pid)[-1]
                # In this order: the process waited on in between.
                if sample.wait > taskstats.process_delay_us(pid):
                    too_large.append(sample)
                time.sleep(0.005)
            at_rest(pid)
            rest, exact = after_now(pid), taskstats.process_delay_us(pid)
            if rest.wait != int(exact):
                too_large.append((rest, exact))
            os.kill(pid, signal.SIGCONT)
        equal(too_large[:3], [], "threads come and go: never more than taskstats, and the same when they are stopped")
        at_rest(pid)
        last = after_now(pid)
        note(f"{stat(pid).threads} threads, {last}")
        ok(last.wait > 0, "they have waited", last)
        equal(problems(samples(pid=pid)), [], "no number falls")
        write(f"-{pid}")


def leader_ends_first():
    gate, opener = os.pipe()

    def body():
        def outlive():
            os.read(gate, 1)
            in_threads(4, keep_busy_for_long)
            os._exit(0)
        threading.Thread(target=outlive).start()
        in_threads(4, keep_busy_for_long)
        exit_thread()

    with ExitRecords() as exits:
        pid = child(body)
        write(pid)
        ok(wait_until(lambda: stat(pid).state == "Z" and stat(pid).threads == 2), "the leader is a zombie")
        ended = after_now(pid)
        equal((ended.exit, ended.wait), (False, int(Connection().process_delay_us(pid))),
              "the leader is a zombie: 'wait' is that of taskstats, the leader's included")
        write(f"-{pid}")
        write(pid)
        equal(after_now(pid).wait, ended.wait, "it is the same if the process is added now")
        os.write(opener, b"x")
        os.waitpid(pid, 0)
        check_waits(exits, [pid], "a leader that ends first")
        ok(samples(pid=pid)[-1].wait > ended.wait, "the other threads' waits are included")
    os.close(gate)
    os.close(opener)
    write(f"-{pid}")


def exec_by_another():
    """Another thread calls exec(): the waits of the threads from before stay."""
    told_end, told = os.pipe()
    go, begin = os.pipe()

    stdin, stdin_end = os.pipe()

    def body():
        def execute():
            os.write(told, threading.get_native_id().to_bytes(4, "little"))
            os.read(go, 1)
            in_threads(4, keep_busy_for_long)
            os.execv(sys.executable, [sys.executable, "-S", "-c", "input()"])
        os.dup2(stdin, 0)
        threading.Thread(target=execute).start()
        while True:
            keep_busy()

    with ExitRecords() as exits, process(body) as pid:
        tid = int.from_bytes(os.read(told_end, 4), "little")
        write(f"{pid} {tid}")
        begin_sample = after_now(pid)
        os.write(begin, b"x")
        wait_until(lambda: text_of(f"/proc/{pid}/cmdline").endswith("input()\0"))
        at_rest(pid)
        after = after_now(pid)
        equal(after.wait, int(Connection().process_delay_us(pid)),
              "after exec() by another thread: 'wait' is that of taskstats, the ended threads' included")
        ok(after.wait > begin_sample.wait, "it has grown")
        ok(wait_until(lambda: samples(pid=tid)[-1].exit), "the old thread ID has an exit sample")
        ok(samples(pid=tid)[-1].wait <= run_delay_us(pid), "it has no more than the thread, which is the leader now")
        os.kill(pid, signal.SIGCONT)
        os.write(stdin_end, b"\n")
        wait_until(lambda: samples(pid=pid)[-1].exit and pid in exits.process_delays_us)
        last = samples(pid=pid)[-1]
        equal(last.wait, int(exits.process_delays_us[pid]), "its exit sample is the kernel's sum")
    for fd in (told_end, told, go, begin, stdin, stdin_end):
        os.close(fd)
    equal(problems(samples(pid=pid) + samples(pid=tid)), [], "no number falls")
    write(f"-{pid} -{tid}")


def one_thread_until_its_end():
    """Threads that are watched alone: each exit sample has what that thread has waited."""
    go, begin = os.pipe()

    def body():
        in_threads(5, lambda: (os.read(go, 1), keep_busy()))
        signal.pause()

    with ExitRecords() as exits, process(body) as pid:
        wait_until(lambda: stat(pid).threads == 6)
        tids = [int(each) for each in os.listdir(f"/proc/{pid}/task") if int(each) != pid]
        write(f"{pid} {' '.join(map(str, tids))}")
        os.write(begin, b"x" * len(tids))
        ok(wait_until(lambda: set(tids) <= set(exit_samples())), "threads watched alone have exit samples")
        wait_until(lambda: {each.pid for each in exits.threads} >= set(tids))
        last = exit_samples()
        short = [(last[each.pid], each) for each in exits.threads_of(pid)
                 if last[each.pid].wait < int(each.run_delay_us)]
        equal(short, [], "each has waited at least what its exit record says")
        wait_until(lambda: stat(pid).threads == 1 and stat(pid).state == "S")
        whole = after_now(pid)
        equal(whole.wait, int(Connection().process_delay_us(pid)), "the process is the sum, in taskstats too")
        write(f"{' '.join(f'-{tid}' for tid in tids)} -{pid}")
    os.close(go)
    os.close(begin)


def main():
    with loaded(period_ms=PERIOD_MS):
        for part in (each_thread_once, leader_ends_first, exec_by_another, one_thread_until_its_end):
            part()
            set_parameter("period_ms", PERIOD_MS)


run(main)
