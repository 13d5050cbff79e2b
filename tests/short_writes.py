#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Where a write stops: it returns the bytes up to the word that fails, or the error where that is
# the first; a program that goes on from there loses no word, however long the text.
#
# kernels: uml

import ctypes
import errno
import mmap
import os
import threading

from harness import (DEBUGFS, SYSFS, equal, fails_with, loaded, ok, process, run, samples,
                     statistics, write)
from witness import free_pid

BOTH = (("sysfs", SYSFS), ("debugfs", DEBUGFS))
PAGE = 4096


def watched():
    return {each.pid for each in samples()}


def stops_at_a_failing_word():
    with process() as one, process() as two:
        for name, path in BOTH:
            for bad, number in (("x", errno.EINVAL), (free_pid(), errno.ESRCH), (one, errno.EEXIST),
                                (f"-{free_pid()}", errno.ESRCH), ("0", errno.EINVAL)):
                before = f" \n{one}\t "
                consumed = write(f"{before}{bad} {two}", path)
                equal(consumed, len(before), f"{name}: a write stops where '{bad}' begins")
                equal(watched(), {one}, f"{name}: what stands behind it is not obeyed")
                fails_with(number, lambda: write(f"{bad} {two}", path),
                           f"{name}: the rest of it gives the error")
                write(f"-{one}", path)
            fails_with(errno.EINVAL, lambda: write(f"  \n x {one}", path),
                       f"{name}: an error where nothing was obeyed but white space")
            equal(watched(), set(), f"{name}: and nothing is watched")
            text = f"stop start clear {one} -{one}"
            equal(write(f"{text} nonsense", path), len(text) + 1, f"{name}: words that leave no trace count")


def long_blanks():
    """White space is no word, however much of it."""
    with process() as one:
        for length in (PAGE - 1, PAGE, PAGE + 1, 3 * PAGE):
            equal(write(" " * length + f"{one}", DEBUGFS), length + len(str(one)),
                  f"debugfs: a number behind {length} blanks")
            write(f"-{one}")
            fails_with(errno.EINVAL, lambda: write(" " * length + "x", DEBUGFS),
                       f"debugfs: no word behind {length} blanks")


def write_all(text, path, begin=0):
    """As programs write: again from where the write before stopped. How many writes it took."""
    fd = os.open(path, os.O_WRONLY)
    count = 0
    try:
        while begin < len(text):
            written = os.write(fd, text[begin:])
            if written == 0:
                raise RuntimeError(f"a write of {len(text) - begin} bytes returned 0")
            begin += written
            count += 1
    finally:
        os.close(fd)
    return count


def no_word_is_cut():
    """Texts longer than a page, with the page's end at each place in a word."""
    quit_ = threading.Event()
    threads = [threading.Thread(target=quit_.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    numbers = [thread.native_id for thread in threads]
    try:
        for name, path in BOTH:
            wrong = []
            for shift in range(PAGE - 24, PAGE + 2):
                text = " " * shift + " ".join(map(str, numbers))
                write_all(text.encode(), path)
                if watched() != set(numbers):
                    wrong.append(shift)
                write_all((" " * shift + " ".join(f"-{number}" for number in numbers)).encode(), path)
                if watched():
                    wrong.append(-shift)
            equal(wrong, [], f"{name}: a number across the end of a page is not cut")
            one = f"{numbers[0]} -{numbers[0]}\n"
            text = (one * 3000).encode()
            write_all(text, path)
            equal(statistics()["targets"], 0, f"{name}: {len(text)} bytes, every word obeyed")
        fd = os.open(DEBUGFS, os.O_WRONLY)
        equal(os.write(fd, text), len(text), "debugfs: in a single write")
        os.close(fd)
    finally:
        quit_.set()
        for thread in threads:
            thread.join()


def vectors():
    """A word may be spread over the parts of a writev()."""
    with process() as one:
        for path in (SYSFS, DEBUGFS):
            fd = os.open(path, os.O_WRONLY)
            try:
                parts = [b"stop ", b"start ", str(one).encode()]
                written = os.writev(fd, parts)
                ok(written == len(b"".join(parts)) and watched() == {one},
                   f"{path}: writev() of three words", f"{written} bytes, {watched()}")
                write(f"-{one}")
            finally:
                os.close(fd)


def memory_that_is_not_there():
    """What has been obeyed before the text ends in a fault is told as a short write."""
    page = mmap.mmap(-1, 2 * PAGE)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(at + PAGE), PAGE, 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    fd = os.open(DEBUGFS, os.O_WRONLY)

    def write_from(begin, length):
        written = libc.write(fd, ctypes.c_void_p(at + begin), length)
        return written if written >= 0 else -ctypes.get_errno()

    try:
        with process() as one:
            words = f"{one} stop start ".encode()
            page[:PAGE] = words + b" " * (PAGE - len(words))
            equal(write_from(0, 2 * PAGE), PAGE, "debugfs: a write ends where memory does")
            equal(watched(), {one}, "debugfs: with the words before that obeyed")
            equal(write_from(PAGE, 8), -errno.EFAULT, "debugfs: EFAULT where there are none")
            write(f"-{one}")
    finally:
        os.close(fd)


def main():
    with loaded(period_ms=20):
        for part in (stops_at_a_failing_word, long_blanks, no_word_is_cut, vectors, memory_that_is_not_there):
            part()


run(main)
