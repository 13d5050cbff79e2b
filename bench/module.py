# SPDX-License-Identifier: GPL-2.0
"""The module, by its files."""

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
# What one write may hold.
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


class Recorder:
    """The module, loaded while the `with` lasts."""

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
        """Keeps others off the one CPU while a pass lasts: their time is not the pass's."""
        for comm in glob.glob("/proc/[0-9]*/comm"):
            if read(comm) == "taskmonitor\n":
                os.sched_setscheduler(int(comm.split("/")[2]), os.SCHED_FIFO, os.sched_param(1))
                return
        raise SystemExit("bench: the sampler's thread is not there")

    @staticmethod
    def say(*words):
        """Writes words, as many at once as a write may hold."""
        text = ""
        for word in words:
            if len(text) + len(word) >= WRITE_MAX:
                write(FILE, text)
                text = ""
            text += f"{word} "
        write(FILE, text)

    def watch(self, tasks):
        self.say(*[str(task) for task in tasks])

    def statistics(self):
        return {name: int(value) for name, value in map(str.split, read(STATISTICS).splitlines())}

    def set(self, parameter, value):
        write(f"{PARAMETERS}/{parameter}", str(value))

    def wait_for_passes(self, passes):
        """Returns between two passes, once there were that many more."""
        wanted = self.statistics()["passes"] + passes
        while (missing := wanted - self.statistics()["passes"]) > 0:
            time.sleep(missing * self.period_us / 1e6)

    def wait_for_samples(self, samples):
        """Returns once that many are there, for all targets together."""
        while (missing := samples - self.statistics()["alive"]) > 0:
            passes = missing // self.statistics()["targets"] + 1
            time.sleep(passes * self.period_us / 1e6)

    def sample_cost(self, passes):
        """Instructions for a sample: the median of five times so many passes, as now and then
        the kernel does something of its own in one."""
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
        """What the first task consumes in a period; how many of its samples say it did."""
        with open(FILE, encoding="ascii") as file:
            rows = [tuple(map(int, file.readline().split()[4:7:2])) for _ in range(samples)]
        periods = samples - 1
        yield f"{name}_usr_us", (rows[-1][0] - rows[0][0]) / periods
        yield f"{name}_sys_us", (rows[-1][1] - rows[0][1]) / periods
        yield f"{name}_changed_ratio", (len(set(rows)) - 1) / periods

    @staticmethod
    def last_pass_us():
        """When the last pass began, as the newest sample tells."""
        return int(read(NEWEST).splitlines()[-1].split(" time ")[1].split()[0])

    @staticmethod
    def segments():
        """How many the shrinker could free."""
        (shrinker,) = glob.glob(SHRINKERS)
        return int(read(f"{shrinker}/count").split()[1])

    @staticmethod
    def scan_file():
        (shrinker,) = glob.glob(SHRINKERS)
        return f"{shrinker}/scan"

    @staticmethod
    def target_size():
        """The bytes that a target takes without its samples."""
        for line in read("/proc/slabinfo").splitlines():
            if line.startswith("taskmonitor_target "):
                return int(line.split()[3])
        raise SystemExit("bench: no cache taskmonitor_target in /proc/slabinfo")

    @staticmethod
    def slab_pages():
        """The pages in which segments lie."""
        pages = 0
        for line in read("/proc/slabinfo").splitlines():
            fields = line.split()
            if fields[0].startswith("taskmonitor_") and fields[0] != "taskmonitor_target":
                pages_per_slab = int(fields[5])
                slabs = int(fields[fields.index("slabdata") + 2])
                pages += pages_per_slab * slabs
        return pages
