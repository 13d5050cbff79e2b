#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Reading on after the end of the samples file: after read() has returned nothing, the next reads give exactly
# the samples that have come since, with targets added, ended and removed meanwhile. A program that reads until
# read() returns nothing comes to an end, however fast samples are taken.
#
# kernels: uml x86_64 debian
# on demand: matrix
# boot: --cpus 2

import os
import random
import signal
import time

from lib.module import DEBUGFS, TASKS, loaded, read, read_bytes, set_parameter, statistics, wait_for_passes, write
from lib.processes import burn_and_sleep, child, kill, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import parse, problems, samples, wait_for_exit_samples

SIZES = (7, 64, 1000, 4096, 65536)
SEED = 20261130
# The longest line of a sample is shorter.
LINE_MAX = 120


def read_part(fd, size):
    """What read() returns until it returns nothing."""
    return b"".join(iter(lambda: os.read(fd, size), b""))


def readers():
    return {size: os.open(DEBUGFS, os.O_RDONLY) for size in SIZES}


def by_task(text):
    """The samples in a text, by PID."""
    found = {}
    for each in parse(text.decode()):
        found.setdefault(each.pid, []).append(each)
    return found


def parts_are_the_whole():
    """Nothing is removed: the parts of each reader are one whole read, task by task."""
    random.seed(SEED)
    fds = readers()
    parts = {size: [] for size in SIZES}
    living = []
    for step in range(40):
        if random.random() < 0.25:
            living.append(child(burn_and_sleep))
            write(living[-1], DEBUGFS)
        if random.random() < 0.2 and living:
            kill(living.pop(random.randrange(len(living))))
        time.sleep(random.choice((0, 0.001, 0.02)))
        for size in random.sample(SIZES, 3):
            parts[size].append(read_part(fds[size], size))
    for pid in living:
        kill(pid)
    wait_until(lambda: all(samples_of[-1].exit for samples_of in by_task(read_bytes(DEBUGFS)).values()))
    write("stop")
    whole = by_task(read_bytes(DEBUGFS))
    note(f"{len(whole)} tasks, {sum(map(len, whole.values()))} samples")
    for size, fd in fds.items():
        parts[size].append(read_part(fd, size))
        together = {}
        for part in parts[size]:
            for pid, shown in by_task(part).items():
                together.setdefault(pid, []).extend(shown)
        filled = sum(map(bool, parts[size]))
        equal(together == whole, True, f"reads of {size} bytes: no sample twice, none missed, in {filled} parts")
        ok(filled > 5, f"reads of {size} bytes: there were many parts", filled)
        equal([problems(parse(part.decode())) for part in parts[size] if problems(parse(part.decode()))], [],
              f"reads of {size} bytes: each part is in order, without a gap")
        equal(read_part(fd, size), b"", f"reads of {size} bytes: once more, nothing")
        os.lseek(fd, 0, os.SEEK_SET)
        equal(by_task(read_part(fd, size)) == whole, True, f"reads of {size} bytes: after lseek() to 0, the whole")
        equal(os.pread(fd, 100, 0), read_bytes(DEBUGFS)[:100], f"reads of {size} bytes: pread() at 0, the beginning")
        os.close(fd)
    write("start")
    for pid in whole:
        write(f"-{pid}")


def removed_meanwhile():
    """Targets that are removed, and added again, between two parts."""
    with process(burn_and_sleep) as stays, process(burn_and_sleep) as goes:
        write(f"{stays} {goes}")
        wait_for_passes(10)
        fd = os.open(DEBUGFS, os.O_RDONLY)
        before = by_task(read_part(fd, 4096))
        write(f"-{goes}")
        wait_for_passes(10)
        without = by_task(read_part(fd, 4096))
        equal((sorted(before), list(without)), (sorted((stays, goes)), [stays]),
              "a target that is removed is not in the next part")
        write(goes)
        wait_for_passes(10)
        again = by_task(read_part(fd, 4096))
        equal(again[goes][0].num, 0, "one that is added again begins with sample 0")
        history = before[stays] + without[stays] + again[stays]
        equal(problems(history), [], "another one goes on without a gap")
        write("stop")  # or a pass may fall between the two calls below
        write("clear")
        equal(read_part(fd, 4096), b"", "after clear there is nothing until the next sample")
        write("start")
        wait_for_passes(10)
        after = by_task(read_part(fd, 4096))
        ok(after[stays][0].num > again[stays][-1].num, "then the samples since", (after[stays][0], again[stays][-1]))
        os.close(fd)
        write(f"-{stays} -{goes}")


def comes_to_an_end():
    """Samples are taken every millisecond while the file is read until read() returns nothing."""
    set_parameter("period_ms", 1)
    # Few enough that a read is faster than the samples come.
    pids = [child(burn_and_sleep if index == 0 else signal.pause) for index in range(5)]
    write(" ".join(map(str, pids)), DEBUGFS)
    wait_for_passes(100)
    for size in SIZES[1:]:
        fd = os.open(DEBUGFS, os.O_RDONLY)
        for part in ("the first part", "the second part"):
            most, length = LINE_MAX * (statistics()["created"] + 10**6), 0
            while (got := os.read(fd, size)) and length < most:
                length += len(got)
            equal(got, b"", f"reads of {size} bytes come to an end: {part}")
        os.close(fd)
    write("stop")
    write("".join(f"-{pid} " for pid in pids), DEBUGFS)
    for pid in pids:
        kill(pid)
    write("start")
    set_parameter("period_ms", 5)


def slow_samples_and_tasks():
    """With nothing new there is nothing, also when asked again and again; the file of tasks has no such parts."""
    set_parameter("period_ms", 3_600_000)
    with process() as pid:
        write(pid)
        fd = os.open(DEBUGFS, os.O_RDONLY)
        equal(len(parse(read_part(fd, 4096).decode())), 1, "one sample")
        equal({os.read(fd, 4096) for _ in range(20)}, {b""}, "then nothing, each time")
        kill(pid)
        set_parameter("period_ms", 5)
        wait_for_exit_samples(1)
        equal(parse(read_part(fd, 4096).decode()), samples()[1:], "then what has come since, with the exit sample")
        os.close(fd)
        fd = os.open(TASKS, os.O_RDONLY)
        ok(read_part(fd, 4096), "the file of tasks")
        write(f"-{pid}")
        with process() as another:
            write(another)
            equal(os.read(fd, 4096), b"", "the file of tasks has nothing after its end")
            write(f"-{another}")
        os.close(fd)


def main():
    with loaded(period_ms=5):
        equal(read(), "", "the file is empty")
        for part in (parts_are_the_whole, removed_meanwhile, comes_to_an_end, slow_samples_and_tasks):
            part()


run(main)
