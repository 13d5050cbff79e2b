# SPDX-License-Identifier: GPL-2.0
"""A model of what a write to either samples file must do."""

import errno
import os

from lib.module import PAGE

SPACE = b" \t\n\v\f\r"


def exists(pid):
    """Whether a task has that PID. A random PID may be 1 or that of a kernel thread."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Model:
    """The watched tasks, and what each command and each write does to them. All of them live.

    `processes` are the PIDs that are known to be those of thread group leaders without children. `is_page`: the
    file is in sysfs, so that it gets one page of a write at most, and has no `period:`. `next_id` is the ID of
    the next target."""

    def __init__(self, processes, max_targets, is_page, next_id=1):
        self.processes, self.max_targets, self.is_page = processes, max_targets, is_page
        self.watched, self.trees, self.next_id = {}, set(), next_id

    def execute(self, command):
        """0 or the error number."""
        if command in (b"stop", b"start", b"clear", b"-ended"):
            return 0
        word, digits = self.split(command)
        if len(command) >= PAGE or not digits or not all(48 <= byte <= 57 for byte in digits):
            return errno.EINVAL
        number = int(digits)
        if not 1 <= number <= 2147483647:
            return errno.EINVAL
        if word == b"period:":
            return errno.EINVAL if self.is_page or number > 3600000 else 0
        if word.startswith(b"-"):
            return self.remove(word, number)
        return self.add(number, word == b"tree:")

    @staticmethod
    def split(command):
        for word in b"tree:", b"-tree:", b"-id:", b"period:", b"-", b"+":
            if command.startswith(word):
                return word, command[len(word):]
        return b"", command

    def remove(self, word, number):
        if word == b"-id:":
            number = next((pid for pid, each in self.watched.items() if each == number), None)
        if number not in (self.trees if word == b"-tree:" else self.watched):
            return errno.ESRCH
        del self.watched[number]
        self.trees.discard(number)
        return 0

    def add(self, pid, is_tree):
        if not exists(pid) or is_tree and pid not in self.processes:
            return errno.ESRCH
        if pid in self.watched:
            if not is_tree or pid in self.trees:
                return errno.EEXIST
        elif len(self.watched) >= self.max_targets:
            return errno.ENOSPC
        else:
            self.watched[pid] = self.next_id
            self.next_id += 1
        if is_tree:
            self.trees.add(pid)
        return 0

    def write(self, text):
        """(bytes executed, error)."""
        cut = self.is_page and len(text) >= PAGE
        text = text[:PAGE] if self.is_page else text
        if text and text[-1] not in SPACE:
            commands = text.split()
            if len(commands) > 1:
                return 0, errno.EINVAL
            if cut:
                begin = len(text) - len(commands[0])
                return (begin, 0) if begin else (0, errno.EINVAL)
        at, has_executed = 0, False
        while True:
            while at < len(text) and text[at] in SPACE:
                at += 1
            end = at
            while end < len(text) and text[end] not in SPACE:
                end += 1
            if end == at:
                return len(text), 0
            error = self.execute(text[at:end])
            if error:
                return (at, 0) if has_executed else (0, error)
            has_executed = True
            at = end
