# SPDX-License-Identifier: GPL-2.0
"""All parts of the benchmark. Each part yields figures as (name, value)."""

from load import Load
from parts.crowd import crowd
from parts.forks import forks
from parts.history import herd, history
from parts.idle import idle
from parts.machine import machine
from parts.peer import peer
from parts.tree import tree
from measure import output
from module import Module

MS = 1000
TARGETS = 100


def clock():
    """A loop of a known number of instructions: checks that a nanosecond is one instruction."""
    instructions, nanoseconds = map(int, output("meter", "clock"))
    yield "clock_insns_per_ns", instructions / nanoseconds


def others():
    """The ways that user space has to read the CPU time of a task, here a sleeping one."""
    with Load("processes", 1) as load:
        printed = output("others", load.tasks[0])
    yield from zip(printed[::2], map(int, printed[1::2]))


def processes():
    with Module(20 * MS) as module, \
            Load("processes", TARGETS, 20 * MS, 60, 60) as load:
        load.work_watched_by(module, 100)
        yield "sample_busy_process_insns", module.sample_cost(100)


def heavy():
    """A few tasks that use much of the CPU: deltas of tens of milliseconds."""
    with Module(100 * MS) as module, Load("threads", 4, 100 * MS, 25 * MS, 4 * MS, "herd") as load:
        load.work_watched_by(module, 1200)
        yield "bytes_per_sample_heavy", module.bytes_per_sample()
        yield from module.mean_deltas("heavy")


PARTS = {part.__name__: part for part in (clock, others, peer, idle, processes, heavy, herd, forks,
                                         tree, history, crowd, machine)}
