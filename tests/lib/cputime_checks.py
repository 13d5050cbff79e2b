# SPDX-License-Identifier: GPL-2.0
"""Checks of CPU time against sources independent of the module: wait4(), /proc, the tasks themselves. Tests call
them under both of the kernel's ways of accounting, with ticks and without."""

import contextlib
import os
import random
import signal
import struct
import threading
import time

from lib.clone import fork_autoreaped, ignored_children
from lib.module import set_parameter, statistics, write
from lib.proc import USER_HZ, boottime_us, microseconds, process_clock_us, run_time_us, stat, text_of
from lib.processes import child, process, wait_until
from lib.results import equal, note, ok
from lib.samples import exit_samples, problems, samples, wait_for_exit_samples

TICK_US = 1_000_000 // USER_HZ
# usr and sys are whole microseconds, each rounded down.
ROUNDING_US = 2


def work(seconds):
    """Uses that much CPU time of the thread, in user mode or in both modes."""
    until = time.thread_time() + seconds
    calls = random.random() < 0.5
    while time.thread_time() < until:
        for _ in range(30):
            if calls:
                os.stat("/")


def random_process(go):
    """Waits for a byte, then runs for a short random time with a random number of threads."""
    os.read(go, 1)
    random.seed(os.getpid())
    threads = [threading.Thread(target=work, args=(random.uniform(0, 0.006),))
               for _ in range(random.choice((0, 0, 0, 1, 2, 3, 6)))]
    for thread in threads:
        thread.start()
    work(random.choice((0, random.uniform(0, 0.03))))
    if random.random() < 0.2:
        os.kill(os.getpid(), signal.SIGKILL)
    if random.random() < 0.5:
        for thread in threads:
            thread.join()
    # Otherwise the threads end with the process, in the middle of their work.


def batch(size):
    """Runs that many children, watched from before they begin. The rusage of each from wait4(), by PID."""
    go, begin = os.pipe()
    children = []
    for _ in range(size):
        pid = os.fork()
        if pid == 0:
            try:
                random_process(go)
            finally:
                os._exit(0)
        children.append(pid)
    write(" ".join(map(str, children)))
    os.write(begin, b"x" * size)
    os.close(begin)
    os.close(go)
    return {pid: os.wait4(pid, 0)[2] for pid in children}


def exits_match_wait4(count, size=25):
    """Short-lived children: their exit samples are what wait4() reports."""
    used = {}
    for number in range(count // size):
        # Some end between two passes, long before the next one; some end during a pass.
        set_parameter("period_ms", (5, 100, 400, 3_600_000)[number % 4])
        used.update(batch(size))
    set_parameter("period_ms", 20)
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= len(used)),
       "each child has an exit sample")
    history = samples()
    equal(problems(history), [], "the history is in order")
    last = {each.pid: each for each in history}
    ok(len(used) * 10 >= count * 9, "at most a tenth of the PIDs was reused", len(used))
    sums, parts = [], []
    for pid, rusage in used.items():
        user, system = microseconds(rusage.ru_utime), microseconds(rusage.ru_stime)
        sample = last[pid]
        if abs(sample.usr + sample.sys - user - system) > ROUNDING_US:
            sums.append((sample, user, system))
        if abs(sample.usr - user) > ROUNDING_US or abs(sample.sys - system) > ROUNDING_US:
            parts.append((sample, user, system))
    note(f"{len(used)} children, {sum(microseconds(each.ru_utime + each.ru_stime) for each in used.values())} us")
    equal((len(sums), sums[:3]), (0, []), f"usr + sys of {len(used)} children is what wait4() reports")
    equal((len(parts), parts[:3]), (0, []), "usr and sys are each what wait4() reports")
    ok(any(each.ru_utime + each.ru_stime > 0 for each in used.values()), "the children used CPU time")
    for pid in used:
        write(f"-{pid}")
    equal(statistics()["targets"], 0, "all children can be removed")


