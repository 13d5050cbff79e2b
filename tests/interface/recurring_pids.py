#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# PIDs that are used again in a tree: each life of a PID has an id, a parent, a name and a status of its own.
# -id: removes one of them, living or ended, -ended all that have ended, and -PID all lives.
#
# kernels: uml x86_64
# on demand: matrix

import errno
import os
import random
import signal
from typing import NamedTuple

from lib.clone import fork_as, free_pid
from lib.module import DEBUGFS, SYSFS, loaded, statistics, write
from lib.processes import child, kill
from lib.results import equal, fails_with, ok, run
from lib.samples import samples
from lib.tasks import tasks, wait_for_end

SEED = 20261130


class Life(NamedTuple):
    """What is known of one life of a PID."""
    pid: int
    parent: int
    name: bytes
    status: int


def live(pid, number):
    """Runs a process with that PID, which a child of this process forks and waits for."""
    end, begin = os.pipe()
    name = b"life %d" % number

    def life():
        with open("/proc/self/comm", "wb", buffering=0) as file:
            file.write(name)
        os._exit(number)

    def parent():
        fork_as(pid, life)
        os.write(begin, str(os.waitpid(pid, 0)[1]).encode())

    forked_by = child(parent)
    os.waitpid(forked_by, 0)
    os.close(begin)
    with os.fdopen(end) as pipe:
        return Life(pid, forked_by, name, int(pipe.read()))


def lives_of(pids):
    """The lives of these PIDs that the file shows, and their ids."""
    shown = [each for each in tasks() if each.pid in pids]
    return [Life(each.pid, each.parent, each.name, each.status) for each in shown], [each.id for each in shown]


def each_its_own(pids):
    """Ten lives of each PID, in random order."""
    order = pids * 10
    random.seed(SEED)
    random.shuffle(order)
    write(f"tree:{os.getpid()}")
    lives = [live(pid, number) for number, pid in enumerate(order)]
    ok(wait_for_end(*pids), f"{len(lives)} lives of {len(pids)} PIDs")
    found, ids = lives_of(pids)
    equal(found, lives, "each has the parent, the name and the status of its own")
    equal((len(set(ids)), sorted(ids)), (len(lives), ids), "each has an id of its own")
    return lives, ids


def remove_by_id(lives, ids):
    """Ended ones, in random order, written to both files."""
    left = list(zip(ids, lives))
    wrong = []
    for path in (SYSFS, DEBUGFS) * 10:
        number, _ = left.pop(random.randrange(len(left)))
        write(f"-id:{number}", path)
        expected = [life for _, life in left], [number for number, _ in left]
        if lives_of({life.pid for life in lives}) != expected:
            wrong.append(number)
        fails_with(errno.ESRCH, lambda: write(f"-id:{number}", path), f"-id:{number} again gives ESRCH")
    equal(wrong, [], "-id: removes that life, and leaves all others")
    last = max(each.id for each in tasks())
    fails_with(errno.ESRCH, lambda: write(f"-id:{last + 1}"), "an id that no target has had gives ESRCH")
    fails_with(errno.ESRCH, lambda: write(f"-id:{2**31 - 1}"), "the greatest id gives ESRCH")
    for text in ("-id:", "-id:0", "-id:+1", "-id:1x", "id:1", f"-id:{2**31}"):
        fails_with(errno.EINVAL, lambda: write(text), f"{text} gives EINVAL")


def remove_all_lives(pids):
    for pid in pids:
        write(f"-{pid}")
        equal(lives_of([pid]), ([], []), "-PID removes all lives")
        fails_with(errno.ESRCH, lambda: write(f"-{pid}"), "-PID again gives ESRCH")
    ok(statistics()["targets"] > 1, "other targets are left")
    write("-ended")
    equal([(each.pid, each.ended) for each in tasks()], [(os.getpid(), None)], "-ended leaves what lives")


def living_and_ended(pid):
    """A PID whose first life has ended and whose second one lives."""
    def second_life():
        return fork_as(pid, signal.pause)

    live(pid, 1)
    ok(wait_for_end(pid), "the first life has ended")
    second_life()
    _, (old, new) = lives_of([pid])
    write(f"-id:{old}")
    equal([(each.id, each.ended) for each in tasks() if each.pid == pid], [(new, None)],
          "-id: of the ended life leaves the living one")
    equal(samples(pid=pid)[0].num, 0, "with its samples")
    kill(pid)
    ok(wait_for_end(pid), "the second life has ended")
    second_life()
    _, (old, new) = lives_of([pid])
    before = [each for each in samples(pid=pid) if each.exit]
    write(f"-id:{new}")
    equal([each.id for each in tasks() if each.pid == pid], [old], "-id: of the living one leaves the ended life")
    equal(samples(pid=pid)[-1:], before, "with its exit sample")
    write(pid)
    ok(lives_of([pid])[1][-1] > new, "the living one can be added, and has a new id")
    write(f"-{pid}")
    equal(lives_of([pid]), ([], []), "-PID removes the living and the ended ones")
    kill(pid)


def remove_ended():
    """-ended removes exactly those that have ended."""
    pids = [child(signal.pause) for _ in range(50)]
    ended = random.sample(pids, 30)
    for pid in ended:
        kill(pid)
    ok(wait_for_end(*ended), "30 of 50 have ended")
    for path in (SYSFS, DEBUGFS):
        write("-ended", path)
        equal([each.pid for each in tasks()], [os.getpid(), *(pid for pid in pids if pid not in ended)],
              "-ended removes exactly these; once more, nothing")
    after = statistics()
    equal((after["targets"], after["lost"]), (1 + 20, 0), "the others are counted as targets")
    equal(after["created"], after["alive"] + after["evicted"] + after["removed"], "the statistics add up")
    for pid in pids:
        kill(pid)


def main():
    pids = [free_pid() for _ in range(8)]
    with loaded(period_ms=10):
        lives, ids = each_its_own(pids)
        remove_by_id(lives, ids)
        remove_all_lives(pids)
        living_and_ended(pids[0])
        remove_ended()
        write(f"-tree:{os.getpid()}")
        equal((statistics()["targets"], statistics()["alive"]), (0, 0), "-tree: removes what is left")


run(main)
