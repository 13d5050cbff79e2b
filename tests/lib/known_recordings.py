# SPDX-License-Identifier: GPL-2.0
"""Writes recordings of which it is known who used the CPU, and when.

The format is that of docs/recording.md. Times are in seconds since boot, shares are fractions of
one CPU.
"""

import dataclasses

SECOND = 1_000_000
# How many passes are written in one block, as the recorder does.
BLOCK = 10


@dataclasses.dataclass
class Task:
    """A task, and what it uses: pieces of (from, to, user, system, waiting share)."""
    id: int
    pid: int
    name: str
    started: float
    ended: float = None
    parent: int = None
    root: int = None
    cgroup: int = None
    tgid: int = None
    threads: int = None
    status: int = 0
    pieces: list = dataclasses.field(default_factory=list)
    # CPU time that is booked later than it is used: (from, to) moves all of it to `to`.
    late: list = dataclasses.field(default_factory=list)

    def uses(self, begin, end, user, system=0.0, wait=0.0):
        """The task uses and waits for shares of a CPU from `begin` to `end`."""
        self.pieces.append((begin, end, user, system, wait))
        return self

    def is_booked_late(self, begin, end):
        """What is used from `begin` on is booked at `end`."""
        self.late.append((begin, end))
        return self

    def totals(self, time):
        """The microseconds of user, system and waiting time up to `time`."""
        for begin, end in self.late:
            if begin <= time < end:
                time = begin
        sums = [0.0, 0.0, 0.0]
        for begin, end, *shares in self.pieces:
            for number, share in enumerate(shares):
                sums[number] += share * max(0.0, min(time, end) - begin)
        return tuple(round(each * SECOND) for each in sums)

    def line(self, time, is_last):
        """The line that says who the task is at `time`."""
        words = [f"# task pid:{self.pid} : id {self.id}"]
        if self.tgid is not None:
            words.append(f"thread tgid {self.tgid}")
        for name in ("threads", "parent", "root", "cgroup"):
            if getattr(self, name) is not None:
                words.append(f"{name} {getattr(self, name)}")
        words.append(f"started {us(self.started)}")
        if is_last and self.ended is not None:
            words.append(f"ended {us(self.ended)} status {self.status}")
        user, system, wait = self.totals(time)
        return " ".join(words) + f" first 0 next 1 usr {user} sys {system} wait {wait} name {self.name}"


def us(seconds):
    """Seconds as microseconds."""
    return round(seconds * SECOND)


class Recording:
    """A recording from `begin` to `end`, with a sample of each task each `period` seconds."""

    def __init__(self, begin=1000.0, end=1100.0, period=0.1, cpus=2, unix=1_764_000_000.0, host="web1"):
        self.begin, self.end, self.period, self.cpus, self.host = begin, end, period, cpus, host
        # (time since boot, seconds since 1970)
        self.clocks = [(begin, unix)]
        self.tasks = []
        # When nothing is sampled.
        self.stopped = []
        self.notes = []
        self.command = "make -j2"

    def task(self, name, **others):
        """Adds a task. Its PID is 100 more than its id unless it is named."""
        number = len(self.tasks) + 1
        values = {"id": number, "pid": 100 + number, "started": self.begin, "threads": 1, **others}
        if values.get("tgid") is not None:
            values["threads"] = None
        self.tasks.append(Task(name=name, **values))
        return self.tasks[-1]

    def set_clock(self, time, unix):
        """The wall clock is set to `unix` at `time`."""
        self.clocks.append((time, unix))

    def passes(self):
        """The times of all sampling passes."""
        count = int((self.end - self.begin) / self.period + 1.5)
        times = [self.begin + number * self.period for number in range(count)]
        return [time for time in times if not any(begin < time < end for begin, end in self.stopped)]

    def lines(self):
        """All lines."""
        yield "# taskmon 3"
        yield f"# host {self.host}"
        yield f"# cpus {self.cpus}"
        yield f"# period_ms {round(self.period * 1000)}"
        yield f"# clock {us(self.clocks[0][0])} {us(self.clocks[0][1])}"
        yield f"# command {self.command}"
        yield from self.notes
        clocks = self.clocks[1:]
        passes = self.passes()
        numbers = {task.id: 0 for task in self.tasks}
        for first in range(0, len(passes), BLOCK):
            block = passes[first:first + BLOCK]
            limit = passes[first + BLOCK] if first + BLOCK < len(passes) else float("inf")
            while clocks and clocks[0][0] <= block[-1]:
                time, unix = clocks.pop(0)
                yield f"# clock {us(time)} {us(unix)}"
            for task in self.tasks:
                yield from self.block(task, block, limit, numbers)
        yield "# end complete"

    def block(self, task, block, limit, numbers):
        """The lines of one task in one block, up to the time `limit` of the next block."""
        ends = task.ended if task.ended is not None and block[0] <= task.ended < limit else None
        first = task.ended is not None and block[0] == self.begin and task.ended < block[0]
        last = float("inf") if task.ended is None else task.ended
        times = [time for time in block if task.started <= time < last]
        if first or not (times or ends is not None):
            return
        if numbers[task.id] == 0 or ends is not None:
            yield task.line(block[-1], ends is not None)
        yield f"# samples {task.id}"
        for time in times + ([ends] if ends is not None else []):
            user, system, wait = task.totals(time)
            yield (f"pid:{task.pid} num:{numbers[task.id]} : usr {user} sys {system} wait {wait} "
                   f"time {us(time)}{' exit' if time is ends else ''}")
            numbers[task.id] += 1

    def write(self, path):
        """Writes the file, and returns its path."""
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in self.lines())
        return path
