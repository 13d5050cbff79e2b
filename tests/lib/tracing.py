# SPDX-License-Identifier: GPL-2.0
"""The kernel's own tracepoints, for comparison: CPU time that the scheduler accounts, work items,
forks."""

import collections
import contextlib
import os
import re

from lib.proc import text_of
from lib.results import need

TRACING = "/sys/kernel/tracing"


def trace_control(name, value):
    with open(f"{TRACING}/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


class AccountedTime:
    """The CPU time that the scheduler accounts to each task, in nanoseconds: `times` in all,
    `late_times` after the task began to exit."""

    def __init__(self):
        need(os.path.exists(f"{TRACING}/events/sched/sched_stat_runtime"), "no event sched_stat_runtime")
        trace_control("buffer_size_kb", 16384)
        trace_control("trace_clock", "boot")
        for event in ("sched_stat_runtime", "sched_process_exit"):
            trace_control(f"events/sched/{event}/enable", 1)
        self.times = collections.Counter()
        self.late_times = collections.Counter()
        self.lost = 0

    def collect(self):
        """Adds up what is in the trace buffer and empties it. No task of interest may run meanwhile."""
        trace_control("tracing_on", 0)
        self.lost += sum(int(re.search(r"overrun: (\d+)", text_of(f"{TRACING}/per_cpu/{cpu}/stats"))[1])
                         for cpu in os.listdir(f"{TRACING}/per_cpu"))
        exiting = set()
        for event, task, runtime_ns in re.findall(
                r" (sched_stat_runtime|sched_process_exit): comm=.* pid=(\d+)(?: runtime=(\d+) \[ns\])?",
                text_of(f"{TRACING}/trace")):
            if event == "sched_process_exit":
                exiting.add(task)
            else:
                self.times[int(task)] += int(runtime_ns)
                self.late_times[int(task)] += int(runtime_ns) if task in exiting else 0
        trace_control("trace", "")
        trace_control("tracing_on", 1)


@contextlib.contextmanager
def work_items_traced():
    """Yields a function that returns how many of the module's work items have begun to run."""
    event = "events/workqueue/workqueue_execute_start/enable"
    trace_control("trace", "")  # empties the buffer
    trace_control(event, 1)
    try:
        yield lambda: sum("taskmonitor" in line for line in text_of(f"{TRACING}/trace").splitlines()
                          if "workqueue_execute_start" in line)
    finally:
        trace_control(event, 0)


@contextlib.contextmanager
def forks_traced():
    """Yields a function that returns the PIDs of the children that process `pid` has forked."""
    event = "events/sched/sched_process_fork/enable"
    trace_control("trace", "")  # empties the buffer
    trace_control(event, 1)
    try:
        yield lambda pid: {int(child) for child in re.findall(
            rf"sched_process_fork: comm=.* pid={pid} child_comm=.* child_pid=(\d+)", text_of(f"{TRACING}/trace"))}
    finally:
        trace_control(event, 0)
