#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Reading taskmonitor_tasks: the order of the lines, pieces of any size, targets that come and go meanwhile,
# readers in a PID namespace, who may open it, and that it is gone after the unload.
#
# kernels: uml x86_64 debian
# on demand: matrix

import contextlib
import errno
import os
import signal

from lib.kernel_state import visible
from lib.module import TASKS, is_built_in, load, loaded, read_bytes, unload, write
from lib.processes import child, kill, process
from lib.results import equal, error_of, fails_with, ok, run, skip
from lib.run_as import as_user, in_pid_namespace, with_capabilities
from lib.samples import samples
from lib.tasks import parse, tasks, wait_for_end

CAP_DAC_OVERRIDE = 1


@contextlib.contextmanager
def watched(count):
    """That many watched processes, of which every third has ended; their PIDs."""
    pids = [child(signal.pause) for _ in range(count)]
    write("".join(f"{pid} " for pid in pids))
    for pid in pids[::3]:
        kill(pid)
    wait_for_end(*pids[::3])
    write("stop")
    try:
        yield pids
    finally:
        write("".join(f"-{pid} " for pid in {each.pid for each in tasks()}))
        write("start")
        for pid in pids:
            kill(pid)


def pieces():
    with watched(100) as pids:
        whole = read_bytes(TASKS)
        equal([each.pid for each in parse(whole)], pids, "the lines are in the order in which targets were added")
        equal(list(dict.fromkeys(each.pid for each in samples())), pids, "which is that of the samples")
        for size in (1, 2, 3, 63, 1000, 4095, 4096, 4097, 1 << 20):
            equal(read_bytes(TASKS, size) == whole, True, f"the same text by reads of {size} bytes")
        fd = os.open(TASKS, os.O_RDONLY)
        wrong = [at for at in range(0, len(whole) + 200, 97) if os.pread(fd, 150, at) != whole[at:at + 150]]
        equal(wrong[:3], [], "the same text by pread()")
        os.close(fd)


def changes_meanwhile():
    """A reader that pauses while targets are removed and added."""
    with watched(100) as pids:
        fd = os.open(TASKS, os.O_RDONLY)
        text = os.read(fd, 100)
        write("".join(f"-{pid} " for pid in pids[1:98]))
        with process() as added:
            write(added)
            while got := os.read(fd, 100):
                text += got
            os.close(fd)
            shown = [each.pid for each in parse(text)]
            # seq_file has a page of lines already.
            equal((shown[:1], shown[-2:]), (pids[:1], pids[-2:]),
                  "a reader goes on after those that were removed, up to those that were there when it began")
            equal(shown, [pid for pid in pids if pid in shown], "it sees no line twice and none out of order")
            equal([each.pid for each in tasks()], [pids[0], *pids[98:], added], "the next reader sees what is there")


def in_a_pid_namespace():
    write(f"tree:{os.getpid()}")
    with process() as outside:
        def inside():
            mine = child(signal.pause)
            found = [tuple(each)[:6] for each in tasks()]
            kill(mine)
            wait_for_end(mine)
            return {"mine": mine, "pid": os.getpid(), "tasks": found, "ended": tasks()[-1].ended is not None,
                    "later": [(each.pid, each.parent) for each in tasks()]}

        found = in_pid_namespace(inside)
        mine = found["mine"]
        equal(found["pid"], 1, "a process is the first of its PID namespace")
        equal([(pid, parent) for pid, _, _, parent, _, _ in found["tasks"]], [(1, None), (mine, 1)],
              "inside, PIDs are as numbered there; what is outside is left out, also as a parent")
        equal([root for *_, root, _ in found["tasks"]], [None, None], "a root that is outside is left out")
        equal((found["later"], found["ended"]), ([(1, None), (mine, 1)], True), "an ended task keeps both PIDs")
        by_id = {each.id: each for each in tasks()}
        first, second = (by_id[number] for _, number, *_ in found["tasks"])
        equal((second.parent, first.pid > 1, {first.root, second.root}), (first.pid, True, {os.getpid()}),
              "outside, the same ids have the PIDs from there")
        ok(outside in [each.pid for each in by_id.values()], "outside, all are shown")
    write(f"-tree:{os.getpid()}")


def permissions():
    status = os.stat(TASKS)
    equal((oct(status.st_mode), status.st_uid), ("0o100400", 0), "its mode is 0400, and it belongs to root")

    def error(flags=os.O_RDONLY):
        return error_of(lambda: os.close(os.open(TASKS, flags)))

    equal(as_user(65534, error), errno.EACCES, "another user cannot open it")
    equal(with_capabilities([CAP_DAC_OVERRIDE], error), errno.EPERM, "root without CAP_SYS_ADMIN cannot open it")
    fails_with(errno.EINVAL, lambda: write("clear", TASKS), "nobody can write to it")


def unloading():
    if is_built_in():
        skip("it is gone after the unload", "built in")
        return
    load()
    fd = os.open(TASKS, os.O_RDONLY)
    fails_with(errno.EWOULDBLOCK, unload, "while it is open the module cannot be unloaded")
    os.close(fd)
    unload()
    equal((os.path.exists(TASKS), TASKS in visible()), (False, False), "it is gone after the unload")


def main():
    with loaded(period_ms=10):
        equal(read_bytes(TASKS), b"", "the file is empty after the load")
        for part in (pieces, changes_meanwhile, in_a_pid_namespace, permissions):
            part()
    unloading()


run(main)
