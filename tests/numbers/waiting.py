#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# `wait` is how long a task has been runnable without a CPU, as schedstat and taskstats have it: of busy tasks that
# share a CPU, of tasks that a real-time task keeps from it, and of tasks that sleep, are stopped or frozen.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree
# boot: --cpus 2
# alone

import contextlib
import hashlib
import os
import signal
import threading
import time

from lib.clone import fork_and_block
from lib.cputime_checks import after_now, at_rest
from lib.kernel_state import sampler_thread
from lib.module import loaded, set_parameter, write
from lib.proc import run_delay_us, stat, text_of
from lib.processes import process, wait_until
from lib.real_time import SAMPLER, hog, real_time
from lib.results import equal, need, note, ok, run
from lib.samples import problems, samples
from lib.taskstats import Connection, is_available

PERIOD_MS = 10
# The tasks that are watched share one CPU; this test and the sampler are on the other one.
SHARED, OTHER = 0, 1
CGROUPS = "/sys/fs/cgroup"
HAS_TASKSTATS = is_available()


def on_cpu(cpu, function, *arguments):
    """A process that runs the function on that CPU."""
    def body():
        os.sched_setaffinity(0, {cpu})
        function(*arguments)
    return process(body)


def spin():
    while True:
        pass


def busy():
    """A process that is always busy, on the shared CPU."""
    return on_cpu(SHARED, spin)


