# SPDX-License-Identifier: GPL-2.0
"""Writes recordings of which it is known who used the CPU, and when.

A Recording has tasks, and each task uses known shares of a CPU in known ranges of time. write() samples this model as
the module does, and writes a file as `taskmon record` does (docs/recording.md). The model says what each task used
between any two times, without a look at the samples.

Times are in seconds since boot, shares are fractions of one CPU. CPU times are in microseconds.
"""

import bisect
import dataclasses
import itertools

SECOND = 1_000_000
# How many passes are written in one block, as the recorder does.
BLOCK = 10
# A task that is born while it is recorded has its first sample so much later.
BIRTH_US = 17


def us(seconds):
    """Seconds as microseconds."""
    return round(seconds * SECOND)


@dataclasses.dataclass
class Task:
    """A task, and what it uses."""
    id: int
    pid: int
    name: str
    # If it is later than the beginning of the recording, the first sample is taken at its birth.
    started: float
    ended: float = None
    parent: int = None
    root: int = None
    cgroup: int = None
    # Of a thread: the PID of its process.
    tgid: int = None
    threads: int = None
    status: int = 0
    # (from, to, [user, system, waiting share in millionths]), in microseconds. They can overlap.
    pieces: list = dataclasses.field(default_factory=list)
    # CPU time that is booked later than it is used: (from, to) moves all of it to `to`.
    late: list = dataclasses.field(default_factory=list)
    # (from, to): when its samples were evicted before they were written.
    evicted: list = dataclasses.field(default_factory=list)
    # (from, name): what else it is called, from a time on.
    renamed: list = dataclasses.field(default_factory=list)
    # The edges of ranges with constant shares: times, these shares, totals times a million. None: to be computed.
    _sums: tuple = None

    def uses(self, begin, end, user=0.0, system=0.0, wait=0.0):
        """The task uses and waits for shares of a CPU from `begin` to `end`."""
        self.pieces.append((us(begin), us(end), [us(share) for share in (user, system, wait)]))
        self._sums = None
        return self

    def is_booked_late(self, begin, end):
        """What is used from `begin` on is booked at `end`."""
        self.late.append((us(begin), us(end)))
        return self

    def name_at(self, time_us):
        return ([self.name] + [name for since, name in self.renamed if us(since) <= time_us])[-1]

    def _compiled(self):
        if self._sums is None:
            changes = {0: [0, 0, 0]}
            for begin, end, shares in self.pieces:
                for edge, sign in ((begin, 1), (end, -1)):
                    change = changes.setdefault(edge, [0, 0, 0])
                    for number, share in enumerate(shares):
                        change[number] += sign * share
            edges = sorted(changes)
            shares = list(itertools.accumulate((changes[edge] for edge in edges), _add))
            lengths = (after - before for before, after in itertools.pairwise(edges))
            amounts = ([share * length for share in each] for each, length in zip(shares, lengths))
            self._sums = edges, shares, list(itertools.accumulate(amounts, _add, initial=[0, 0, 0]))
        return self._sums

    def used_until(self, time_us):
        """The microseconds of user, system and waiting time that it has used up to a time."""
        edges, shares, totals = self._compiled()
        at = bisect.bisect_right(edges, time_us) - 1
        return tuple((total + share * (time_us - edges[at])) // SECOND for total, share in zip(totals[at], shares[at]))

    def used(self, begin, end):
        """What it uses between two times."""
        return tuple(after - before for after, before in
                     zip(self.used_until(us(end)), self.used_until(us(begin))))

    def totals(self, time):
        """What the kernel has booked up to a time."""
        return self.booked_until(us(time))

    def booked_until(self, time_us):
        # At its end, everything is booked.
        if self.ended is None or time_us < us(self.ended):
            for begin, end in self.late:
                if begin <= time_us < end:
                    return self.used_until(begin)
        return self.used_until(time_us)

    def line(self, time_us, has_ended, first, next):
        """The line that says who the task is."""
        words = [f"# task pid:{self.pid} : id {self.id}"]
        if self.tgid is not None:
            words.append(f"thread tgid {self.tgid}")
        for name in ("threads", "parent", "root", "cgroup"):
            if getattr(self, name) is not None:
                words.append(f"{name} {getattr(self, name)}")
        words.append(f"started {us(self.started)}")
        if has_ended:
            words.append(f"ended {us(self.ended)} status {self.status}")
        user, system, wait = self.booked_until(time_us)
        return (f"{' '.join(words)} first {first} next {next} usr {user} sys {system} wait {wait} "
                f"name {self.name_at(time_us)}")


def _add(one, other):
    return [each + more for each, more in zip(one, other)]


class Recording:
    """A recording from `begin` to `end`, with a sample of each task each `period` seconds."""

    def __init__(self, begin=1000.0, end=1100.0, period=0.1, cpus=2, unix=1_764_000_000.0, host="web1"):
        self.begin, self.end, self.period, self.cpus, self.host = begin, end, period, cpus, host
        # (time since boot, seconds since 1970)
        self.clocks = [(begin, unix)]
        self.tasks = []
        # When nothing is sampled.
        self.stopped = []
        # More lines for the beginning, and for the end.
        self.notes = []
        self.losses = []
        self.command = "make -j2"
        # None: the recording was cut off.
        self.ending = "complete"

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

    def unix(self, time):
        """What the wall clock shows at a time, in seconds since 1970."""
        boot, unix = [clock for clock in self.clocks if clock[0] <= time or clock is self.clocks[0]][-1]
        return unix + time - boot

    def used(self, begin, end):
        """What all tasks together use between two times. A thread is a part of its process."""
        processes = [task.used(begin, end) for task in self.tasks if task.tgid is None]
        return tuple(map(sum, zip((0, 0, 0), *processes)))

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
        yield from (f"# clock {us(time)} {us(unix)}" for time, unix in self.clocks[:1])
        yield f"# command {self.command}"
        yield from self.notes
        clocks = self.clocks[1:]
        passes = [us(time) for time in self.passes()]
        writers = [_Writer(task, us(self.begin)) for task in self.tasks]
        for first in range(0, len(passes), BLOCK):
            block = passes[first:first + BLOCK]
            limit = passes[first + BLOCK] if first + BLOCK < len(passes) else block[-1] + 1
            while clocks and us(clocks[0][0]) < limit:
                time, unix = clocks.pop(0)
                yield f"# clock {us(time)} {us(unix)}"
            for writer in writers:
                yield from writer.block(block, limit)
            writers = [writer for writer in writers if not writer.has_ended]
        yield from self.losses
        if self.ending:
            yield f"# end {self.ending}"

    def write(self, path):
        """Writes the file, and returns its path."""
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in self.lines())
        return path


