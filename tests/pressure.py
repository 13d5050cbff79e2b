#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Memory pressure for real: a process takes memory until the kernel reclaims. Most of ours goes back
# before anybody is killed, what stays is the newest, sampling goes on through it on time, and the
# statistics add up at every reading.
#
# kernels: uml x86_64
# boot: --memory 192M

import ctypes
import mmap
import os
import signal
import subprocess
import time

from harness import (burn_and_sleep, equal, loaded, note, ok, problems, process, program, run,
                     samples, set_parameter, statistics, write)
from witness import compiled, memory, text_of

TARGETS = 40
SECONDS = 25
STEP = 1 << 20
# What is to be left of the memory that the samples took.
LEFT = 1 / 4
_MCL_CURRENT = 1


def killed():
    """How many processes the kernel has killed for want of memory."""
    return next(int(line.split()[1]) for line in text_of("/proc/vmstat").splitlines()
                if line.startswith("oom_kill "))


def eat():
    """Takes memory, step by step, and gives none back. The first to be killed."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    eaten = []
    while True:
        piece = mmap.mmap(-1, STEP, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for page in range(0, STEP, mmap.PAGESIZE):
            piece[page] = 1
        eaten.append(piece)
        time.sleep(0.005)


def is_sum(numbers):
    return numbers["created"] == numbers["alive"] + numbers["evicted"] + numbers["removed"]


def reclaim():
    """Has memory be short until little of ours is left, or somebody is killed; each reading of the
    statistics meanwhile."""
    readings = [statistics()]
    enough = readings[0]["bytes"] * LEFT
    with process(eat):
        while readings[-1]["bytes"] > enough and not killed():
            readings.append(statistics())
            time.sleep(0.005)
    return readings


def fill(crowd):
    """Histories of busy tasks for so many seconds; the moment in the middle, since boot."""
    write(" ".join(crowd.stdout.readline().decode() for _ in range(TARGETS)))
    time.sleep(SECONDS / 2)
    middle = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    time.sleep(SECONDS / 2)
    crowd.send_signal(signal.SIGSTOP)
    numbers = statistics()
    ok(numbers["bytes"] > TARGETS * 1024, "histories fill some memory", numbers)
    return middle


def given_back(steady):
    """What went on while memory was short."""
    set_parameter("period_ms", 20)
    write(steady)
    begin = statistics()["passes"]
    readings = reclaim()
    write("stop")
    taken = statistics()["passes"] - begin
    before, after = readings[0], readings[-1]
    note(f"{before['bytes']} bytes, then {after['bytes']}; MemFree {memory('MemFree')} KiB, "
         f"Cached {memory('Cached')} KiB; {len(readings)} readings")
    equal(killed(), 0, "nobody is killed")
    ok(after["bytes"] <= before["bytes"] * LEFT, "most of the memory goes back", (before, after))
    equal([each for each in readings if not is_sum(each)], [],
          "created = alive + evicted + removed at every reading")
    passes, late = (after[name] - before[name] for name in ("passes", "late"))
    ok(late <= 2 + passes // 10, "it samples on time", f"{late} of {passes} late")
    last = samples(pid=steady)[-1]
    ok(abs(last.num - taken) <= 1, "once in each period", (last, taken))


def what_is_left(middle):
    history = samples()
    equal(problems(history)[:3], [], "what stays is in order, with no hole")
    first = {}
    for each in history:
        first.setdefault(each.pid, each.time)
    note(f"{len(history)} samples of {len(first)} tasks are left")
    equal([pid for pid, moment in first.items() if moment < middle], [],
          "and the newest: nothing is left of the first half")


def main():
    # What this program needs is not to be what is reclaimed.
    ctypes.CDLL(None).mlockall(_MCL_CURRENT)
    with program(compiled("turns"), str(TARGETS), stdout=subprocess.PIPE) as crowd, \
            process(burn_and_sleep) as steady, loaded(period_ms=1, max_samples=0):
        middle = fill(crowd)
        given_back(steady)
        what_is_left(middle)


run(main)