def report_own_time(pipe):
    """Runs for a short time, and writes its PID and its CPU time to the pipe at the end."""
    random.seed(os.getpid())
    work(random.uniform(0, 0.01))
    clock = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)
    os.write(pipe, struct.pack("qq", os.getpid(), clock // 1000))


def less_than_reported(fork, count):
    """Runs children that report their CPU time. How many there were, how many exit samples show less than was
    reported, and examples."""
    end, begin = os.pipe()
    write(f"tree:{os.getpid()}")
    for _ in range(count):
        fork(lambda: report_own_time(begin))
        time.sleep(random.uniform(0, 0.01))
    os.close(begin)
    reported = {}
    while record := os.read(end, 16):
        pid, clock_us = struct.unpack("qq", record)
        reported[pid] = clock_us
    os.close(end)
    set_parameter("period_ms", 20)
    wait_for_exit_samples(len(reported))
    last = exit_samples()
    write(f"-tree:{os.getpid()}")
    short = [(last.get(pid), clock_us) for pid, clock_us in reported.items()
             if pid not in last or last[pid].usr + last[pid].sys < clock_us - ROUNDING_US]
    return len(reported), len(short), short[:3]


def exits_without_wait(count):
    """Children that the kernel reaps: no wait4() reports their CPU time, but their exit samples have it."""
    # With the longest period, the exit sample is the first one after that of the fork.
    for period_ms in (5, 50, 3_600_000):
        for name, fork, ignored in (
                ("SIGCHLD ignored", child, ignored_children()),
                ("SA_NOCLDWAIT", child, ignored_children(signal.SIG_DFL, no_zombies=True)),
                ("CLONE_AUTOREAP", fork_autoreaped, contextlib.nullcontext())):
            set_parameter("period_ms", period_ms)
            with ignored:
                equal(less_than_reported(fork, count), (count, 0, []),
                      f"{name}, period {period_ms} ms: exit samples have all CPU time")


def after_now(pid):
    """A sample of the task that was taken after this call."""
    now = boottime_us()
    wait_until(lambda: samples(pid=pid)[-1].time > now)
    return samples(pid=pid)[-1]


def is_stopped(pid):
    """Whether all threads of the process are stopped and have left their CPUs. A thread that has not still
    uses CPU time; only /proc/PID/task/TID/syscall shows that. False also if a thread is exiting."""
    try:
        return all(stat(pid, int(thread)).state == "T"
                   and text_of(f"/proc/{pid}/task/{thread}/syscall") != "running\n"
                   for thread in os.listdir(f"/proc/{pid}/task"))
    except (FileNotFoundError, ProcessLookupError):
        return False


def at_rest(pid):
    """Stops the process, so that its CPU time stays the same."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(pid))


def mixed():
    while True:
        work(0.01)
        time.sleep(0.003)


def mixed_threads():
    for _ in range(3):
        threading.Thread(target=mixed, daemon=True).start()
    mixed()


def running_match_proc(rounds=10):
    """Running processes: when they are stopped, the last sample is what /proc reports."""
    for body, name in ((mixed, "one thread"), (mixed_threads, "four threads")):
        with process(body) as pid:
            write(pid)
            sums, splits = [], []
            for _ in range(rounds):
                time.sleep(random.uniform(0.02, 0.1))
                at_rest(pid)
                sample = after_now(pid)
                run = sum(run_time_us(pid, int(thread)) for thread in os.listdir(f"/proc/{pid}/task"))
                if not 0 <= run - sample.usr - sample.sys <= ROUNDING_US:
                    sums.append((sample, run))
                ticks = stat(pid)
                user, system = ticks.user * TICK_US, ticks.system * TICK_US
                if abs(sample.usr - user) > TICK_US or abs(sample.sys - system) > TICK_US:
                    splits.append((sample, user, system))
                os.kill(pid, signal.SIGCONT)
            equal(sums[:3], [], f"{name}: usr + sys is the run time of schedstat")
            equal(splits[:3], [], f"{name}: usr and sys are those of /proc/PID/stat, within a tick")
            last = samples(pid=pid)[-1]
            ok(last.usr + last.sys > 0, f"{name}: it used CPU time", last)
            equal(problems(samples(pid=pid)), [], f"{name}: its history is in order")
            write(f"-{pid}")


def one_thread_of_many(rounds=5):
    """The thread ID of a thread other than the leader means that thread alone."""
    with process(mixed_threads) as pid:
        wait_until(lambda: stat(pid).threads == 4)
        threads = [int(each) for each in os.listdir(f"/proc/{pid}/task")]
        tids = [tid for tid in threads if tid != pid]
        write(" ".join(map(str, tids + [pid])))
        wrong = []
        for _ in range(rounds):
            time.sleep(0.1)
            at_rest(pid)
            whole = after_now(pid)
            for tid in tids:
                sample, ticks = after_now(tid), stat(pid, tid)
                if not 0 <= run_time_us(pid, tid) - sample.usr - sample.sys <= ROUNDING_US:
                    wrong.append((sample, run_time_us(pid, tid)))
                if (abs(sample.usr - ticks.user * TICK_US) > TICK_US
                        or abs(sample.sys - ticks.system * TICK_US) > TICK_US):
                    wrong.append((sample, ticks))
            if not 0 <= process_clock_us(pid) - whole.usr - whole.sys <= ROUNDING_US:
                wrong.append((whole, process_clock_us(pid)))
            os.kill(pid, signal.SIGCONT)
        equal(wrong[:3], [], "each of three threads has its own CPU time, and the process the sum of all")
        write(" ".join(f"-{tid}" for tid in tids + [pid]))
