# SPDX-License-Identifier: GPL-2.0
"""What is measured: each part yields figures as (name, value)."""

from load import Load
from parts.crowd import crowd
from parts.forks import forks
from parts.history import history
from measure import output
from module import Recorder

MS = 1000
TARGETS = 100


def clock():
    """A loop of a known number of instructions, to see that a nanosecond is one."""
    instructions, nanoseconds = map(int, output("meter", "clock"))
    yield "clock_insns_per_ns", instructions / nanoseconds


def others():
    """What user space has, for a task that sleeps."""
    with Load("processes", 1) as load:
        words = output("others", load.tasks[0])
    yield from zip(words[::2], map(int, words[1::2]))


def idle():
    with Recorder(1 * MS) as recorder, Load("processes", TARGETS) as load:
        recorder.watch(load.tasks)
        recorder.wait_for_passes(10)
        yield "sample_idle_insns", recorder.sample_cost(2000)
        yield "bytes_per_sample_idle", recorder.bytes_per_sample()


def processes():
    with Recorder(20 * MS) as recorder, \
            Load("processes", TARGETS, 20 * MS, 60, 60) as load:
        recorder.watch(load.tasks)
        load.start_after_pass(recorder)
        recorder.wait_for_passes(100)
        yield "sample_busy_process_insns", recorder.sample_cost(100)


def heavy():
    """Few tasks that take much of the CPU: deltas of tens of milliseconds."""
    with Recorder(100 * MS) as recorder, Load("threads", 4, 100 * MS, 25 * MS, 4 * MS) as load:
        recorder.watch(load.tasks)
        load.start_after_pass(recorder)
        recorder.wait_for_passes(400)
        yield "bytes_per_sample_heavy", recorder.bytes_per_sample()
        yield from recorder.mean_deltas("heavy")


PARTS = {part.__name__: part for part in (clock, others, idle, processes, heavy, forks, history,
                                        crowd)}
