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
    """The watched tasks, and what each command and each write does to them.

    `processes` are the PIDs that are known to be those of thread group leaders."""

    def __init__(self, processes, max_targets):
        self.processes, self.max_targets = processes, max_targets
        self.watched, self.trees = {}, set()

    def execute(self, command):
        """0 or the error number."""
        if command in (b"stop", b"start", b"clear"):
            return 0
        sign, digits = (command[:1], command[1:]) if command[:1] in (b"+", b"-") else (b"", command)
        is_tree = sign != b"+" and digits.startswith(b"tree:")
        if is_tree:
            digits = digits[len(b"tree:"):]
        if len(command) >= PAGE or not digits or not all(48 <= byte <= 57 for byte in digits):
            return errno.EINVAL
        pid = int(digits)
        if not 1 <= pid <= 2147483647:
            return errno.EINVAL
        if sign == b"-":
            if pid not in (self.trees if is_tree else self.watched):
                return errno.ESRCH
            del self.watched[pid]
            self.trees.discard(pid)
            return 0
        if not exists(pid) or is_tree and pid not in self.processes:
            return errno.ESRCH
        if pid in self.watched:
            return errno.EEXIST
        if len(self.watched) >= self.max_targets:
            return errno.ENOSPC
        self.watched[pid] = None
        if is_tree:
            self.trees.add(pid)
        return 0

    def write(self, text, is_page):
        """(bytes executed, error). A sysfs file (`is_page`) gets at most one page of the text."""
        cut = is_page and len(text) >= PAGE
        text = text[:PAGE] if is_page else text
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
