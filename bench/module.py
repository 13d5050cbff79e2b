# SPDX-License-Identifier: GPL-2.0
"""The module as its users see it: loading, its files, its statistics."""

import glob
import os
import subprocess
import time

from statistics import median

FILE = "/sys/kernel/debug/taskmonitor"
NEWEST = "/sys/kernel/taskmonitor"
STATISTICS = "/sys/kernel/debug/taskmonitor_stats"
PARAMETERS = "/sys/module/taskmonitor/parameters"
SHRINKERS = "/sys/kernel/debug/shrinker/taskmonitor-*"
# The largest write, in bytes.
WRITE_MAX = 4096


def write(path, text):
    data = text.encode()
    file = os.open(path, os.O_WRONLY)
    try:
        while data:
            data = data[os.write(file, data):]
    finally:
        os.close(file)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Module:
    """The module, loaded for the length of a `with` block."""

    def __init__(self, period_us, **parameters):
        self.period_us = period_us
        parameters["period_ms"] = period_us // 1000
        self.parameters = [f"{name}={value}" for name, value in parameters.items()]

    def __enter__(self):
        subprocess.run(["insmod", os.environ["TASKMONITOR_KO"], *self.parameters], check=True)
        self.prefer_sampler()
        return self

    def __exit__(self, *_):
        subprocess.run(["rmmod", "taskmonitor"], check=True)

    @staticmethod
    def prefer_sampler():
        """Gives the sampler a real-time priority, so that no other task runs during a pass."""
        for comm in glob.glob("/proc/[0-9]*/comm"):
            if read(comm) == "taskmonitor\n":
                os.sched_setscheduler(int(comm.split("/")[2]), os.SCHED_FIFO, os.sched_param(1))
                return
        raise SystemExit("bench: the sampler's thread is not there")

    @staticmethod
    def send(*commands):
        """Writes the commands, as many as possible in each write."""
        text = ""
        for command in commands:
            if len(text) + len(command) >= WRITE_MAX:
                write(FILE, text)
                text = ""
            text += f"{command} "
        write(FILE, text)

    def watch(self, tasks):
        self.send(*[str(task) for task in tasks])

    def statistics(self):
        return {name: int(value) for name, value in map(str.split, read(STATISTICS).splitlines())}

    def set(self, parameter, value):
        write(f"{PARAMETERS}/{parameter}", str(value))

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
        """Instructions for a sample: the median of five measurements of `passes` passes, because the
        kernel sometimes does other work during a pass."""
        costs = []
        before = self.statistics()
        for _ in range(5):
            self.wait_for_passes(passes)
            after = self.statistics()
            costs.append((after["pass_ns"] - before["pass_ns"])
                         / (after["created"] - before["created"]))
            before = after
        return median(costs)

    def bytes_per_sample(self):
        statistics = self.statistics()
        return statistics["bytes"] / statistics["alive"]

    @staticmethod
    def mean_deltas(name, samples=300):
        """The mean CPU time of the first task in a period, and the share of samples that differ from
        the one before."""
        with open(FILE, encoding="ascii") as file:
            rows = [tuple(map(int, file.readline().split()[4:7:2])) for _ in range(samples)]
        periods = samples - 1
        yield f"{name}_usr_us", (rows[-1][0] - rows[0][0]) / periods
        yield f"{name}_sys_us", (rows[-1][1] - rows[0][1]) / periods
        yield f"{name}_changed_ratio", (len(set(rows)) - 1) / periods

    @staticmethod
    def last_pass_us():
        """The time at which the last pass began, from the newest sample."""
        return int(read(NEWEST).splitlines()[-1].split(" time ")[1].split()[0])

    @staticmethod
    def segments():
        """The number of segments that the shrinker can free."""
        (shrinker,) = glob.glob(SHRINKERS)
        return int(read(f"{shrinker}/count").split()[1])

    @staticmethod
    def scan_file():
        (shrinker,) = glob.glob(SHRINKERS)
        return f"{shrinker}/scan"

    @staticmethod
    def target_size():
        """The bytes of a target without its samples."""
        for line in read("/proc/slabinfo").splitlines():
            if line.startswith("taskmonitor_target "):
                return int(line.split()[3])
        raise SystemExit("bench: no cache taskmonitor_target in /proc/slabinfo")

    @staticmethod
    def slab_pages():
        """The number of pages of all slabs that hold segments."""
        pages = 0
        for line in read("/proc/slabinfo").splitlines():
            fields = line.split()
            if fields[0].startswith("taskmonitor_") and fields[0] != "taskmonitor_target":
                pages_per_slab = int(fields[5])
                slabs = int(fields[fields.index("slabdata") + 2])
                pages += pages_per_slab * slabs
        return pages
