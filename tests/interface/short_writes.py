#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A write ends at the first command that fails: it returns the number of bytes before it, or the error if
# that is the first command. A text of several commands that does not end with white space is refused whole,
# however long it is.
#
# kernels: uml
# on demand: matrix

import ctypes
import errno
import mmap
import os

from lib.clone import free_pid
from lib.module import DEBUGFS, PAGE, SYSFS, loaded, read, statistics, write
from lib.processes import idle_threads, process, wait_until
from lib.results import equal, fails_with, run
from lib.samples import samples
from lib.system_calls import succeeded

BOTH = (("sysfs", SYSFS), ("debugfs", DEBUGFS))


def watched():
    return {each.pid for each in samples()}


def stops_at_a_failing_command():
    with process() as one, process() as two:
        for name, path in BOTH:
            for bad, number in (("x", errno.EINVAL), (free_pid(), errno.ESRCH), (one, errno.EEXIST),
                                (f"-{free_pid()}", errno.ESRCH), ("0", errno.EINVAL)):
                before = f" \n{one}\t "
                consumed = write(f"{before}{bad} {two}", path)
                equal(consumed, len(before), f"{name}: a write ends before '{bad}'")
                equal(watched(), {one}, f"{name}: the commands after it are not executed")
                fails_with(number, lambda: write(f"{bad} {two}", path),
                           f"{name}: a write of the rest gives the error")
                write(f"-{one}", path)
            fails_with(errno.EINVAL, lambda: write(f"  \n x {one}", path),
                       f"{name}: white space before the failing command: the error")
            equal(watched(), set(), f"{name}: and nothing is watched")
            text = f"stop start clear {one} -{one}"
            equal(write(f"{text} nonsense", path), len(text) + 1,
                  f"{name}: executed commands count even if they change nothing")


def incomplete_texts():
    """The last command of a text without white space at its end may be incomplete."""
    with process() as one, process() as two:
        for name, path in BOTH:
            for text in (f"{one} {two}", f" {one}\n{two}", f"{one} {two} stop", f"stop {one}", "stop start",
                         f"{one} x", "x y"):
                fails_with(errno.EINVAL, lambda: write(text.encode(), path),
                           f"{name}: '{text}' without white space at its end gives EINVAL")
            equal((watched(), statistics()["targets"]), (set(), 0), f"{name}: no command of it is executed")
            for space in b" \t\n\v\f\r":
                text = f"{one} {two}".encode() + bytes([space])
                equal(write(text, path), len(text), f"{name}: a text that ends with {bytes([space])!r} is accepted")
                equal(watched(), {one, two}, f"{name}: all its commands are executed")
                write(f"-{one} -{two}", path)
            for text in (f"{one}", f" \t\n {two}"):
                equal(write(text.encode(), path), len(text),
                      f"{name}: a single command needs no white space at its end: {text!r}")
            write(f"-{one} -{two}", path)


def long_blanks():
    """White space alone is no command, however long it is."""
    with process() as one:
        for length in (PAGE - 1, PAGE, PAGE + 1, 3 * PAGE):
            equal(write(" " * length + f"{one}", DEBUGFS), length + len(str(one)),
                  f"debugfs: a PID after {length} blanks")
            write(f"-{one}")
            fails_with(errno.EINVAL, lambda: write(" " * length + "x", DEBUGFS),
                       f"debugfs: an invalid text after {length} blanks")
        for length in (PAGE - 2, PAGE - 1, PAGE):
            text = b" " * length + str(one).encode() * 2
            equal(write(text, SYSFS), length, f"sysfs: {length} blanks before a command that the page cuts off")
        fails_with(errno.EINVAL, lambda: write(b"0" * (PAGE - 4) + str(one).encode() * 2, SYSFS),
                   "sysfs: a page without white space")
        equal(watched(), set(), "sysfs: no command of it is executed")


def pieces(text, size):
    """The text in pieces of at most that size that end with white space."""
    while text:
        end = len(text) if len(text) <= size else text.rindex(b" ", 0, size) + 1
        yield text[:end]
        text = text[end:]


def commands_across_a_page():
    """Texts longer than a page; the page ends at each position within a command."""
    with idle_threads(8) as tids:
        adding, removing = (" ".join(f"{sign}{tid}" for tid in tids) for sign in ("+", "-"))
        wrong, cut = [], []
        for shift in range(PAGE - len(removing) - 4, PAGE + 2):
            for text, after in ((adding, set(tids)), (removing, set())):
                text = (" " * shift + text + "\n").encode()
                if len(text) > PAGE and not text[PAGE - 1:PAGE].isspace() and len(text[:PAGE].split()) > 1:
                    try:
                        cut.append((shift, write(text, SYSFS)))
                    except OSError as error:
                        cut += [error] * (error.errno != errno.EINVAL)
                    cut += [(shift, "executed")] * (watched() == after)
                if write(text, DEBUGFS) != len(text) or watched() != after:
                    wrong.append(shift)
        equal(wrong, [], "debugfs: a command across the end of a page is executed whole")
        equal(cut, [], "sysfs: a page that ends within a command is refused whole")
        text = (f"{tids[0]} -{tids[0]}\n" * 3000).encode()
        equal(write(text, DEBUGFS), len(text), f"debugfs: {len(text)} bytes in a single write")
        equal(statistics()["targets"], 0, "debugfs: each command is executed")
        text = " ".join(f"{tid} -{tid}" for tid in tids * 500).encode() + b" "
        equal([write(piece, SYSFS) for piece in pieces(text, PAGE)],
              [len(piece) for piece in pieces(text, PAGE)], "sysfs: a long text in pieces that end with white space")
        equal(statistics()["targets"], 0, "sysfs: each command is executed")


def inaccessible_memory():
    """A text that ends at inaccessible memory: the write is short after the commands before that point."""
    page = mmap.mmap(-1, 2 * PAGE)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc = ctypes.CDLL(None, use_errno=True)
    succeeded(libc.mprotect(ctypes.c_void_p(at + PAGE), PAGE, 0))
    fd = os.open(DEBUGFS, os.O_WRONLY)

    def write_from(begin, length):
        written = libc.write(fd, ctypes.c_void_p(at + begin), length)
        return written if written >= 0 else -ctypes.get_errno()

    try:
        with process() as one:
            text = f"{one} stop start ".encode()
            page[:PAGE] = text + b" " * (PAGE - len(text))
            equal(write_from(0, 2 * PAGE), PAGE, "debugfs: a write ends at inaccessible memory")
            equal(watched(), {one}, "debugfs: the commands before that are executed")
            equal(write_from(PAGE, 8), -errno.EFAULT, "debugfs: EFAULT if there are none")
            write(f"-{one}")
            text = f"{one} start 12".encode()
            page[PAGE - len(text):PAGE] = text
            equal(write_from(PAGE - len(text), PAGE), len(text) - 2,
                  "debugfs: the write ends before a command that may be incomplete")
            equal(watched(), {one}, "debugfs: which is not executed")
            equal(write_from(PAGE - 2, PAGE), -errno.EFAULT, "debugfs: EFAULT if it is the only command")
            write(f"-{one}")
    finally:
        os.close(fd)


def position():
    """A write to debugfs does not move the position of the next read."""
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
                equal(begin + os.read(fd, 65536), whole, "debugfs: writes do not move the read position")
        finally:
            os.close(fd)
        write(f"start -{one}")


def main():
    with loaded(period_ms=20):
        for part in (stops_at_a_failing_command, incomplete_texts, long_blanks, commands_across_a_page,
                     inaccessible_memory, position):
            part()


run(main)
