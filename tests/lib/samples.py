# SPDX-License-Identifier: GPL-2.0
"""The samples that the module's files show, and the rules that they follow."""

import itertools
import re
from typing import NamedTuple

from lib.module import DEBUGFS, read
from lib.processes import wait_until


class Sample(NamedTuple):
    pid: int
    num: int
    usr: int
    sys: int
    wait: int
    time: int
    exit: bool


_LINE = re.compile(r"pid:(\d+) num:(\d+) : usr (\d+) sys (\d+) wait (\d+) time (\d+)( exit)?")


def parse(text):
    """The samples in the text of a samples file; ValueError if a line is not a sample."""
    if text and not text.endswith("\n"):
        raise ValueError(f"the last line is not whole: {text[-80:]!r}")
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if not match:
            raise ValueError(f"not a sample: {line!r}")
        *numbers, ended = match.groups()
        found.append(Sample(*map(int, numbers), bool(ended)))
    return found


def samples(path=DEBUGFS, size=65536, pid=None):
    """The samples that a file shows, of all tasks or of one."""
    return [each for each in parse(read(path, size)) if pid in (None, each.pid)]


def exit_samples():
    """The exit sample of each task that has one, by PID."""
    return {each.pid: each for each in samples() if each.exit}


def wait_for_exit_samples(count, seconds=120):
    """Waits until at least that many exit samples are shown; whether they are."""
    return wait_until(lambda: sum(each.exit for each in samples()) >= count, seconds)


def all_have_ended():
    """Whether each task that has samples has its exit sample."""
    ended = {each.pid: each.exit for each in samples()}
    return bool(ended) and all(ended.values())


def problems(history, may_be_overtaken=False):
    """The rules that the samples of one read break, as a list of sentences. A task's samples are
    together, in order and without a gap; no value falls; none follows the exit sample.

    If eviction has overtaken the reader (`may_be_overtaken`), it continues at the oldest sample that is
    left, so that a gap is allowed."""
    found = []
    order = [pid for pid, _ in itertools.groupby(history, key=lambda each: each.pid)]
    if len(order) != len(set(order)):
        found.append(f"samples of a task are not together: {order}")
    for before, after in itertools.pairwise(history):
        if before.pid != after.pid:
            continue
        is_next = after.num > before.num if may_be_overtaken else after.num == before.num + 1
        if not is_next:
            found.append(f"sample numbers do not rise by one: {before} {after}")
        if after.time < before.time or after.usr < before.usr or after.sys < before.sys \
                or after.wait < before.wait:
            found.append(f"a value falls: {before} {after}")
        if before.exit:
            found.append(f"a sample follows the exit sample: {before} {after}")
    return found
