# SPDX-License-Identifier: GPL-2.0
"""Sums over the samples of a recording, as plain as they can be: what the program's reports are compared with.

All samples are in memory, and nothing of the program is used.
"""

import re
from typing import NamedTuple

from lib.samples import Sample, parse


class RawTask(NamedTuple):
    """A task of a recording: the fields of its last line, and its samples."""
    id: int
    fields: dict
    name: str
    samples: list

    @property
    def pid(self):
        return self.fields["pid"]

    def intervals(self, begin_us):
        """[(from, to, user, system, waiting)] of one sample to the next one, and from its birth to the first one if it
        was born after `begin_us`."""
        samples = list(self.samples)
        if self.fields["started"] >= begin_us:
            birth = min(self.fields["started"], samples[0].time - 1)
            samples.insert(0, samples[0]._replace(usr=0, sys=0, wait=0, time=birth))
        return [(one.time, two.time, two.usr - one.usr, two.sys - one.sys, two.wait - one.wait)
                for one, two in zip(samples, samples[1:])]


def read(path):
    """The tasks of a recording of format 3, by id, and the time at which it begins."""
    lines, names, samples, clocks = {}, {}, {}, []
    current = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            keyword, _, text = line.removeprefix("# ").rstrip("\n").partition(" ")
            if not line.startswith("#"):
                samples.setdefault(current, []).append(parse(line)[0])
            elif keyword == "samples":
                current = int(text)
            elif keyword == "clock":
                clocks.append(int(text.split()[0]))
            elif keyword == "task":
                words, _, name = text.partition(" name ")
                fields = dict(re.findall(r"(\w+)[: ](\d+)", words))
                id = int(fields["id"])
                lines[id] = {field: int(value) for field, value in fields.items()}
                names[id] = name
    begin = min([*clocks[:1], *(each[0].time for each in samples.values())])
    return {id: RawTask(id, lines[id], names[id], samples[id]) for id in samples}, begin


def used(task, begin_us, from_us, to_us):
    """(user, system, waiting time) of a task within a window, as floats: what an interval that crosses an edge of the
    window has is distributed evenly."""
    sums = [0.0, 0.0, 0.0]
    for begins, ends, *amounts in task.intervals(begin_us):
        inside = min(ends, to_us) - max(begins, from_us)
        if inside > 0:
            for at, amount in enumerate(amounts):
                sums[at] += amount * inside / (ends - begins) if inside < ends - begins else amount
    return tuple(sums)


__all__ = ["RawTask", "Sample", "read", "used"]
