# SPDX-License-Identifier: GPL-2.0
"""What CPU time must be, by witnesses that are not the module: shared by the tests of numbers, which
run under both of the kernel's ways of accounting."""

import contextlib
import os
import random
import signal
import struct
import threading
import time

from lib.clone import fork_autoreaped, ignored_children
from lib.module import set_parameter, statistics, write
from lib.proc import HZ, boottime_us, microseconds, process_clock_us, run_time_us, stat, text_of
from lib.processes import child, process, wait_until
from lib.results import equal, note, ok
from lib.samples import problems, samples

SEED = 20261123
TICK_US = 1_000_000 // HZ
# usr and sys are whole microseconds, each rounded down.
ROUNDING_US = 2


def work(seconds):
    """CPU time in both modes: some in user space, some in the kernel."""
    until = time.thread_time() + seconds
    calls = random.random() < 0.5
    while time.thread_time() < until:
        for _ in range(30):
            if calls:
                os.stat("/")


def random_life(go):
    """Waits for the word to begin; lives for a random short time with a random number of threads."""
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
    # Else they end with the process, in the middle of their work.


def batch(size):
    """That many children, watched from before they begin; the rusage of each that wait4() gave."""
    go, begin = os.pipe()
    children = []
    for _ in range(size):
        pid = os.fork()
        if pid == 0:
            try:
                random_life(go)
            finally:
                os._exit(0)
        children.append(pid)
    write(" ".join(map(str, children)))
    os.write(begin, b"x" * size)
    os.close(begin)
    os.close(go)
    return {pid: os.wait4(pid, 0)[2] for pid in children}


def ends_as_wait4_says(count, size=25):
    """Children of random short lives: their last samples are what their parent was told."""
    used = {}
    for number in range(count // size):
        # Some end between two passes, and are long gone at the next; some in the middle of passes.
        set_parameter("period_ms", (5, 100, 400, 3_600_000)[number % 4])
        used.update(batch(size))
    set_parameter("period_ms", 20)
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= len(used)),
       "every child has a last sample")
    history = samples()
    equal(problems(history), [], "histories are in order")
    last = {each.pid: each for each in history}
    ok(len(used) * 10 >= count * 9, "numbers were hardly used twice", len(used))
    sums, parts = [], []
    for pid, rusage in used.items():
        user, system = microseconds(rusage.ru_utime), microseconds(rusage.ru_stime)
        sample = last[pid]
        if abs(sample.usr + sample.sys - user - system) > ROUNDING_US:
            sums.append((sample, user, system))
        if abs(sample.usr - user) > ROUNDING_US or abs(sample.sys - system) > ROUNDING_US:
            parts.append((sample, user, system))
    note(f"{len(used)} children, {sum(microseconds(each.ru_utime + each.ru_stime) for each in used.values())} us")
    equal((len(sums), sums[:3]), (0, []), f"usr + sys of {len(used)} children is what wait4() gave")
    equal((len(parts), parts[:3]), (0, []), "and usr and sys are, each for itself")
    ok(any(each.ru_utime + each.ru_stime > 0 for each in used.values()), "they did use time")
    for pid in used:
        write(f"-{pid}")
    equal(statistics()["targets"], 0, "and all are taken away")


def last_words(pipe):
    """A short life, at the end of which it writes down how much of the CPU it has had."""
    random.seed(os.getpid())
    work(random.uniform(0, 0.01))
    clock = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)
    os.write(pipe, struct.pack("qq", os.getpid(), clock // 1000))


def short_of_last_words(fork, count):
    """How many children had more of the CPU than their last samples say, and examples."""
    end, begin = os.pipe()
    write(f"tree:{os.getpid()}")
    for _ in range(count):
        fork(lambda: last_words(begin))
        time.sleep(random.uniform(0, 0.01))
    os.close(begin)
    said = {}
    while words := os.read(end, 16):
        pid, clock_us = struct.unpack("qq", words)
        said[pid] = clock_us
    os.close(end)
    set_parameter("period_ms", 20)
    wait_until(lambda: sum(each.exit for each in samples()) >= len(said))
    last = {each.pid: each for each in samples() if each.exit}
    write(f"-tree:{os.getpid()}")
    short = [(last.get(pid), clock_us) for pid, clock_us in said.items()
             if pid not in last or last[pid].usr + last[pid].sys < clock_us - ROUNDING_US]
    return len(said), len(short), short[:3]


def ends_that_nobody_waits_for(count):
    """Children that reap themselves: nobody is told what they used, and it is there all the same."""
    # With the longest there is no sample before the last one.
    for period_ms in (5, 50, 3_600_000):
        for name, fork, ignored in (
                ("SIGCHLD ignored", child, ignored_children()),
                ("SA_NOCLDWAIT", child, ignored_children(signal.SIG_DFL, no_zombies=True)),
                ("CLONE_AUTOREAP", fork_autoreaped, contextlib.nullcontext())):
            set_parameter("period_ms", period_ms)
            with ignored:
                equal(short_of_last_words(fork, count), (count, 0, []),
                      f"{name}, period {period_ms} ms: last samples have all that was used")


def after_now(pid):
    """A sample of the task that was taken after this call."""
    now = boottime_us()
    wait_until(lambda: samples(pid=pid)[-1].time > now)
    return samples(pid=pid)[-1]


def is_stopped(pid):
    """Whether all threads of the process are; not yet, where one was just about to end, or has not
    left its CPU: what it uses until then is still to come. Only `syscall` tells."""
    try:
        return all(stat(pid, int(thread)).state == "T"
                   and text_of(f"/proc/{pid}/task/{thread}/syscall") != "running\n"
                   for thread in os.listdir(f"/proc/{pid}/task"))
    except (FileNotFoundError, ProcessLookupError):
        return False


def at_rest(pid):
    """Stops the process, so that its times stand still."""
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


def running_as_proc_says(rounds=10):
    """Processes that go on: whenever they rest, the last sample is what /proc tells."""
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
            equal(splits[:3], [], f"{name}: usr and sys are those of /proc/PID/stat, to a tick")
            last = samples(pid=pid)[-1]
            ok(last.usr + last.sys > 0, f"{name}: it did use time", last)
            equal(problems(samples(pid=pid)), [], f"{name}: its history is in order")
            write(f"-{pid}")


def one_thread_of_many(rounds=5):
    """A thread's number means that thread alone."""
    with process(mixed_threads) as pid:
        wait_until(lambda: stat(pid).threads == 4)
        threads = [int(each) for each in os.listdir(f"/proc/{pid}/task")]
        words = [tid for tid in threads if tid != pid]
        write(" ".join(map(str, words + [pid])))
        wrong = []
        for _ in range(rounds):
            time.sleep(0.1)
            at_rest(pid)
            whole = after_now(pid)
            for tid in words:
                sample, ticks = after_now(tid), stat(pid, tid)
                if not 0 <= run_time_us(pid, tid) - sample.usr - sample.sys <= ROUNDING_US:
                    wrong.append((sample, run_time_us(pid, tid)))
                if (abs(sample.usr - ticks.user * TICK_US) > TICK_US
                        or abs(sample.sys - ticks.system * TICK_US) > TICK_US):
                    wrong.append((sample, ticks))
            if not 0 <= process_clock_us(pid) - whole.usr - whole.sys <= ROUNDING_US:
                wrong.append((whole, process_clock_us(pid)))
            os.kill(pid, signal.SIGCONT)
        equal(wrong[:3], [], "each of three threads has its own times, and the process those of all")
        write(" ".join(f"-{tid}" for tid in words + [pid]))
