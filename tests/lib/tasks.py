# SPDX-License-Identifier: GPL-2.0
"""The targets, as /sys/kernel/debug/taskmonitor_tasks shows them."""

import re

from lib.module import DEBUGFS

TASKS = f"{DEBUGFS}_tasks"
_LINE = re.compile(rb"pid:(\d+) : ((?:thread |[a-z]+ \d+ )*)name (.*)")


def tasks():
    """The targets in the order in which they were added. Each is a dict of its fields: numbers, the name as bytes,
    and `thread`, which is True or missing. ValueError if a line is not one of a target."""
    with open(TASKS, "rb") as file:
        text = file.read()
    return [_parse(line) for line in text.split(b"\n")[:-1]]


def _parse(line):
    match = _LINE.fullmatch(line)
    if not match:
        raise ValueError(f"not a target: {line!r}")
    pid, fields, name = match.groups()
    pairs = re.findall(r"(thread) |([a-z]+) (\d+) ", fields.decode())
    found = {thread or word: True if thread else int(value) for thread, word, value in pairs}
    decoded = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), name)
    return {"pid": int(pid), **found, "name": decoded}


def target_pids():
    """The PIDs of the targets, in the order in which they were added."""
    return [task["pid"] for task in tasks()]