def is_what_the_kernel_says(pid, name):
    """Stops the process: its last sample is what schedstat says of each thread, and taskstats of all."""
    at_rest(pid)
    sample = after_now(pid)
    threads = sum(round(run_delay_us(pid, int(each)) * 1000) for each in os.listdir(f"/proc/{pid}/task"))
    equal(sample.wait, threads // 1000, f"{name}: 'wait' is the run delay of schedstat, to the microsecond")
    if HAS_TASKSTATS:
        equal(sample.wait, int(Connection().process_delay_us(pid)), f"{name}: it is that of taskstats")
    equal(problems(samples(pid=pid)), [], f"{name}: no number falls")
    os.kill(pid, signal.SIGCONT)


def used(sample):
    return sample.usr + sample.sys


def busy_tasks_on_one_cpu():
    """Each of n busy tasks waits n - 1 times as long as it runs."""
    for number in (1, 2, 3):
        with contextlib.ExitStack() as running:
            pids = [running.enter_context(busy()) for _ in range(number)]
            write(" ".join(map(str, pids)))
            begin = {pid: after_now(pid) for pid in pids}
            wait_until(lambda: all(used(samples(pid=pid)[-1]) - used(begin[pid]) > 300_000 for pid in pids))
            ratios = []
            for pid in pids:
                before, sample, after = run_delay_us(pid), after_now(pid), run_delay_us(pid)
                ok(int(before) <= sample.wait <= after, f"{number} on one CPU: schedstat before <= 'wait' <= after",
                   (before, sample, after))
                ratios.append((sample.wait - begin[pid].wait) / (used(sample) - used(begin[pid])))
            note(f"{number} busy tasks on one CPU: wait / (usr + sys) = {ratios}")
            if number == 1:
                ok(ratios[0] < 0.3, "a busy task alone on its CPU waits next to nothing", ratios)
            else:
                ok(all(0.6 < ratio / (number - 1) < 1.6 for ratio in ratios),
                   f"each of {number} busy tasks on one CPU waits {number - 1} times as long as it runs", ratios)
            for pid in pids:
                is_what_the_kernel_says(pid, f"{number} on one CPU")
            write(" ".join(f"-{pid}" for pid in pids))


def hash_in_threads():
    """Four busy threads, which do not hold the interpreter's lock."""
    def work():
        while True:
            hashlib.pbkdf2_hmac("sha256", b"", b"", 1000)

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    work()


def threads_of_one_process():
    with on_cpu(SHARED, hash_in_threads) as pid:
        wait_until(lambda: stat(pid).threads == 4)
        threads = [int(each) for each in os.listdir(f"/proc/{pid}/task") if int(each) != pid]
        write(f"{pid} {' '.join(map(str, threads))}")
        wait_until(lambda: samples(pid=pid)[-1].wait > 500_000)
        is_what_the_kernel_says(pid, "four threads")
        at_rest(pid)
        equal([after_now(each).wait for each in threads], [int(run_delay_us(pid, each)) for each in threads],
              "each thread: 'wait' is that of its own schedstat")
        ok(all(after_now(each).wait > 0 for each in threads), "each thread has waited")
        write(f"-{pid} {' '.join(f'-{each}' for each in threads)}")


def does_not_wait(pid, name):
    """A task that does not want a CPU does not wait for it, although another one is busy there."""
    wait_until(lambda: stat(pid).state in "SDT" and text_of(f"/proc/{pid}/syscall") != "running\n")
    before = after_now(pid)
    with busy() as other:
        write(other)
        wait_until(lambda: used(samples(pid=other)[-1]) > 200_000)
        write(f"-{other}")
    after = after_now(pid)
    equal((used(after), after.wait), (used(before), before.wait), f"{name}: nothing is added to 'wait'")
    equal(after.wait, int(run_delay_us(pid)), f"{name}: 'wait' is that of schedstat")


def tasks_that_are_not_runnable():
    gate, opener = os.pipe()

    for body, name in (((signal.pause,), "sleeping"), ((os.read, gate, 1), "blocked in read()"),
                       ((fork_and_block, lambda: os.read(gate, 1)), "in state D")):
        with on_cpu(SHARED, *body) as pid:
            write(pid)
            does_not_wait(pid, name)
            write(f"-{pid}")
    os.write(opener, b"xx")
    with busy() as pid:
        write(pid)
        at_rest(pid)
        does_not_wait(pid, "stopped")
        write(f"-{pid}")
    os.close(gate)
    os.close(opener)


def frozen_tasks():
    need(os.path.exists(f"{CGROUPS}/cgroup.procs"), "no cgroup2")
    folder = f"{CGROUPS}/frozen"
    os.mkdir(folder)
    with busy() as pid:
        write(f"{pid}\n", f"{folder}/cgroup.procs")
        write(pid)
        write("1\n", f"{folder}/cgroup.freeze")
        ok(wait_until(lambda: "frozen 1" in text_of(f"{folder}/cgroup.events")), "a cgroup is frozen")
        does_not_wait(pid, "in a frozen cgroup")
        write("0\n", f"{folder}/cgroup.freeze")
        write(f"-{pid}")
    ok(wait_until(lambda: not text_of(f"{folder}/cgroup.procs")), "the cgroup is empty")
    os.rmdir(folder)


def kept_from_the_cpu():
    """The wait of a task that gets the CPU rarely is added when it gets the CPU."""
    with busy() as pid:
        write(pid)
        wait_until(lambda: used(samples(pid=pid)[-1]) > 50_000)
        begin = after_now(pid)
        with on_cpu(SHARED, hog):
            wait_until(lambda: samples(pid=pid)[-1].wait - begin.wait > 1_000_000)
        is_what_the_kernel_says(pid, "beside SCHED_FIFO")
        history = [each for each in samples(pid=pid) if each.num >= begin.num]
        end = next(each for each in history if each.wait - begin.wait > 1_000_000)
        ok(end.wait - begin.wait > 3 * (used(end) - used(begin)),
           "a SCHED_FIFO task on its CPU: it waits far longer than it runs", (begin, end))
        longest = max(after.wait - before.wait for before, after in zip(history, history[1:]))
        ok(longest > 10 * PERIOD_MS * 1000, "a wait of many periods is in one sample, when it has ended", longest)
        write(f"-{pid}")


def moved_while_it_waits():
    """A task that waits and does not run is not idle: if it is moved to another CPU, its wait until then is added."""
    moves = 20
    with busy() as pid:
        write(pid)
        wait_until(lambda: used(samples(pid=pid)[-1]) > 50_000)
        with real_time(), on_cpu(SHARED, hog), on_cpu(OTHER, hog):
            set_parameter("rt_priority", SAMPLER)
            os.sched_setaffinity(sampler_thread(), {SHARED, OTHER})
            missed = []
            for number in range(moves):
                time.sleep(2 * PERIOD_MS / 1000)
                before = run_delay_us(pid)
                os.sched_setaffinity(pid, {(SHARED, OTHER)[number % 2]})
                sample, after = after_now(pid), run_delay_us(pid)
                if not int(before) <= sample.wait <= after:
                    missed.append((before, sample, after))
        set_parameter("rt_priority", 0)
        equal(missed, [], "a task that is moved while it waits: the next sample shows the wait")
        history = samples(pid=pid)
        waited = sum(used(before) == used(after) and before.wait < after.wait
                     for before, after in zip(history, history[1:]))
        ok(waited > moves / 4, "it has samples with the same CPU time and a longer wait", waited)
        is_what_the_kernel_says(pid, "moved")
        write(f"-{pid}")


def main():
    os.sched_setaffinity(0, {OTHER})
    with loaded(period_ms=PERIOD_MS):
        os.sched_setaffinity(sampler_thread(), {OTHER})
        for part in (busy_tasks_on_one_cpu, threads_of_one_process, tasks_that_are_not_runnable,
                     frozen_tasks, kept_from_the_cpu, moved_while_it_waits):
            part()


run(main)
