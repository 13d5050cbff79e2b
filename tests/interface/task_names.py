#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The field `name` of taskmonitor_tasks: the command name of a living task as it is now, of an ended one as it
# was last; after prctl() and exec(). Control characters, backslashes and bytes that are not UTF-8 are escaped.
#
# kernels: uml x86_64 debian
# on demand: matrix in-tree

import contextlib
import os
import signal
import threading
import unicodedata

from lib.module import TASKS, loaded, read_bytes, write
from lib.processes import child, kill, process, wait_until
from lib.results import equal, ok, run
from lib.tasks import task, tasks, wait_for_end


def set_name(name):
    """Names this process; bytes as they are, but for zeroes."""
    with open("/proc/self/comm", "wb", buffering=0) as file:
        file.write(name)


def comm(pid):
    """The name in /proc, without the newline at its end."""
    with open(f"/proc/{pid}/comm", "rb") as file:
        return file.read()[:-1]


def named(name):
    set_name(name)
    signal.pause()


def has_name(pid, name):
    return wait_until(lambda: comm(pid) == name)


def changes():
    """A name that changes, and the one that is left at the end."""
    end, begin = os.pipe()

    def rename():
        while name := os.read(end, 100):
            set_name(name)

    with process(rename) as pid:
        write(pid)
        equal(task(pid).name, comm(pid), "a task has the name in /proc")
        for name in (b"first", b"a name of spaces", b"much too long for a name", b"x", b" "):
            os.write(begin, name)
            ok(has_name(pid, name[:15]), f"/proc: {name}")
            equal(task(pid).name, name[:15], "a name that is changed is shown at once, cut to 15 bytes")
        os.write(begin, b"the last one")
        has_name(pid, b"the last one")
        kill(pid)
        ok(wait_for_end(pid), "it ends")
        equal(task(pid).name, b"the last one", "an ended task has its last name")
        write(f"-{pid}")


def after_exec():
    """exec() by the leader, by another thread, and right before the end."""
    def exec_by_thread():
        thread = threading.Thread(target=os.execv, args=("/bin/sleep", ["sleep", "1000"]))
        thread.start()
        thread.join()

    for who, function in (("a leader", lambda: os.execv("/bin/sleep", ["sleep", "1000"])),
                          ("another thread", exec_by_thread)):
        go, begin = os.pipe()
        with process(lambda: (os.read(go, 1), function())) as pid:
            write(pid)
            before = task(pid)
            os.write(begin, b"x")
            ok(has_name(pid, b"sleep"), f"exec by {who}")
            after = task(pid)
            equal((after.name, after.pid, after.id, after.started), (b"sleep", pid, before.id, before.started),
                  f"after exec by {who} it is the same target with a new name")
            kill(pid)
            ok(wait_for_end(pid), "it ends")
            equal((task(pid).name, task(pid).status), (b"sleep", signal.SIGKILL), "and keeps that name")
            write(f"-{pid}")
        os.close(begin)
    write(f"tree:{os.getpid()}")
    pids = [child(lambda: os.execv("/bin/true", ["any"])) for _ in range(20)]
    for pid in pids:
        os.waitpid(pid, 0)
    ok(wait_for_end(*pids), "20 programs run within a period")
    equal({task(pid).name for pid in pids}, {b"true"}, "each has the name of its program")
    write(f"-tree:{os.getpid()}")


def escaped(name):
    """What the file shows for a name."""
    def shown(character):
        data = character.encode("utf-8", "surrogateescape")
        is_plain = unicodedata.category(character) not in ("Cc", "Cs") and character != "\\"
        return data if is_plain else b"".join(b"\\%03o" % byte for byte in data)
    return b"".join(map(shown, name.decode("utf-8", "surrogateescape")))


def escapes():
    each_byte = [bytes(range(first, min(first + 15, 256))) for first in range(1, 256, 15)]
    special = [b"a\\134b", b"\\", b"a\nb", b"name id 3", "äö\u20ac".encode(), "\u0085\u00a0".encode(),
               b"\xe2\x82", b"\xc3\xa4\xc3", b"\xed\xa0\x80", b"\xf5\xff\xc0\xaf", "\U0001f600".encode() * 4,
               b"\xff" * 15]
    with contextlib.ExitStack() as running:
        pids = {}
        for name in each_byte + special:
            pid = running.enter_context(process(lambda name=name: named(name)))
            pids[pid] = name[:15]
            write(pid)
        ok(wait_until(lambda: all(comm(pid) == name for pid, name in pids.items())), "each has its name",
           [(comm(pid), name) for pid, name in pids.items() if comm(pid) != name])
        lines = read_bytes(TASKS).split(b"\n")
        equal((len(lines), lines[-1]), (len(pids) + 1, b""), "each task is one line")
        wrong = [(name, line) for name, line in zip(pids.values(), lines)
                 if line.partition(b" name ")[2] != escaped(name)]
        equal(wrong[:3], [], "control characters, backslashes and bytes that are not UTF-8 are escaped, and no others")
        equal({each.pid: each.name for each in tasks()}, pids, "without the escapes, it is the name in /proc")
        read_bytes(TASKS).decode("utf-8")
        ok(True, "the file is UTF-8")
        write("".join(f"-{pid} " for pid in pids))


def main():
    with loaded(period_ms=10):
        for part in (changes, after_exec, escapes):
            part()


run(main)
