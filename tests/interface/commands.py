#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The commands for watching tasks, written to either samples file: what each does, and the error with which
# it fails.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree

import errno
import os
import threading
import time

from lib.clone import free_pid
from lib.module import DEBUGFS, SYSFS, loaded, read, set_parameter, statistics, write
from lib.proc import stat
from lib.processes import child, process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import parse, samples

BOTH = (("sysfs", SYSFS), ("debugfs", DEBUGFS))
PID_MAX = 2147483647


def targets():
    return statistics()["targets"]


def watched():
    """The PIDs that the history shows, in its order."""
    return list(dict.fromkeys(each.pid for each in samples()))


def invalid_texts():
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
            for text in bad:
                try:
                    wrong.append((text[:40], f"{write(text, path)} bytes executed"))
                except OSError as error:
                    if error.errno != errno.EINVAL:
                        wrong.append((text[:40], str(error)))
            equal(wrong, [], f"{name}: each of {len(bad)} invalid texts gives EINVAL")
            equal(targets(), 0, f"{name}: none of them adds a target")


def adding():
    for name, path in BOTH:
        with process() as first, process() as second, process() as third:
            equal(write(f"{first}", path), len(str(first)), f"{name}: PID adds a task")
            equal(write(f"+{second}\n", path), len(str(second)) + 2, f"{name}: +PID adds a task")
            text = f"\t\v\f\r\n {third:012d} \n"
            equal(write(text, path), len(text), f"{name}: white space and leading zeros are accepted")
            equal(watched(), [first, second, third],
                  f"{name}: the targets are shown in the order in which they were added")
            for command in (f"{first}", f"+{first}", f"0{second}"):
                fails_with(errno.EEXIST, lambda: write(command, path), f"{name}: {command} again gives EEXIST")
            fails_with(errno.ESRCH, lambda: write(free_pid(), path), f"{name}: an unused PID gives ESRCH")
            fails_with(errno.ESRCH, lambda: write(PID_MAX, path), f"{name}: the largest PID gives ESRCH")
            fails_with(errno.ESRCH, lambda: write(-PID_MAX, path), f"{name}: removing it gives ESRCH")
            fails_with(errno.ESRCH, lambda: write(f"-{os.getpid()}", path),
                       f"{name}: -PID of a task that is not watched gives ESRCH")
            equal(write(f"-{second}", path), len(str(second)) + 1, f"{name}: -PID removes a target")
            equal(watched(), [first, third], f"{name}: -PID keeps the other targets")
            fails_with(errno.ESRCH, lambda: write(f"-{second}", path), f"{name}: -PID twice gives ESRCH")
            write(f"+{second}", path)
            equal(watched(), [first, third, second], f"{name}: a task that is added again is the last")
            equal(samples(pid=second)[0].num, 0, f"{name}: its sample numbers begin at 0")
            write(f"-{first} -{second} -{third}", path)
        equal(targets(), 0, f"{name}: no target is left")


def empty_writes():
    for name, path in BOTH:
        for text in ("", " ", "\n", " \t\v\f\r\n" * 50, " " * 4096):
            equal(write(text, path), len(text), f"{name}: {len(text)} bytes of white space are accepted")
        equal(targets(), 0, f"{name}: white space adds no target")


def odd_tasks():
    for name, path in BOTH:
        write("2 1", path)
        ok(wait_until(lambda: len(samples(pid=2)) > 2), f"{name}: a kernel thread is sampled")
        ok(wait_until(lambda: len(samples(pid=1)) > 2), f"{name}: PID 1 is sampled")
        write("-1 -2", path)
        zombie = child(lambda: None)
        ok(wait_until(lambda: stat(zombie).state == "Z"), f"{name}: a child is a zombie")
        write(zombie, path)
        ok(wait_until(lambda: samples(pid=zombie)), f"{name}: a zombie can be watched")
        time.sleep(0.1)
        equal([(each.num, each.exit) for each in samples(pid=zombie)], [(0, True)],
              f"{name}: a zombie has one sample, its exit sample")
        fails_with(errno.EEXIST, lambda: write(zombie, path), f"{name}: a watched zombie gives EEXIST")
        os.waitpid(zombie, 0)
        fails_with(errno.ESRCH, lambda: write(zombie, path), f"{name}: a reaped process gives ESRCH")
        write(f"-{zombie}", path)
        equal(watched(), [], f"{name}: a reaped target can be removed")


def a_thread():
    quit_ = threading.Event()
    thread = threading.Thread(target=quit_.wait)
    thread.start()
    tid, pid = thread.native_id, os.getpid()
    for name, path in BOTH:
        write(f"{tid} {pid}", path)
        equal(watched(), [tid, pid], f"{name}: a process and one of its threads are two targets")
        fails_with(errno.EEXIST, lambda: write(tid, path), f"{name}: the thread again gives EEXIST")
        fails_with(errno.EEXIST, lambda: write(pid, path), f"{name}: the process again gives EEXIST")
        write(f"-{tid}", path)
        equal(watched(), [pid], f"{name}: the thread is removed, the process stays")
        write(f"-{pid}", path)
    quit_.set()
    thread.join()


def too_many():
    set_parameter("max_targets", 3)
    for name, path in BOTH:
        ended = child(time.sleep, 0.2)
        with process() as one, process() as two, process() as three:
            write(f"{ended} {one} {two}", path)
            os.waitpid(ended, 0)
            wait_until(lambda: samples(pid=ended)[-1].exit)
            fails_with(errno.ENOSPC, lambda: write(three, path),
                       f"{name}: more than max_targets, ended ones included, gives ENOSPC")
            fails_with(errno.EEXIST, lambda: write(two, path),
                       f"{name}: a watched task still gives EEXIST")
            fails_with(errno.ESRCH, lambda: write(free_pid(), path),
                       f"{name}: an unused PID still gives ESRCH")
            write(f"-{ended} {three}", path)
            equal(watched(), [one, two, three], f"{name}: one can be added after another is removed")
            write(f"-{one} -{two} -{three}", path)
    set_parameter("max_targets", 16_384)


def several_commands():
    """In one write: add, stop, start, clear, remove."""
    for name, path in BOTH:
        with process() as one, process() as two:
            text = f"stop {one} +{two}\nclear\tstart -{one}"
            equal(write(text, path), len(text), f"{name}: seven commands in one write")
            ok(wait_until(lambda: len(samples(pid=two)) > 2), f"{name}: all are executed")
            equal(watched(), [two], f"{name}: in order from left to right")
            write(f"-{two}", path)


def main():
    with loaded(period_ms=10):
        for part in (invalid_texts, adding, empty_writes, odd_tasks, a_thread, too_many, several_commands):
            part()
        equal(parse(read()), [], "no sample is left")


run(main)
