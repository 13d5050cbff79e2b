# SPDX-License-Identifier: GPL-2.0
"""Processes that each repeat one operation on the module, and report what went wrong. For tests of races."""

import contextlib
import errno
import mmap
import os
import random
import signal
import struct
import time
import traceback

from lib.module import DEBUGFS, PARAMETERS, STATISTICS, SYSFS, adds_up, is_loaded, shrink, write
from lib.processes import burn_and_sleep, child, process, wait_until
from lib.samples import parse, problems

# Each worker must do at least so many rounds.
ROUNDS_MIN = 4
_COUNTER = struct.Struct("Q")

SEED = os.environ.get("TASKMONITOR_SEED", "20261123")


class Workers:
    """Processes that work until stop() is called."""

    def __init__(self):
        self.pipes, self.counters = {}, []

    def start(self, function, *arguments):
        """Starts a process that calls `function(round, …)` once in each round. The function returns what is
        wrong, or nothing."""
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
        """Waits until each has done ROUNDS_MIN rounds, however little CPU time it gets."""
        wait_until(lambda: all(_COUNTER.unpack_from(counter)[0] >= ROUNDS_MIN
                               for counter in self.counters), 600)

    def stop(self):
        """Stops the processes. {name: (rounds, what was wrong)}."""
        for pid in self.pipes:
            os.kill(pid, signal.SIGTERM)
        reports = {}
        for pid, (end, name) in self.pipes.items():
            with os.fdopen(end, "r") as pipe:
                rounds, _, wrong = pipe.read().partition("\n")
            os.waitpid(pid, 0)
            reports[name] = (int(rounds or 0), wrong)
        return reports


def work(begin, counter, function, arguments):
    """The main loop of such a process."""
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    random.seed(f"{SEED} {os.getpid()}")
    rounds, wrong = 0, ""
    while not stopping:
        try:
            wrong = wrong or str(function(rounds, *arguments) or "")
        except OSError as error:
            wrong = wrong or f"{error!r} {traceback.format_exc()}"
        except Exception:  # any exception is reported
            wrong = wrong or traceback.format_exc()
        rounds += 1
        _COUNTER.pack_into(counter, 0, rounds)
        if not is_loaded():
            # A load takes some time, on the same CPUs.
            time.sleep(0.02)
    os.write(begin, f"{rounds}\n{wrong[:3000]}".encode())
    os._exit(0)


@contextlib.contextmanager
def may_fail(*errors):
    """Ignores errors of operations on a module that is not loaded or is being unloaded, and the given ones:
    another process may have been first."""
    try:
        yield
    except (FileNotFoundError, *errors):
        pass
    except OSError as error:
        if error.errno not in (errno.EIO, errno.ENODEV, errno.ENXIO):
            raise


def read_history(_round, path, size, steady):
    """Reads the file and checks the samples of the steady tasks, which are watched all the time. Eviction
    may overtake the reader."""
    with may_fail():
        fd = os.open(path, os.O_RDONLY)
        try:
            text = b"".join(iter(lambda: os.read(fd, size), b""))
        finally:
            os.close(fd)
        history = parse(text.decode())
        return problems([each for each in history if each.pid in steady], may_be_overtaken=True)[:3]
    return None


def seek_randomly(_round):
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
    for command in (f"{pid}", f"-{pid}"):
        with may_fail(FileExistsError, ProcessLookupError):
            write(command, random.choice((SYSFS, DEBUGFS)))


def add_exiting(_round):
    """Adds and removes a child that exits at about that time."""
    pid = child(lambda: None)
    with may_fail(ProcessLookupError):
        write(pid, DEBUGFS)
    os.waitpid(pid, 0)
    if random.random() < 0.9:
        with may_fail(ProcessLookupError):
            write(f"-{pid}", SYSFS)


def fork_followed(_round):
    """Follows this process while it forks children and grandchildren that exit at once."""
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


def send(_round, *commands):
    with may_fail():
        write(random.choice(commands), random.choice((SYSFS, DEBUGFS)))
    time.sleep(0.003)


def evict(_round):
    with may_fail():
        shrink(random.choice((1, 3, 1000)))
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
        if not adds_up(numbers):
            return numbers
    return None


@contextlib.contextmanager
def busy_processes(count):
    """That many processes that use CPU time and sleep by turns, for the length of the block; their PIDs."""
    with contextlib.ExitStack() as running:
        yield [running.enter_context(process(burn_and_sleep)) for _ in range(count)]
