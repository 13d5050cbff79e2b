#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The words one can write: what each does, and with which error it fails, in either file.
#
# kernels: uml x86_64

import errno
import os
import threading
import time

from lib.clone import free_pid
from lib.module import DEBUGFS, SYSFS, loaded, read, set_parameter, statistics, write
from lib.proc import stat
from lib.processes import process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import parse, samples

BOTH = (("sysfs", SYSFS), ("debugfs", DEBUGFS))
PID_MAX = 2147483647


def targets():
    return statistics()["targets"]


def watched():
    """The numbers that the history shows, in its order."""
    return list(dict.fromkeys(each.pid for each in samples()))


def no_words():
    with process() as pid:
        bad = ["+", "-", "++", "--", "0", "+0", "-0", "00", "4294967297", "2147483648", "-2147483648",
               "+4294967297", "18446744073709551617", "1" * 100, "0x10", "1.0", "1e3", "1_000", "1,2",
               f"{pid}\0", f"\0{pid}", f"{pid}x", f"x{pid}", f"+-{pid}", f"-+{pid}", f"+ {pid}",
               f"- {pid}", f"--{pid}", f"++{pid}", f"{pid}-", f"{pid};", "stop.", "Stop", "STOP", "sto",
               "stopp", "-stop", "+start", "clear!", "tree", "tree:", "tree:0", "tree:-1", "tree:+1",
               "tree:4294967297", "-tree:", "+tree:1", "tree: 1", "tree:1:1", "Tree:1", "a" * 5000,
               "1" * 5000, "0" * 5000, b"\xff\xfe", "\u0661".encode(), "\u00a0".encode(), "\0", " \0",
               "\x1b", "%d", "9" * 4095, "9" * 4096, "9" * 4097, "-" * 4096]
        for name, path in BOTH:
            wrong = []
            for word in bad:
                try:
                    wrong.append((word[:40], f"{write(word, path)} bytes obeyed"))
                except OSError as error:
                    if error.errno != errno.EINVAL:
                        wrong.append((word[:40], str(error)))
            equal(wrong, [], f"{name}: each of {len(bad)} texts is EINVAL")
            equal(targets(), 0, f"{name}: and none does anything")


def adding():
    for name, path in BOTH:
        with process() as first, process() as second, process() as third:
            equal(write(f"{first}", path), len(str(first)), f"{name}: a number")
            equal(write(f"+{second}\n", path), len(str(second)) + 2, f"{name}: a number with a sign")
            text = f"\t\v\f\r\n {third:012d} \n"
            equal(write(text, path), len(text), f"{name}: white space, leading zeros")
            equal(watched(), [first, second, third], f"{name}: in the order of adding")
            for word in (f"{first}", f"+{first}", f"0{second}"):
                fails_with(errno.EEXIST, lambda: write(word, path), f"{name}: {word} once more")
            fails_with(errno.ESRCH, lambda: write(free_pid(), path), f"{name}: no such task")
            fails_with(errno.ESRCH, lambda: write(PID_MAX, path), f"{name}: no task has the last number")
            fails_with(errno.ESRCH, lambda: write(-PID_MAX, path), f"{name}: nor is it watched")
            fails_with(errno.ESRCH, lambda: write(f"-{os.getpid()}", path), f"{name}: - not watched")
            equal(write(f"-{second}", path), len(str(second)) + 1, f"{name}: taken away")
            equal(watched(), [first, third], f"{name}: the others stay")
            fails_with(errno.ESRCH, lambda: write(f"-{second}", path), f"{name}: - twice")
            write(f"+{second}", path)
            equal(watched(), [first, third, second], f"{name}: added again, it is the last")
            equal(samples(pid=second)[0].num, 0, f"{name}: and begins anew")
            write(f"-{first} -{second} -{third}", path)
        equal(targets(), 0, f"{name}: none is left")


def empty_writes():
    for name, path in BOTH:
        for text in ("", " ", "\n", " \t\v\f\r\n" * 50, " " * 4096):
            equal(write(text, path), len(text), f"{name}: {len(text)} bytes with no word")
        equal(targets(), 0, f"{name}: and nothing happens")


def odd_tasks():
    for name, path in BOTH:
        write("2 1", path)
        ok(wait_until(lambda: len(samples(pid=2)) > 2), f"{name}: a kernel thread is sampled")
        ok(wait_until(lambda: len(samples(pid=1)) > 2), f"{name}: so is pid 1")
        write("-1 -2", path)
        zombie = os.fork()
        if zombie == 0:
            os._exit(0)
        ok(wait_until(lambda: stat(zombie).state == "Z"), f"{name}: a zombie")
        write(zombie, path)
        ok(wait_until(lambda: samples(pid=zombie)), f"{name}: can be watched")
        time.sleep(0.1)
        equal([(each.num, each.exit) for each in samples(pid=zombie)], [(0, True)],
              f"{name}: and has one sample, its last")
        fails_with(errno.EEXIST, lambda: write(zombie, path), f"{name}: and is watched then")
        os.waitpid(zombie, 0)
        fails_with(errno.ESRCH, lambda: write(zombie, path), f"{name}: reaped, there is none")
        write(f"-{zombie}", path)
        equal(watched(), [], f"{name}: its samples can be freed")


def a_thread():
    quit_ = threading.Event()
    thread = threading.Thread(target=quit_.wait)
    thread.start()
    tid, pid = thread.native_id, os.getpid()
    for name, path in BOTH:
        write(f"{tid} {pid}", path)
        equal(watched(), [tid, pid], f"{name}: a process and one of its threads")
        fails_with(errno.EEXIST, lambda: write(tid, path), f"{name}: the thread again")
        fails_with(errno.EEXIST, lambda: write(pid, path), f"{name}: the process again")
        write(f"-{tid}", path)
        equal(watched(), [pid], f"{name}: the thread goes, the process stays")
        write(f"-{pid}", path)
    quit_.set()
    thread.join()


def too_many():
    set_parameter("max_targets", 3)
    for name, path in BOTH:
        ended = os.fork()
        if ended == 0:
            time.sleep(0.2)
            os._exit(0)
        with process() as one, process() as two, process() as three:
            write(f"{ended} {one} {two}", path)
            os.waitpid(ended, 0)
            wait_until(lambda: samples(pid=ended)[-1].exit)
            fails_with(errno.ENOSPC, lambda: write(three, path),
                       f"{name}: one more than max_targets, ended ones included")
            fails_with(errno.EEXIST, lambda: write(two, path),
                       f"{name}: one that is watched is EEXIST even then")
            fails_with(errno.ESRCH, lambda: write(free_pid(), path),
                       f"{name}: one that is not there is ESRCH even then")
            write(f"-{ended} {three}", path)
            equal(watched(), [one, two, three], f"{name}: room once one is taken away")
            write(f"-{one} -{two} -{three}", path)
    set_parameter("max_targets", 16_384)


def words_together():
    """In one write: add, stop, start, clear, remove."""
    for name, path in BOTH:
        with process() as one, process() as two:
            text = f"stop {one} +{two}\nclear\tstart -{one}"
            equal(write(text, path), len(text), f"{name}: seven words in one write")
            ok(wait_until(lambda: len(samples(pid=two)) > 2), f"{name}: all are obeyed")
            equal(watched(), [two], f"{name}: from left to right")
            write(f"-{two}", path)


def main():
    with loaded(period_ms=10):
        for part in (no_words, adding, empty_writes, odd_tasks, a_thread, too_many, words_together):
            part()
        equal(parse(read()), [], "nothing is left to show")


run(main)
