# SPDX-License-Identifier: GPL-2.0
"""For tests in Python: a model of what a write to either file must do."""

import errno
import os

SPACE = b" \t\n\v\f\r"
PAGE = 4096


def lives(number):
    """Whether some task has that number; 1 and those of kernel threads are hit by chance."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


class Model:
    """What is watched, and what each word and each write does to it.

    Of the processes alone it is known that they are none of another process's threads."""

    def __init__(self, processes, max_targets):
        self.processes, self.max_targets = processes, max_targets
        self.watched, self.trees = {}, set()

    def obey(self, word):
        """0 or the error."""
        if word in (b"stop", b"start", b"clear"):
            return 0
        sign, digits = (word[:1], word[1:]) if word[:1] in (b"+", b"-") else (b"", word)
        is_tree = sign != b"+" and digits.startswith(b"tree:")
        if is_tree:
            digits = digits[len(b"tree:"):]
        if len(word) >= PAGE or not digits or not all(48 <= byte <= 57 for byte in digits):
            return errno.EINVAL
        number = int(digits)
        if not 1 <= number <= 2147483647:
            return errno.EINVAL
        if sign == b"-":
            if number not in (self.trees if is_tree else self.watched):
                return errno.ESRCH
            del self.watched[number]
            self.trees.discard(number)
            return 0
        if not lives(number) or is_tree and number not in self.processes:
            return errno.ESRCH
        if number in self.watched:
            return errno.EEXIST
        if len(self.watched) >= self.max_targets:
            return errno.ENOSPC
        self.watched[number] = None
        if is_tree:
            self.trees.add(number)
        return 0

    def write(self, text, is_page):
        """(bytes obeyed, error); a file in sysfs sees one page of the text at a time."""
        cut = is_page and len(text) >= PAGE
        text = text[:PAGE] if is_page else text
        if text and text[-1] not in SPACE:
            words = text.split()
            if len(words) > 1:
                return 0, errno.EINVAL
            if cut:
                begin = len(text) - len(words[0])
                return (begin, 0) if begin else (0, errno.EINVAL)
        at, obeyed = 0, False
        while True:
            while at < len(text) and text[at] in SPACE:
                at += 1
            end = at
            while end < len(text) and text[end] not in SPACE:
                end += 1
            if end == at:
                return len(text), 0
            error = self.obey(text[at:end])
            if error:
                return (at, 0) if obeyed else (0, error)
            obeyed = True
            at = end
