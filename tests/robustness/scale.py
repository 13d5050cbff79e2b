#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Large numbers: 10,000 targets, a million samples of them, and 10,000 short-lived processes, one after
# the other, none of which is lost.
#
# kernels: x86_64
# boot: --memory 1G

import os
import subprocess
import time

from lib.module import DEBUGFS, loaded, set_parameter, shrink, statistics, write
from lib.processes import compiled, program, wait_until
from lib.results import equal, note, ok, run
from lib.samples import all_have_ended, problems, samples

TARGETS = 10_000
SAMPLES = 100
# What one write may hold.
WORDS = 500


def lines():
    """How many there are in the history."""
    fd = os.open(DEBUGFS, os.O_RDONLY)
    try:
        return sum(text.count(b"\n") for text in iter(lambda: os.read(fd, 1 << 20), b""))
    finally:
        os.close(fd)


def say(words):
    for at in range(0, len(words), WORDS):
        text = " ".join(words[at:at + WORDS])
        if write(text, DEBUGFS) != len(text):
            raise OSError("a write is short")


def glance():
    """The first page of the history."""
    fd = os.open(DEBUGFS, os.O_RDONLY)
    try:
        os.read(fd, 4096)
    finally:
        os.close(fd)


def nobody_waits_long(name, action, times=1000):
    """A pass follows on the other without a pause. Whoever had to wait for one to end could do one
    or two things in it, not many."""
    begin = statistics()["passes"]
    for _ in range(times):
        action()
    passes = statistics()["passes"] - begin
    note(f"{times / max(passes, 1):.0f} in a pass: {name}")
    ok(passes * 5 <= times, f"nobody waits for a whole pass: {name}", (passes, times))


def stop_waits(times=20):
    """Written in the middle of a pass, mostly: what it has taken when `stop` returns is all."""
    taken_after = []
    for _ in range(times):
        write("stop")
        before = statistics()["created"]
        time.sleep(0.02)
        taken_after.append(statistics()["created"] - before)
        write("start")
        time.sleep(0.01)
    equal(taken_after, [0] * times, "once `stop` has been obeyed no sample is taken")


def evicting_in_a_pass(times=30):
    """All that there is is evicted in the middle of a pass, mostly: what the pass still takes is shown."""
    missing = []
    for _ in range(times):
        shrink(10**6)
        passes = statistics()["passes"]
        wait_until(lambda: statistics()["passes"] > passes + 1)
        write("stop")
        shown = len({each.pid for each in samples()})
        missing.append(statistics()["targets"] - shown)
        write("start")
    equal(missing, [0] * times, "each target is shown a pass after all was evicted")


def many_targets(lives):
    with open("/proc/sys/kernel/threads-max", "w", encoding="ascii") as file:
        file.write("40000")
    with program(lives, "sleep", str(TARGETS), stdout=subprocess.PIPE) as crowd:
        tasks = [crowd.stdout.readline().decode().strip() for _ in range(TARGETS)]
        say(tasks)
        equal(statistics()["targets"], TARGETS, f"{TARGETS} targets")
        ok(wait_until(lambda: statistics()["alive"] >= TARGETS * SAMPLES), "are sampled")
        set_parameter("period_ms", 1)
        nobody_waits_long("control words", lambda: write("start"))
        nobody_waits_long("reads of the history", glance)
        stop_waits()
        set_parameter("period_ms", 10)
        write("stop")
        numbers = statistics()
        note(numbers)
        equal(numbers["alive"], TARGETS * SAMPLES, "a million samples are kept")
        equal(numbers["created"], numbers["alive"] + numbers["evicted"], "the older ones are gone")
        equal(lines(), numbers["alive"], "each is shown")
        write("start")
        evicting_in_a_pass()
        write("stop")
        say([f"-{task}" for task in tasks])
        left = statistics()
        equal([left[name] for name in ("targets", "alive", "bytes")], [0, 0, 0], "and all can be taken away")


def many_lives(lives):
    write("start")
    with program(lives, "short", str(TARGETS), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        write(f"tree:{parent.pid}")
        told = parent.communicate(b"\n")[0].decode()
    used = dict(tuple(map(int, line.split())) for line in told.splitlines())
    equal(len(used), TARGETS, f"{TARGETS} processes live and end")
    # The pass in which it ended may have seen the last of them alive.
    ok(wait_until(all_have_ended), "so does their parent")
    history = samples()
    last = {each.pid: each.usr + each.sys for each in history if each.exit}
    born = {each.pid for each in history if each.num == 0}
    equal(sorted(set(used) - set(last))[:5], [], "none is lost")
    equal(sorted(set(used) - born)[:5], [], "each is there from its birth")
    wrong = [(pid, last.get(pid), told) for pid, told in used.items() if abs(last.get(pid, -9) - told) > 2]
    equal(wrong[:5], [], "each has used what wait4() says, to within rounding")
    equal(problems(history)[:3], [], "in order, with no hole")
    equal(statistics()["lost"], 0, "and none is said to be lost")
    note(f"{statistics()['bytes'] / (TARGETS + 1):.0f} bytes of samples a life")
    write(f"-tree:{parent.pid}")


def main():
    lives = compiled("many_tasks")
    with loaded(period_ms=10, max_samples=SAMPLES):
        many_targets(lives)
        set_parameter("max_samples", 100_000)
        many_lives(lives)


run(main)
