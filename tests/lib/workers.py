# SPDX-License-Identifier: GPL-2.0
"""For tests of races: processes that each do one thing over and over, and tell what went wrong."""

import contextlib
import errno
import mmap
import os
import random
import signal
import struct
import time
import traceback

from lib.module import DEBUGFS, PARAMETERS, SHRINKERS, STATISTICS, SYSFS, is_loaded, write
from lib.processes import burn_and_sleep, wait_until
from lib.samples import parse, problems

# What each worker is to do.
LEAST_ROUNDS = 4
_COUNTER = struct.Struct("Q")

SEED = os.environ.get("TASKMONITOR_SEED", "20261123")


class Workers:
    """Processes at work until they are told to stop."""

    def __init__(self):
        self.pipes, self.counters = {}, []

    def start(self, function, *arguments):
        """`function(round, …)` once a round; it gives what is wrong, if anything."""
        end, begin = os.pipe()
        counter = mmap.mmap(-1, _COUNTER.size)
        self.counters.append(counter)
        pid = os.fork()
        if pid == 0:
            os.close(end)
            work(begin, counter, function, arguments)
        os.close(begin)
        self.pipes[pid] = (end, f"{function.__name__}{arguments or ''}")

    def wait_for_each(self):
        """Until each has done some rounds, however little time it gets."""
        wait_until(lambda: all(_COUNTER.unpack_from(counter)[0] >= LEAST_ROUNDS
                               for counter in self.counters), 600)

    def stop(self):
        """What each did: {name: (rounds, what was wrong)}."""
        for pid in self.pipes:
            os.kill(pid, signal.SIGTERM)
        told = {}
        for pid, (end, name) in self.pipes.items():
            with os.fdopen(end, "r") as pipe:
                rounds, _, wrong = pipe.read().partition("\n")
            os.waitpid(pid, 0)
            told[name] = (int(rounds or 0), wrong)
        return told


def work(begin, counter, function, arguments):
    """The life of such a process."""
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    random.seed(f"{SEED} {os.getpid()}")
    rounds, wrong = 0, ""
    while not stopping:
        try:
            wrong = wrong or str(function(rounds, *arguments) or "")
        except OSError as error:
            wrong = wrong or f"{error!r} {traceback.format_exc()}"
        except Exception:  # to be told, whatever it is
            wrong = wrong or traceback.format_exc()
        rounds += 1
        _COUNTER.pack_into(counter, 0, rounds)
        if not is_loaded():
            # Loading takes a while, and takes it on the same CPUs.
            time.sleep(0.02)
    os.write(begin, f"{rounds}\n{wrong[:3000]}".encode())
    os._exit(0)


@contextlib.contextmanager
def may_fail(*errors):
    """What fails because the module is not there, or goes meanwhile, or because somebody else was first."""
    try:
        yield
    except (FileNotFoundError, *errors):
        pass
    except OSError as error:
        if error.errno not in (errno.EIO, errno.ENODEV, errno.ENXIO):
            raise


def read_history(_round, path, size, steady):
    """A reader judges its own stream; tasks that come and go are told apart from the steady ones.
    Eviction may overtake it."""
    with may_fail():
        fd = os.open(path, os.O_RDONLY)
        try:
            text = b"".join(iter(lambda: os.read(fd, size), b""))
        finally:
            os.close(fd)
        history = parse(text.decode())
        return problems([each for each in history if each.pid in steady], may_be_overtaken=True)[:3]
    return None


def seek_about(_round):
    with may_fail():
        fd = os.open(DEBUGFS, os.O_RDONLY)
        try:
            for _ in range(5):
                os.lseek(fd, random.randrange(200_000), os.SEEK_SET)
                os.read(fd, random.choice((1, 100, 5000)))
                os.pread(fd, 300, random.randrange(3000))
        finally:
            os.close(fd)


def add_and_remove(_round, pids):
    pid = random.choice(pids)
    for word in (f"{pid}", f"-{pid}"):
        with may_fail(FileExistsError, ProcessLookupError):
            write(word, random.choice((SYSFS, DEBUGFS)))


def fork_and_die(_round):
    """A target that ends about when it is added and taken away."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    with may_fail(ProcessLookupError):
        write(pid, DEBUGFS)
    os.waitpid(pid, 0)
    if random.random() < 0.9:
        with may_fail(ProcessLookupError):
            write(f"-{pid}", SYSFS)


def fork_a_family(_round):
    """A process that is followed, with a child and a grandchild that end at once."""
    with may_fail(FileExistsError):
        write(f"tree:{os.getpid()}", DEBUGFS)
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            if os.fork():
                os.wait()
            os._exit(0)
        os.waitpid(pid, 0)
    with may_fail(ProcessLookupError):
        write(f"-tree:{os.getpid()}", SYSFS)


def say(_round, *words):
    with may_fail():
        write(random.choice(words), random.choice((SYSFS, DEBUGFS)))
    time.sleep(0.003)


def evict(_round):
    with may_fail():
        for name in os.listdir(SHRINKERS):
            if name.startswith("taskmonitor"):
                write(f"0 0 {random.choice((1, 3, 1000))}\n", f"{SHRINKERS}/{name}/scan")
    time.sleep(0.002)


def change_parameters(_round):
    with may_fail():
        write(f"{random.choice((1, 2, 5, 100))}\n", f"{PARAMETERS}/period_ms")
        write(f"{random.choice((0, 1, 10, 1000))}\n", f"{PARAMETERS}/max_samples")
    time.sleep(0.002)


def read_statistics(_round):
    with may_fail():
        with open(STATISTICS, encoding="ascii") as file:
            numbers = {name: int(value) for name, value in (line.split() for line in file)}
        if numbers["created"] != numbers["alive"] + numbers["evicted"] + numbers["removed"]:
            return numbers
    return None


@contextlib.contextmanager
def busy_processes(count):
    """Processes that run and sleep, for the length of the block."""
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            burn_and_sleep()
        pids.append(pid)
    try:
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
