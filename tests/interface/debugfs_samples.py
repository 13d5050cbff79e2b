#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# /sys/kernel/debug/taskmonitor: while nothing changes, all ways to read it give the same text: pieces of any
# size, pread() at any position, lseek(). A sample that was shown never changes.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree

import errno
import os
import random
import time

from lib.module import DEBUGFS, STATISTICS, loaded, read, statistics, write
from lib.processes import burn_and_sleep, process, wait_until
from lib.results import equal, fails_with, note, ok, run
from lib.samples import parse, problems, samples

SEED = 20261123


def by_pieces(whole):
    for size in (1, 2, 3, 13, 4095, 4096, 4097, 65536, 1 << 20):
        equal(read(DEBUGFS, size) == whole, True, f"the same text by reads of {size} bytes")
    buffers = [bytearray(size) for size in (1, 5, 100, 4096, 7, 60000)]
    fd = os.open(DEBUGFS, os.O_RDONLY)
    count = os.readv(fd, buffers)
    equal(b"".join(buffers)[:count].decode() == whole[:count], True, "the same text by readv()")
    os.close(fd)


def at_positions(whole):
    random.seed(SEED)
    text = whole.encode()
    fd, other = os.open(DEBUGFS, os.O_RDONLY), os.open(DEBUGFS, os.O_RDONLY)
    wrong = []
    for _ in range(300):
        at, size = random.randrange(len(text) + 50), random.choice((1, 20, 500, 5000))
        # A read may be short, but not empty before the end.
        got = os.pread(fd, size, at)
        if got != text[at:at + len(got)] or (not got and at < len(text)):
            wrong.append(("pread", at, size, got))
        os.lseek(other, at, os.SEEK_SET)
        got = os.read(other, size)
        if got != text[at:at + len(got)] or (not got and at < len(text)):
            wrong.append(("lseek", at, size, got))
        if os.lseek(other, 0, os.SEEK_CUR) != at + len(got):
            wrong.append(("position", at, size, os.lseek(other, 0, os.SEEK_CUR)))
    equal(wrong[:3], [], "the same text at 300 random positions, by pread() and by lseek()")
    os.lseek(other, 0, os.SEEK_SET)
    got = b"".join(iter(lambda: os.read(other, 10_000), b""))
    equal(got == text, True, "after lseek() to the beginning, the whole text again")
    equal(os.read(other, 100), b"", "read() at the end gives nothing")
    os.lseek(other, -40, os.SEEK_CUR)
    equal(os.read(other, 100), text[-40:], "lseek() back by 40 bytes: the last 40 bytes")
    equal(os.pread(fd, 100, len(text)), b"", "pread() at the end gives nothing")
    equal(os.pread(fd, 100, 1 << 40), b"", "pread() far beyond the end gives nothing")
    fails_with(errno.EINVAL, lambda: os.lseek(fd, -1, os.SEEK_SET), "lseek() to before the beginning: EINVAL")
    os.close(fd)
    os.close(other)


def two_readers(whole):
    """Two open files have positions of their own."""
    first, second = os.open(DEBUGFS, os.O_RDONLY), os.open(DEBUGFS, os.O_RDWR)
    texts = {first: b"", second: b""}
    growing = True
    while growing:
        growing = False
        for fd, size in ((first, 7), (second, 301)):
            got = os.read(fd, size)
            texts[fd] += got
            growing = growing or bool(got)
    equal([text.decode() == whole for text in texts.values()], [True, True],
          "two readers by turns: each gets the whole text")
    os.close(first)
    os.close(second)


def never_changes():
    """A sample that was shown is shown again, unchanged."""
    write("start")
    shown = parse(read())
    for size in (65536, 100, 1) if len(shown) < 2000 else (65536, 1000, 200):
        time.sleep(0.1)
        later = parse(read(DEBUGFS, size))
        known = set(later)
        equal([each for each in shown if each not in known], [],
              f"each sample shown before is shown again, by reads of {size} bytes")
        equal(problems(later), [], "the history is in order, without a gap")
        shown = later
    write("stop")


def slow_reader():
    """A reader that is slower than the sampler reaches the end of the file."""
    write("start")
    fd = os.open(DEBUGFS, os.O_RDONLY)
    text = got = os.read(fd, 60)
    # The reader gets at most what was there when it began, which is part of this.
    bound = len(read())
    while got and len(text) <= bound:
        time.sleep(0.002)
        got = os.read(fd, 60)
        text += got
    equal(got, b"", "a slow reader reaches the end")
    equal(problems(parse(text.decode())), [], "a slow reader reads a history in order, without a gap")
    os.close(fd)
    write("stop")


def statistics_file():
    names = [line.split()[0] for line in read(STATISTICS).splitlines()]
    wanted = ["targets", "created", "alive", "evicted", "removed", "bytes", "passes", "pass_ns",
              "late", "missed", "lost", "reserve", "recycled"]
    equal([name for name in wanted if name not in names], [], "the statistics file has all names")
    equal(len(names), len(set(names)), "each name is there once")
    equal(read(STATISTICS, 1), read(STATISTICS), "the statistics file, by reads of 1 byte")
    fails_with(errno.EACCES if os.getuid() else errno.EINVAL, lambda: write("clear", STATISTICS),
               "the statistics file cannot be written")
    equal(statistics()["alive"], len(samples()), "'alive' is the number of samples shown")


def main():
    with loaded(period_ms=5), process(burn_and_sleep) as one, process() as two:
        equal(read(), "", "the file is empty after the load")
        write(f"{one} {two} {os.getpid()}")
        ok(wait_until(lambda: statistics()["created"] > 900), "three tasks are sampled")
        write("stop")
        whole = read()
        note(f"{len(whole)} bytes")
        equal(problems(parse(whole)), [], "the history is in order")
        for part in (by_pieces, at_positions, two_readers):
            part(whole)
        statistics_file()
        never_changes()
        slow_reader()


run(main)
