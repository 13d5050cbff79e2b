# SPDX-License-Identifier: GPL-2.0
"""The lines of taskmonitor_tasks, which say who the targets are."""

import re
from typing import NamedTuple, Optional

from lib.module import TASKS, read_bytes
from lib.processes import wait_until


class Task(NamedTuple):
    pid: int
    id: int
    thread: bool
    parent: Optional[int]
    root: Optional[int]
    cgroup: Optional[int]
    started: int
    ended: Optional[int]
    status: Optional[int]
    first: int
    next: int
    usr: int
    sys: int
    wait: int
    # Its escapes are resolved.
    name: bytes


_LINE = re.compile(
    rb"pid:(\d+) : id (\d+)( thread)?(?: parent (\d+))?(?: root (\d+))?(?: cgroup (\d+))? started (\d+)"
    rb"(?: ended (\d+) status (\d+))? first (\d+) next (\d+) usr (\d+) sys (\d+) wait (\d+) name ([^\0-\x1f\x7f]*)")
_ESCAPE = re.compile(rb"\\([0-7]{3})")


def parse_line(line):
    """The task of one line; ValueError if it is not one."""
    match = _LINE.fullmatch(line)
    if not match:
        raise ValueError(f"not a line of a task: {line!r}")
    pid, number, thread, *numbers, name = match.groups()
    name = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 8)]), name)
    return Task(int(pid), int(number), bool(thread), *(None if each is None else int(each) for each in numbers), name)


def parse(text):
    """The tasks in the text of the file."""
    if text and not text.endswith(b"\n"):
        raise ValueError(f"the last line is not whole: {text[-80:]!r}")
    return [parse_line(line) for line in text.split(b"\n")[:-1]]


def tasks(size=65536, path=TASKS):
    """The tasks that the file shows, read in pieces of that size."""
    return parse(read_bytes(path, size))


def task(pid):
    """The one task with that PID; LookupError if there is none, or more than one."""
    found = [each for each in tasks() if each.pid == pid]
    if len(found) != 1:
        raise LookupError(f"{len(found)} tasks have PID {pid}")
    return found[0]


def wait_for_end(*pids):
    """Waits until each of the tasks has its exit sample; whether they have."""
    def have_ended():
        living = {each.pid for each in tasks() if each.ended is None}
        return not living.intersection(pids)
    return wait_until(have_ended)


def target_pids():
    """The PIDs of the targets, in the order in which they were added."""
    return [each.pid for each in tasks()]
