# SPDX-License-Identifier: GPL-2.0
"""The module as its users see it: loading, its files, its statistics."""

import glob
import os
import re

from sampler import Sampler, object_size, read, wait_for_phase, write

FILE = "/sys/kernel/debug/taskmonitor"
NEWEST = "/sys/kernel/taskmonitor"
TASKS = "/sys/kernel/debug/taskmonitor_tasks"
STATISTICS = "/sys/kernel/debug/taskmonitor_stats"
PARAMETERS = "/sys/module/taskmonitor/parameters"
SHRINKERS = "/sys/kernel/debug/shrinker/taskmonitor-*"
# The largest write, in bytes.
WRITE_MAX = 4096


def sum_of(tasks, field):
    """The sum of a field over all lines of the tasks file."""
    return sum(map(int, re.findall(rf"^pid.* {field} (\d+)", tasks, re.MULTILINE)))


class Module(Sampler):
    """The module, loaded for the length of a `with` block."""

    def __init__(self, period_us, **parameters):
        super().__init__(os.environ["TASKMONITOR_KO"], "taskmonitor", STATISTICS, period_us,
                         **parameters)

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

    def start_with(self, *commands):
        """Writes the commands, after which sampling begins."""
        wait_for_phase()
        self.send(*commands)

    def watch(self, tasks):
        self.start_with(*map(str, tasks))

    def start(self):
        self.start_with("start")

    def stop(self):
        self.send("stop")

    def set(self, parameter, value):
        write(f"{PARAMETERS}/{parameter}", str(value))

    def bytes_per_sample(self):
        statistics = self.statistics()
        return statistics["bytes"] / statistics["alive"]

    @staticmethod
    def mean_deltas(name):
        """The mean times of all tasks in a period, microseconds."""
        text = read(TASKS)
        samples = sum_of(text, "next")
        for field in ("usr", "sys", "wait"):
            if f" {field} " in text:
                yield f"{name}_{field}_us", sum_of(text, field) / samples

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
        return object_size("taskmonitor_target")

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
