#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Large numbers: 10,000 targets with a million samples, and 10,000 short-lived processes, one after the other,
# each of which has an exit sample.
#
# kernels: x86_64
# on demand: matrix
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
# So many commands fit in one write.
COMMANDS_MAX = 500


def lines():
    """The number of lines in the debugfs file."""
    fd = os.open(DEBUGFS, os.O_RDONLY)
    try:
        return sum(text.count(b"\n") for text in iter(lambda: os.read(fd, 1 << 20), b""))
    finally:
        os.close(fd)


def write_all(commands):
    for at in range(0, len(commands), COMMANDS_MAX):
        text = " ".join(commands[at:at + COMMANDS_MAX])
        if write(text, DEBUGFS) != len(text):
            raise OSError("a write is short")


def read_begin():
    """Reads the first page of the history."""
    fd = os.open(DEBUGFS, os.O_RDONLY)
    try:
        os.read(fd, 4096)
    finally:
        os.close(fd)


def never_waits_for_a_pass(name, action, times=1000):
    """Passes follow each other without a pause. If an action had to wait for the end of a pass, only one or
    two actions could be done in each."""
    begin = statistics()["passes"]
    for _ in range(times):
        action()
    passes = statistics()["passes"] - begin
    note(f"{times / max(passes, 1):.0f} in each pass: {name}")
    ok(passes * 5 <= times, f"{name} do not wait for a whole pass", (passes, times))


def no_sample_after_stop(times=20):
    """Writes `stop`, mostly during a pass. The pass takes no sample after the write has returned."""
    taken_after = []
    for _ in range(times):
        write("stop")
        before = statistics()["created"]
        time.sleep(0.02)
        taken_after.append(statistics()["created"] - before)
        write("start")
        time.sleep(0.01)
    equal(taken_after, [0] * times, "after a write of stop no sample is taken")


def evict_during_passes(times=30):
    """Evicts all samples, mostly during a pass. The samples that the next pass takes are shown."""
    missing = []
    for _ in range(times):
        shrink(10**6)
        passes = statistics()["passes"]
        wait_until(lambda: statistics()["passes"] > passes + 1)
        write("stop")
        shown = len({each.pid for each in samples()})
        missing.append(statistics()["targets"] - shown)
        write("start")
    equal(missing, [0] * times, "one pass after all samples were evicted, each target has a sample")


def many_targets(many_tasks):
    with open("/proc/sys/kernel/threads-max", "w", encoding="ascii") as file:
        file.write("40000")
    with program(many_tasks, "sleeping", str(TARGETS), stdout=subprocess.PIPE) as crowd:
        tasks = [crowd.stdout.readline().decode().strip() for _ in range(TARGETS)]
        write_all(tasks)
        equal(statistics()["targets"], TARGETS, f"{TARGETS} targets")
        ok(wait_until(lambda: statistics()["alive"] >= TARGETS * SAMPLES), f"{TARGETS * SAMPLES} samples are taken")
        set_parameter("period_ms", 1)
        never_waits_for_a_pass("commands", lambda: write("start"))
        never_waits_for_a_pass("reads of the history", read_begin)
        no_sample_after_stop()
        set_parameter("period_ms", 10)
        write("stop")
        numbers = statistics()
        note(numbers)
        equal(numbers["alive"], TARGETS * SAMPLES, "'alive': a million samples")
        equal(numbers["created"], numbers["alive"] + numbers["evicted"], "the older ones are evicted")
        equal(lines(), numbers["alive"], "each sample is shown")
        write("start")
        evict_during_passes()
        write("stop")
        write_all([f"-{task}" for task in tasks])
        left = statistics()
        equal([left[name] for name in ("targets", "alive", "bytes")], [0, 0, 0],
              "all targets can be removed, and no memory is left")


def many_processes(many_tasks):
    write("start")
    with program(many_tasks, "processes", str(TARGETS), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        write(f"tree:{parent.pid}")
        output = parent.communicate(b"\n")[0].decode()
    used = dict(tuple(map(int, line.split())) for line in output.splitlines())
    equal(len(used), TARGETS, f"{TARGETS} processes have run")
    # The pass that notices the parent's exit may have read the last of the children while it was alive.
    ok(wait_until(all_have_ended), "all processes have exit samples")
    history = samples()
    last = {each.pid: each.usr + each.sys for each in history if each.exit}
    first = {each.pid for each in history if each.num == 0}
    equal(sorted(set(used) - set(last))[:5], [], "no process is missing")
    equal(sorted(set(used) - first)[:5], [], "each process has sample 0")
    wrong = [(pid, last.get(pid), us) for pid, us in used.items() if abs(last.get(pid, -9) - us) > 2]
    equal(wrong[:5], [], "each has the CPU time of wait4(), except for rounding")
    equal(problems(history)[:3], [], "the history is in order, without a gap")
    equal(statistics()["lost"], 0, "'lost' is 0")
    note(f"{statistics()['bytes'] / (TARGETS + 1):.0f} bytes of samples for each process")
    write(f"-tree:{parent.pid}")


def main():
    many_tasks = compiled("many_tasks")
    with loaded(period_ms=10, max_samples=SAMPLES):
        many_targets(many_tasks)
        set_parameter("max_samples", 100_000)
        many_processes(many_tasks)


run(main)
