# SPDX-License-Identifier: GPL-2.0
"""What the module and its peer have in common: a thread that samples tasks, and statistics."""

import glob
import os
import subprocess
import time

from statistics import median

# Passes begin this long after a tick of the scheduler, whatever the period. So a pass contains no
# tick, and where the ticks are in the work of the load is the same in each run.
PHASE_NS = 500_000
# A multiple of the tick and of all periods below it.
GRID_NS = 100_000_000


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def write(path, text):
    data = text.encode()
    file = os.open(path, os.O_WRONLY)
    try:
        while data:
            data = data[os.write(file, data):]
    finally:
        os.close(file)


def cpu_time_ns():
    """The CPU time of all tasks, exactly. Interrupts while the CPU is idle are not part of it."""
    return sum(int(line.split()[7]) for line in read("/proc/schedstat").splitlines()
               if line.startswith("cpu"))


def slab(name):
    """The fields of a slab cache in /proc/slabinfo."""
    for line in read("/proc/slabinfo").splitlines():
        if line.startswith(f"{name} "):
            return line.split()
    raise SystemExit(f"bench: no cache {name} in /proc/slabinfo")


def object_size(name):
    """The bytes of one object of a slab cache."""
    return int(slab(name)[3])


def wait_for_phase():
    """Waits for a moment at which sampling may begin: see PHASE_NS."""
    now = time.monotonic_ns()
    begin = now // GRID_NS * GRID_NS + GRID_NS + PHASE_NS
    time.sleep((begin - now) / 1e9)


class Sampler:
    """A kernel module that samples tasks, loaded for the length of a `with` block."""

    def __init__(self, path, name, statistics, period_us, **parameters):
        self.path, self.name, self.statistics_file = path, name, statistics
        self.period_us = period_us
        parameters["period_ms"] = period_us // 1000
        self.parameters = [f"{name}={value}" for name, value in parameters.items()]

    def __enter__(self):
        subprocess.run(["insmod", self.path, *self.parameters], check=True)
        self.prefer_thread()
        return self

    def __exit__(self, *_):
        subprocess.run(["rmmod", self.name], check=True)

    def prefer_thread(self):
        """Gives its thread a real-time priority, so that no other task runs during a pass."""
        for comm in glob.glob("/proc/[0-9]*/comm"):
            if read(comm) == f"{self.name}\n":
                os.sched_setscheduler(int(comm.split("/")[2]), os.SCHED_FIFO, os.sched_param(1))
                return
        raise SystemExit(f"bench: the thread {self.name} is not there")

    def statistics(self):
        return {name: int(value) for name, value
                in map(str.split, read(self.statistics_file).splitlines())}

    def wait_for_passes(self, passes):
        """Waits for that many more passes. Returns between two passes."""
        wanted = self.statistics()["passes"] + passes
        while (missing := wanted - self.statistics()["passes"]) > 0:
            time.sleep(missing * self.period_us / 1e6)

    def wait_for_samples(self, samples):
        """Waits until there are that many samples, of all targets together."""
        while (missing := samples - self.statistics()["alive"]) > 0:
            passes = missing // self.statistics()["targets"] + 1
            time.sleep(passes * self.period_us / 1e6)

    def sample_cost(self, passes):
        """Instructions for a sample: the median of five measurements of `passes` passes, because
        the kernel sometimes does other work during a pass."""
        costs = []
        before = self.statistics()
        for _ in range(5):
            self.wait_for_passes(passes)
            after = self.statistics()
            costs.append((after["pass_ns"] - before["pass_ns"])
                         / (after["created"] - before["created"]))
            before = after
        return median(costs)

    def take(self, samples):
        """Samples until there are that many samples, and then stops."""
        self.start()
        self.wait_for_samples(samples)
        self.stop()

    def take_with(self, load, samples):
        """The same, while the load runs."""
        load.resume()
        self.take(samples)
        load.pause()