class _Writer:
    """Writes one task, block by block."""

    def __init__(self, task, begin_us):
        self.task = task
        started = us(task.started)
        self.since = started + BIRTH_US if started > begin_us else None
        self.until = None if task.ended is None else us(task.ended)
        self.evicted = [(us(begin), us(end)) for begin, end in task.evicted]
        self.number = 0
        self.has_ended = False
        self.identity = None

    def block(self, passes, limit):
        """The lines of a block, up to the time `limit` of the next one."""
        task, until = self.task, self.until
        times = [time for time in passes if (self.since is None or time > self.since) and
                 (until is None or time < until)]
        if self.since is not None and self.number == 0 and self.since < min(limit, until or limit):
            times.insert(0, self.since)
        if until is not None and until < limit:
            times.append(until)
            self.has_ended = True
        if not times:
            return
        samples, evicted, first = [], 0, self.number
        for time in times:
            if any(begin < time < end for begin, end in self.evicted):
                evicted += 1
            else:
                user, system, wait = task.booked_until(time)
                samples.append(f"pid:{task.pid} num:{self.number} : usr {user} sys {system} wait {wait} "
                               f"time {time}{' exit' if time == until else ''}")
            self.number += 1
        identity = (self.has_ended, task.name_at(times[-1]))
        if identity != self.identity:
            self.identity = identity
            yield task.line(times[-1], self.has_ended, first, self.number)
        if evicted:
            yield f"# evicted {task.id} {evicted}"
        if samples:
            yield f"# samples {task.id}"
            yield from samples
