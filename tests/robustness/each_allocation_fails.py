#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Every allocation of every word, of opening, reading, parameters and unloading fails once, the first,
# the second and so on until none is left: ENOMEM or success each time, and the module as it was.
#
# kernels: uml

import errno
import os

from lib.fault_injection import NthFailure, prepare
from lib.kernel_state import remains
from lib.module import (DEBUGFS, PARAMETERS, STATISTICS, SYSFS, is_loaded, load, loaded, read, set_parameter,
                        shrinker, statistics, unload, write)
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples

# A user's memory that cannot be reached is injected like an allocation that fails.
ALLOWED = {errno.ENOMEM, errno.EFAULT}
MOST = 3000


def each(name, action, check, undo=lambda result: None, allowed=frozenset(ALLOWED)):
    """`undo` takes back what succeeded; `check` gives what is wrong after a failure."""
    failures, wrong, number = 0, [], 0
    nth = NthFailure()
    for number in range(1, MOST):
        happened, result, error = nth.run(number, action)
        if error is None:
            undo(result)
        else:
            failures += 1
            if error not in allowed:
                wrong.append((number, errno.errorcode.get(error, error)))
        if problem := check(error):
            wrong.append((number, error, problem))
        if not happened:
            break
    nth.close()
    note(f"{name}: {number - 1} things that can fail, {failures} of which were told of")
    ok(number < MOST - 1, f"{name}: comes to an end")
    equal((len(wrong), wrong[:3]), (0, []), f"{name}: each failure is told, and leaves nothing")
    return failures


def count():
    return statistics()["targets"]


def words(one, two):
    def settle(_error):
        """A word that was obeyed before one that failed stays so."""
        if count() == 2:
            write(f"-{two}")
        return [] if count() == 1 else statistics()

    write(one)
    for path in (SYSFS, DEBUGFS):
        for name, word, after in (("adding", f"{two}", lambda _: None),
                                  ("clear", "clear", lambda _: None),
                                  ("two words", "stop start ", lambda _: None),
                                  ("taking away", f"{two} -{two} ", lambda _: None)):
            fd = os.open(path, os.O_WRONLY)
            each(f"{path}: {name}",
                 lambda: os.write(fd, word.encode()),
                 settle, after)
            os.close(fd)
    # A word that fails stops a write of several.
    text = f"{two} -{two} {two} -{two}\n".encode()
    fd = os.open(DEBUGFS, os.O_WRONLY)
    each("four words in one write", lambda: os.write(fd, text), settle)
    os.close(fd)
    write(f"-{one}")


def reading(one):
    write(one)
    wait_until(lambda: len(samples()) > 150)
    write("stop")
    for path in (DEBUGFS, SYSFS, STATISTICS):
        whole = read(path).encode()
        each(f"{path}: opening", lambda: os.open(path, os.O_RDONLY), lambda _: [], os.close)
        got, middles = [], []

        def fresh(_):
            """What was read is a beginning of the text, and all of it can still be read."""
            nonlocal fd
            wrong = [text[-50:] for text in got if whole[:len(text)] != text]
            got.clear()
            os.lseek(fd, 0, os.SEEK_SET)
            again = b"".join(iter(lambda: os.read(fd, 65536), b""))
            os.close(fd)
            fd = os.open(path, os.O_RDONLY)
            return wrong or ([] if again == whole else [again[-50:]])

        fd = os.open(path, os.O_RDONLY)
        each(f"{path}: reading", lambda: os.read(fd, 65536), fresh, got.append)
        each(f"{path}: reading in the middle", lambda: os.pread(fd, 500, 777), fresh,
             lambda text: middles.append(whole[777:].startswith(text)))
        ok(all(middles), f"{path}: what is read in the middle is the middle")
        os.close(fd)
    write(f"start -{one}")


def parameters():
    fd = os.open(f"{PARAMETERS}/max_samples", os.O_WRONLY)
    set_parameter("max_samples", 100)
    each("a parameter", lambda: os.pwrite(fd, b"50", 0),
         lambda error: [] if read(f"{PARAMETERS}/max_samples") in
         (("100\n", "50\n") if error else ("50\n",)) else ["lost"])
    os.close(fd)


def evicting(one):
    write(one)
    fd = os.open(f"{shrinker()}/scan", os.O_WRONLY)
    each("the shrinker", lambda: os.write(fd, b"0 0 1000"), lambda _: [])
    os.close(fd)
    write(f"-{one}")


def unloading():
    """It cannot be refused for want of memory."""
    nth = NthFailure()
    for number in range(1, 40):
        load()
        happened, _, error = nth.run(number, unload)
        if error is not None or is_loaded():
            ok(False, "unloading never fails", (number, error))
            return
        if not happened:
            break
    nth.close()
    equal(remains(), [], f"unloading never fails, with each of {number - 1} allocations failing")


def main():
    prepare()
    with process() as one, process() as two:
        with loaded(period_ms=5):
            words(one, two)
            reading(one)
            parameters()
            evicting(one)
        unloading()


run(main)
