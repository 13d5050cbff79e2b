#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Where a write stops: it returns the bytes up to the word that fails, or the error where that is
# the first. Several words without an end are refused whole, however long the text.
#
# kernels: uml

import ctypes
import errno
import mmap
import os

from lib.clone import free_pid
from lib.module import DEBUGFS, SYSFS, loaded, read, statistics, write
from lib.processes import idle_threads, process, wait_until
from lib.results import equal, fails_with, run
from lib.samples import samples

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


def without_an_end():
    """As it may have been cut within the last word."""
    with process() as one, process() as two:
        for name, path in BOTH:
            for text in (f"{one} {two}", f" {one}\n{two}", f"{one} {two} stop", f"stop {one}", "stop start",
                         f"{one} x", "x y"):
                fails_with(errno.EINVAL, lambda: write(text.encode(), path), f"{name}: '{text}' has no end")
            equal((watched(), statistics()["targets"]), (set(), 0), f"{name}: and nothing of it is obeyed")
            for space in b" \t\n\v\f\r":
                text = f"{one} {two}".encode() + bytes([space])
                equal(write(text, path), len(text), f"{name}: ended by {bytes([space])!r}")
                equal(watched(), {one, two}, f"{name}: all of it is obeyed")
                write(f"-{one} -{two}", path)
            for text in (f"{one}", f" \t\n {two}"):
                equal(write(text.encode(), path), len(text), f"{name}: a single word needs no end: {text!r}")
            write(f"-{one} -{two}", path)


def long_blanks():
    """White space is no word, however much of it."""
    with process() as one:
        for length in (PAGE - 1, PAGE, PAGE + 1, 3 * PAGE):
            equal(write(" " * length + f"{one}", DEBUGFS), length + len(str(one)),
                  f"debugfs: a number behind {length} blanks")
            write(f"-{one}")
            fails_with(errno.EINVAL, lambda: write(" " * length + "x", DEBUGFS),
                       f"debugfs: no word behind {length} blanks")
        for length in (PAGE - 2, PAGE - 1, PAGE):
            text = b" " * length + str(one).encode() * 2
            equal(write(text, SYSFS), length, f"sysfs: {length} blanks before what is cut")
        fails_with(errno.EINVAL, lambda: write(b"0" * (PAGE - 4) + str(one).encode() * 2, SYSFS),
                   "sysfs: a page that is one word")
        equal(watched(), set(), "sysfs: nothing of it is obeyed")


def pieces(text, size):
    """The text in pieces of at most that size, each of which ends with white space."""
    while text:
        end = len(text) if len(text) <= size else text.rindex(b" ", 0, size) + 1
        yield text[:end]
        text = text[end:]


def no_word_is_cut():
    """Texts longer than a page, with the page's end at each place in a word."""
    with idle_threads(8) as numbers:
        adding, removing = (" ".join(f"{sign}{number}" for number in numbers) for sign in ("+", "-"))
        wrong, cut = [], []
        for shift in range(PAGE - len(removing) - 4, PAGE + 2):
            for text, after in ((adding, set(numbers)), (removing, set())):
                text = (" " * shift + text + "\n").encode()
                if len(text) > PAGE and not text[PAGE - 1:PAGE].isspace() and len(text[:PAGE].split()) > 1:
                    try:
                        cut.append((shift, write(text, SYSFS)))
                    except OSError as error:
                        cut += [error] * (error.errno != errno.EINVAL)
                    cut += [(shift, "obeyed")] * (watched() == after)
                if write(text, DEBUGFS) != len(text) or watched() != after:
                    wrong.append(shift)
        equal(wrong, [], "debugfs: a number across the end of a page is obeyed whole")
        equal(cut, [], "sysfs: a page that ends within one is refused whole")
        text = (f"{numbers[0]} -{numbers[0]}\n" * 3000).encode()
        equal(write(text, DEBUGFS), len(text), f"debugfs: {len(text)} bytes in a single write")
        equal(statistics()["targets"], 0, "debugfs: every word obeyed")
        text = " ".join(f"{number} -{number}" for number in numbers * 500).encode() + b" "
        equal([write(piece, SYSFS) for piece in pieces(text, PAGE)],
              [len(piece) for piece in pieces(text, PAGE)], "sysfs: in pieces that end with white space")
        equal(statistics()["targets"], 0, "sysfs: every word obeyed")


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
            words = f"{one} start 12".encode()
            page[PAGE - len(words):PAGE] = words
            equal(write_from(PAGE - len(words), PAGE), len(words) - 2,
                  "debugfs: a word that ends there may not be whole")
            equal(watched(), {one}, "debugfs: and is not obeyed")
            equal(write_from(PAGE - 2, PAGE), -errno.EFAULT, "debugfs: nor is it where it is the only one")
            write(f"-{one}")
    finally:
        os.close(fd)


def position():
    """A write to debugfs leaves the position at which the next read goes on."""
    with process() as one:
        write(one)
        wait_until(lambda: len(samples()) > 5)
        write("stop")
        whole = read(DEBUGFS).encode()
        fd = os.open(DEBUGFS, os.O_RDWR)
        try:
            for parts in ([b"stop stop "], [b"st", b"op ", b"stop\n"]):
                os.lseek(fd, 0, os.SEEK_SET)
                os.writev(fd, parts)
                begin = os.read(fd, 30)
                os.writev(fd, parts)
                equal(begin + os.read(fd, 65536), whole, "debugfs: what is read begins, and goes on, where it was")
        finally:
            os.close(fd)
        write(f"start -{one}")


def main():
    with loaded(period_ms=20):
        for part in (stops_at_a_failing_word, without_an_end, long_blanks, no_word_is_cut,
                     memory_that_is_not_there, position):
            part()


run(main)
