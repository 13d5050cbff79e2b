# SPDX-License-Identifier: GPL-2.0
"""What /proc and the clocks say of tasks and memory, without the module."""

import os
import time
from typing import NamedTuple

# The ticks in which /proc/PID/stat counts. The kernel's own ticks are as long or shorter.
USER_HZ = os.sysconf("SC_CLK_TCK")


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Stat(NamedTuple):
    """Some fields of /proc/PID/stat; times in ticks of USER_HZ."""
    state: str
    user: int
    system: int
    threads: int


def stat(pid, thread=None):
    path = f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat"
    fields = text_of(path).rpartition(")")[2].split()
    return Stat(fields[0], int(fields[11]), int(fields[12]), int(fields[17]))


def run_time_us(pid, thread=None):
    """The run time of one thread, from schedstat."""
    return int(text_of(f"/proc/{pid}/task/{thread or pid}/schedstat").split()[0]) / 1000


def run_delay_us(pid, thread=None):
    """For how long one thread has been runnable without a CPU, from schedstat. Also of a zombie."""
    return int(text_of(f"/proc/{pid}/task/{thread or pid}/schedstat").split()[1]) / 1000


def process_clock_us(pid):
    """The run time of all threads of a process, those that have ended included."""
    return time.clock_gettime_ns(~pid << 3 | 2) / 1000


def switches(pid):
    """The number of context switches of a thread."""
    return sum(int(line.split()[1]) for line in text_of(f"/proc/{pid}/status").splitlines()
               if "ctxt_switches" in line)


def boottime_us():
    """The clock of the samples, CLOCK_BOOTTIME."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def microseconds(seconds):
    """A time of struct rusage, which Python gives as a float, in whole microseconds."""
    return round(seconds * 1_000_000)


def used_us(rusage):
    """User and system time of a struct rusage together."""
    return microseconds(rusage.ru_utime) + microseconds(rusage.ru_stime)


def memory_kib(name):
    """A line of /proc/meminfo, in KiB."""
    for line in text_of("/proc/meminfo").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)
