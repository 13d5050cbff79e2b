#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Memory pressure for real: a process takes memory until the kernel reclaims. Most of ours goes back
# before anybody is killed, what stays is the newest, sampling goes on through it on time, and the
# statistics add up at every reading.
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
from lib.wakeup_delays import punctual, stay_in_memory

TARGETS = 40
# Memory that the samples take.
BYTES = 128 << 10
# What is to be left of it.
LEFT = 1 / 4
PERIOD_MS = 20
STEP = 1 << 18
# The status of whoever has seen that so little is left.
ENOUGH = 42


def killed():
    """How many processes the kernel has killed for want of memory."""
    return next(int(line.split()[1]) for line in text_of("/proc/vmstat").splitlines()
                if line.startswith("oom_kill "))


def eat(enough):
    """Takes memory, step by step, as long as ours is more than enough, and then ends. It looks itself:
    whoever is kept from looking must not take. The first to be killed."""
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
    """Has memory be short until little of ours is left, or somebody is killed; each reading of the
    statistics meanwhile, and whether little was left."""
    readings = [statistics()]
    eater = child(eat, readings[0]["bytes"] * LEFT)
    ended = 0
    while not ended:
        time.sleep(0.005)
        ended, status = os.waitpid(eater, os.WNOHANG)
        readings.append(statistics())
    return readings, os.waitstatus_to_exitcode(status) == ENOUGH


def fill(crowd):
    """Histories of busy tasks, so much of them; the moment at which they took half of it, since boot."""
    write(" ".join(crowd.stdout.readline().decode() for _ in range(TARGETS)))
    wait_until(lambda: statistics()["bytes"] >= BYTES // 2, 300)
    middle = boottime_us()
    ok(wait_until(lambda: statistics()["bytes"] >= BYTES, 300), "histories fill some memory", statistics())
    crowd.send_signal(signal.SIGSTOP)
    return middle


def given_back(steady):
    """What went on while memory was short."""
    set_parameter("period_ms", PERIOD_MS)
    # The first of its samples is that of the first pass from here on.
    write(f"stop {steady}")
    passes = statistics()["passes"]
    write("start")
    with punctual(PERIOD_MS, boottime_us()) as others:
        begin = boottime_us()
        readings, is_little_left = reclaim()
        late_others = others.late(begin, boottime_us())
        # All of it may have gone. What comes now stays.
        wait_until(lambda: statistics()["passes"] > readings[-1]["passes"] + 1)
        write("stop")
    taken = statistics()["passes"] - passes
    before, after = readings[0], readings[-1]
    note(f"{before['bytes']} bytes, then {after['bytes']}; MemFree {memory_kib('MemFree')} KiB, "
         f"Cached {memory_kib('Cached')} KiB; {len(readings)} readings")
    equal(killed(), 0, "nobody is killed")
    ok(is_little_left, "most of the memory goes back", (before, after))
    equal([each for each in readings if not adds_up(each)], [],
          "created = alive + evicted + removed at every reading")
    passes, late = (after[name] - before[name] for name in ("passes", "late"))
    ok(late <= 2 + passes // 10 + late_others, "it samples on time",
       f"{late} of {passes} late, {late_others} times others were")
    equal(samples(pid=steady)[-1].num, taken - 1, "once in each period")


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
    stay_in_memory()
    with program(compiled("yielding_threads"), str(TARGETS), stdout=subprocess.PIPE) as crowd, \
            process(burn_and_sleep) as steady, loaded(period_ms=1, max_samples=0):
        middle = fill(crowd)
        given_back(steady)
        what_is_left(middle)


run(main)
