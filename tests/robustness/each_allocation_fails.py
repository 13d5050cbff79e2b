#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Each allocation of each command, of opening and reading the files, of parameters and of unloading fails once:
# first the first one, then the second one, until none is left. Each time the operation gives ENOMEM or succeeds,
# and the module's state is unchanged or as after success.
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

# Fault injection also makes accesses to user memory fail.
ALLOWED = {errno.ENOMEM, errno.EFAULT}
FAILURES_MAX = 3000


def each(name, action, check, undo=lambda result: None, allowed=frozenset(ALLOWED)):
    """Runs the action with the first failure, the second, …. `undo` reverts an action that succeeded; `check`
    returns what is wrong afterwards."""
    failures, wrong, number = 0, [], 0
    nth = NthFailure()
    for number in range(1, FAILURES_MAX):
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
    note(f"{name}: {number - 1} operations can fail; {failures} failures gave an error")
    ok(number < FAILURES_MAX - 1, f"{name}: the number of failures is limited")
    equal((len(wrong), wrong[:3]), (0, []), f"{name}: each failure gives an allowed error and changes nothing")
    return failures


def count():
    return statistics()["targets"]


def commands(one, two):
    def settle(_error):
        """A command that was executed before the one that failed keeps its effect: it is reverted here."""
        if count() == 2:
            write(f"-{two}")
        return [] if count() == 1 else statistics()

    write(one)
    for path in (SYSFS, DEBUGFS):
        for name, text in (("adding", f"{two}"), ("clear", "clear"), ("two commands", "stop start "),
                           ("adding and removing", f"{two} -{two} ")):
            fd = os.open(path, os.O_WRONLY)
            each(f"{path}: {name}", lambda: os.write(fd, text.encode()), settle)
            os.close(fd)
    # A command that fails ends a write of several.
    text = f"{two} -{two} {two} -{two}\n".encode()
    fd = os.open(DEBUGFS, os.O_WRONLY)
    each("four commands in one write", lambda: os.write(fd, text), settle)
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
            """What was read is the beginning of the text, and the whole text can still be read."""
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
        each(f"{path}: reading at a position", lambda: os.pread(fd, 500, 777), fresh,
             lambda text: middles.append(whole[777:].startswith(text)))
        ok(all(middles), f"{path}: a read at a position gives the text there")
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
    """A failed allocation never makes the unload fail."""
    nth = NthFailure()
    for number in range(1, 40):
        load()
        happened, _, error = nth.run(number, unload)
        if error is not None or is_loaded():
            ok(False, "unloading succeeds", (number, error))
            return
        if not happened:
            break
    nth.close()
    equal(remains(), [], f"unloading succeeds and leaves nothing, for each of {number - 1} failed allocations")


def main():
    prepare()
    with process() as one, process() as two:
        with loaded(period_ms=5):
            commands(one, two)
            reading(one)
            parameters()
            evicting(one)
        unloading()


run(main)
