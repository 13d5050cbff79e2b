#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Real memory pressure: a process takes memory until the kernel reclaims. Most of the module's memory is freed
# before the kernel kills a process, the newest samples stay, passes stay on time, and the statistics add up at
# every read.
#
# kernels: uml x86_64
# boot: --cpus 2 --memory 192M

import mmap
import os
import signal
import subprocess
import time

from lib.module import adds_up, loaded, set_parameter, statistics, write
from lib.proc import boottime_us, memory_kib, text_of
from lib.processes import burn_and_sleep, child, compiled, process, program, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.wakeup_delays import other_sleepers, stay_in_memory

TARGETS = 40
# The memory of the samples at the start.
BYTES = 128 << 10
# The part of it that may be left.
LEFT = 1 / 4
PERIOD_MS = 20
STEP = 1 << 18
# The exit status of the process that takes memory, once only that part is left.
ENOUGH = 42


def killed():
    """The number of processes that the kernel has killed because memory was short."""
    return next(int(line.split()[1]) for line in text_of("/proc/vmstat").splitlines()
                if line.startswith("oom_kill "))


def eat(enough):
    """Takes memory, step by step, until the module has no more than `enough` bytes. It reads the statistics
    itself, so that it takes nothing while it cannot read them. The kernel would kill this process first."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    eaten = []
    while statistics()["bytes"] > enough:
        piece = mmap.mmap(-1, STEP, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for page in range(0, STEP, mmap.PAGESIZE):
            piece[page] = 1
        eaten.append(piece)
        time.sleep(0.002)
    os._exit(ENOUGH)


def reclaim():
    """Makes memory short until little of the module's is left, or a process is killed. The statistics read
    meanwhile, and whether little was left."""
    readings = [statistics()]
    eater = child(eat, readings[0]["bytes"] * LEFT)
    ended = 0
    while not ended:
        time.sleep(0.005)
        ended, status = os.waitpid(eater, os.WNOHANG)
        readings.append(statistics())
    return readings, os.waitstatus_to_exitcode(status) == ENOUGH


def fill(crowd):
    """Lets the histories of busy tasks grow to BYTES. The time since boot at which they had half of it."""
    write(" ".join(crowd.stdout.readline().decode() for _ in range(TARGETS)))
    wait_until(lambda: statistics()["bytes"] >= BYTES // 2, 300)
    middle = boottime_us()
    ok(wait_until(lambda: statistics()["bytes"] >= BYTES, 300), "the histories have their memory", statistics())
    crowd.send_signal(signal.SIGSTOP)
    return middle


def memory_is_freed(steady):
    """Checks what happens while memory is short."""
    set_parameter("period_ms", PERIOD_MS)
    # Its first sample is that of the first pass from here on.
    write(f"stop {steady}")
    passes = statistics()["passes"]
    write("start")
    with other_sleepers(PERIOD_MS, boottime_us()) as others:
        begin = boottime_us()
        readings, is_little_left = reclaim()
        late_others = others.late(begin, boottime_us())
        # All its samples may have been evicted. From now on samples stay.
        wait_until(lambda: statistics()["passes"] > readings[-1]["passes"] + 1)
        write("stop")
    taken = statistics()["passes"] - passes
    before, after = readings[0], readings[-1]
    note(f"{before['bytes']} bytes, then {after['bytes']}; MemFree {memory_kib('MemFree')} KiB, "
         f"Cached {memory_kib('Cached')} KiB; {len(readings)} readings")
    equal(killed(), 0, "no process is killed")
    ok(is_little_left, "most of the memory is freed", (before, after))
    equal([each for each in readings if not adds_up(each)], [],
          "created = alive + evicted + removed at every read")
    passes, late = (after[name] - before[name] for name in ("passes", "late"))
    ok(late <= 2 + passes // 10 + late_others, "passes are on time",
       f"{late} of {passes} late, other sleepers were late {late_others} times")
    equal(samples(pid=steady)[-1].num, taken - 1, "each pass has taken a sample")


def newest_are_left(middle):
    history = samples()
    equal(problems(history)[:3], [], "the samples that are left are in order, without a gap")
    first = {}
    for each in history:
        first.setdefault(each.pid, each.time)
    note(f"{len(history)} samples of {len(first)} tasks are left")
    equal([pid for pid, time_us in first.items() if time_us < middle], [],
          "they are the newest: none of the first half is left")


def main():
    stay_in_memory()
    with program(compiled("many_tasks"), "yielding", str(TARGETS), stdout=subprocess.PIPE) as crowd, \
            process(burn_and_sleep) as steady, loaded(period_ms=1, max_samples=0):
        middle = fill(crowd)
        memory_is_freed(steady)
        newest_are_left(middle)


run(main)
