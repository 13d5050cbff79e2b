# SPDX-License-Identifier: GPL-2.0
"""2,000 processes as a machine has them, all followed: instructions in a second, bytes in a day.

1,900 processes sleep, 100 work a little in each second, and 50 short-lived ones are started in each
second (programs/machine.c).

The instructions are the sum of passes, of the wake-ups for them, and of what the module does for
each of the short-lived processes. The CPU time of the whole machine is no better measure: it grows
by less, and may even fall, because there are fewer context switches and interrupts when ended tasks
are freed by the passes, many at once.
"""

import contextlib
import os
import signal
import subprocess
import time

from statistics import linear_regression

from measure import program
from module import Module
from parts import idle
from parts.forks import short_life
from sampler import cpu_time_ns, object_size

IDLE, BUSY, SHORT_LIVED = 1900, 100, 50
MS = 1000
DAY = 24 * 60 * 60
# Some more than live, so that ended targets are displaced from the beginning.
MAX_TARGETS = 2203
MAX_TARGETS_DEFAULT = 16384
READINGS_S = 5
# Name; period; seconds until each task has its second segment; seconds to measure.
PERIODS = (("100ms", 0.1, 30, 150), ("1s", 1, 30, 300))


@contextlib.contextmanager
def processes():
    """The processes; yields the PID of their parent."""
    command = [program("machine"), *map(str, (IDLE, BUSY, SHORT_LIVED))]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                          start_new_session=True) as parent:
        try:
            yield int(parent.stdout.readline())
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def sleep_seconds(seconds):
    """Sleeps until the first moment of a second, so many later, at which no process works and no
    pass is made."""
    begin = time.monotonic()
    time.sleep(int(begin) + seconds + 0.02 - begin)


def wake_insns(module, parent):
    """Instructions to wake the sampler for a pass, while nothing else runs."""
    os.killpg(parent, signal.SIGSTOP)
    sleep_seconds(5)
    before, cpu_before = module.statistics(), cpu_time_ns()
    sleep_seconds(30)
    cpu_after, after = cpu_time_ns(), module.statistics()
    os.killpg(parent, signal.SIGCONT)
    spent = cpu_after - cpu_before - (after["pass_ns"] - before["pass_ns"])
    return spent / (after["passes"] - before["passes"])


def grown_in_a_second(module, seconds):
    """The growth of each statistic in a second, by many readings: memory is taken in segments."""
    times, readings = [], []
    for _ in range(seconds // READINGS_S):
        times.append(time.monotonic())
        readings.append(module.statistics())
        sleep_seconds(READINGS_S)
    return {name: linear_regression(times, [reading[name] for reading in readings]).slope
            for name in readings[0]}


def mib_in_a_day(bytes_in_a_second, period):
    """All memory after a day: what grows, the segments of idle tasks, which last longer than this
    part does, and the targets that have ended, of which max_targets are kept."""
    bytes_idle = idle.figures()["bytes_per_sample_idle"] * IDLE / period
    ended = object_size("taskmonitor_target") + object_size("taskmonitor_small")
    return ((bytes_in_a_second + bytes_idle) * DAY + MAX_TARGETS_DEFAULT * ended) / 2**20


def machine():
    life = short_life()["short_life_displacing_insns"]
    idle.figures()
    with processes() as parent, Module(100 * MS, max_targets=MAX_TARGETS, max_samples=0) as module:
        module.start_with(f"tree:{parent}")
        sleep_seconds(5)
        waking = wake_insns(module, parent)
        yield "machine_wake_insns", waking
        for name, period, warm_up, seconds in PERIODS:
            module.set("period_ms", int(period * 1000))
            module.send("clear")
            sleep_seconds(warm_up)
            grown = grown_in_a_second(module, seconds)
            yield f"machine_insns_{name}", (
                grown["pass_ns"] + grown["passes"] * waking + SHORT_LIVED * life)
            yield f"machine_pass_insns_{name}", grown["pass_ns"]
            yield f"machine_growth_mib_day_{name}", grown["bytes"] * DAY / 2**20
            yield f"machine_mib_day_{name}", mib_in_a_day(grown["bytes"], period)
            if module.statistics()["lost"]:
                raise SystemExit("bench: not all forks were followed")
