# SPDX-License-Identifier: GPL-2.0
"""How late this machine wakes up other processes that sleep until deadlines a period apart, as the sampler
does. For tests of the schedule."""

import contextlib
import ctypes
import mmap
import os
import struct
import time
from typing import NamedTuple

from lib.proc import boottime_us
from lib.processes import process, wait_until

_ENTRY = struct.Struct("QQ")
_ENTRIES = 1 << 15
_COUNT = struct.Struct("Q")
_MCL_CURRENT = 1


def stay_in_memory():
    """Locks the pages that this process has now, so that the kernel does not reclaim them."""
    ctypes.CDLL(None).mlockall(_MCL_CURRENT)


class Wakeup(NamedTuple):
    """When a wakeup was due and when it came, in microseconds since boot."""
    due: int
    came: int


class _Sleeper:
    """A process on one CPU, with the sampler's default priority, that sleeps until deadlines a period apart
    and records its wakeups. A late wakeup does not move the deadlines."""

    def __init__(self, cpu, period_us, origin_us):
        self.cpu, self.period_us, self.origin_us = cpu, period_us, origin_us
        self.shared = mmap.mmap(-1, _COUNT.size + _ENTRIES * _ENTRY.size)

    def sleep_and_wake(self):
        os.sched_setaffinity(0, {self.cpu})
        stay_in_memory()
        due = self.origin_us
        for number in range(_ENTRIES):
            now = boottime_us()
            due += max(1, -((due - now) // self.period_us)) * self.period_us
            time.sleep(max(0, due - boottime_us()) / 1_000_000)
            _ENTRY.pack_into(self.shared, _COUNT.size + number * _ENTRY.size, due, boottime_us())
            _COUNT.pack_into(self.shared, 0, number + 1)

    def wakeups(self):
        count, = _COUNT.unpack_from(self.shared)
        return [Wakeup(*_ENTRY.unpack_from(self.shared, _COUNT.size + number * _ENTRY.size))
                for number in range(count)]


class OtherSleepers:
    """One such process on each CPU: the sampler may run on any."""

    def __init__(self, sleepers, period_us):
        self.sleepers, self.period_us = sleepers, period_us

    def delays(self, begin_us, end_us):
        """The delays in microseconds of the wakeups that were due or came in that time: a list for each CPU."""
        wait_until(lambda: all((each.wakeups() or [(0, 0)])[-1][0] > end_us for each in self.sleepers))
        return [[each.came - each.due for each in sleeper.wakeups()
                 if each.due <= end_us and each.came >= begin_us] for sleeper in self.sleepers]

    def late(self, begin_us, end_us):
        """The number of wakeups that came a period late or more."""
        return sum(delay >= self.period_us for cpu in self.delays(begin_us, end_us) for delay in cpu)

    def missed(self, begin_us, end_us):
        """The number of periods without a wakeup."""
        return sum(delay // self.period_us for cpu in self.delays(begin_us, end_us) for delay in cpu)


@contextlib.contextmanager
def other_sleepers(period_ms, origin_us):
    """Such processes for the length of the block. Their deadlines are whole periods after the origin."""
    sleepers = [_Sleeper(cpu, period_ms * 1000, origin_us) for cpu in range(os.cpu_count())]
    with contextlib.ExitStack() as running:
        for sleeper in sleepers:
            running.enter_context(process(sleeper.sleep_and_wake))
        wait_until(lambda: all(sleeper.wakeups() for sleeper in sleepers))
        yield OtherSleepers(sleepers, period_ms * 1000)
