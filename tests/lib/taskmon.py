# SPDX-License-Identifier: GPL-2.0
"""Runs the program taskmon as a user does, and reads what it writes."""

import csv
import json
import os
import pty
import re
import subprocess
import termios
from typing import NamedTuple

from lib.processes import wait_until
from lib.samples import parse

TASKMON = os.environ["TASKMONITOR_TASKMON"]
# The file to which record() writes, and the module's period in the tests of `taskmon record`.
OUT = "/tmp/recording"
PERIOD_MS = 40


def taskmon(*arguments, **options):
    """Runs taskmon to its end. The subprocess.CompletedProcess, with its output as text. An argument that is bytes
    is given as it is."""
    words = [each if isinstance(each, bytes) else str(each) for each in arguments]
    return subprocess.run([TASKMON, *words], text=True, check=False,
                          stdin=options.pop("stdin", subprocess.DEVNULL),
                          stdout=options.pop("stdout", subprocess.PIPE),
                          stderr=options.pop("stderr", subprocess.PIPE), **options)


def record(*words, **options):
    """Runs `taskmon record` with output to OUT. The CompletedProcess, and the summary (JSON)."""
    summary = "/tmp/summary"
    done = taskmon("record", "-o", OUT, "--json", "--summary", summary, *words, **options)
    with open(summary, encoding="utf-8") as file:
        return done, json.load(file)


def complaint(done):
    """The line on standard error if taskmon failed with status 1 and only that line; else `done` itself."""
    lines = done.stderr.splitlines()
    if done.returncode == 1 and len(lines) == 1 and done.stdout == "":
        return lines[0]
    return done


def recorded(path):
    """The samples of a recording."""
    with open(path, encoding="utf-8") as file:
        return parse("".join(line for line in file if not line.startswith("#")))


def remarks(path):
    """The comments of a recording: [(keyword, text)]."""
    with open(path, encoding="utf-8") as file:
        return [tuple(line[2:].rstrip("\n").split(" ", 1)) for line in file if line.startswith("# ")]


class Task(NamedTuple):
    """Who a task of a recording is, as the last line about it says. A field that is missing is None."""
    pid: int
    id: int
    parent: int | None
    root: int | None
    started: int
    ended: int | None
    status: int | None
    name: str


def tasks(path):
    """The tasks of a recording, in their order."""
    found = {}
    for keyword, text in remarks(path):
        if keyword == "task":
            found[int(re.search(r" : id (\d+)", text)[1])] = text
    return [_task(text) for text in found.values()]


def _task(text):
    words, _, name = text.partition(" name ")
    pid, _, fields = words.removeprefix("pid:").partition(" : ")
    fields = fields.replace(" thread", "").split()
    fields = dict(zip(fields[::2], map(int, fields[1::2])))
    return Task(int(pid), name=name, **{field: fields.get(field) for field in Task._fields[1:-1]})


def names(path):
    """The names of a recording's tasks, by PID."""
    return {task.pid: task.name for task in tasks(path)}


def ending(path):
    """The last word of a recording: complete, incomplete, or None if it was cut off."""
    keyword, text = remarks(path)[-1]
    return text if keyword == "end" else None


def rows_of_csv(text):
    return list(csv.DictReader(text.splitlines()))


def rows_of_json(text):
    return [json.loads(line) for line in text.splitlines()]


def on_terminal(arguments, keys=b"", environment=None, size=None):
    """Runs taskmon on a terminal of its own, of (rows, columns) if a size is given, and types the keys. (status,
    output)."""
    pid, fd = pty.fork()
    if pid == 0:
        if size:
            termios.tcsetwinsize(0, size)
        os.execve(TASKMON, [TASKMON, *map(str, arguments)], {**os.environ, **(environment or {})})
    written = b""
    try:
        if keys:
            os.write(fd, keys)
        while data := os.read(fd, 4096):
            written += data
    except OSError:
        pass  # the other end is closed
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), written.decode(errors="replace")


class Screen:
    """A shell in a terminal of tmux. The test reads the screen and presses keys."""

    def __init__(self, columns=80, rows=24):
        self.name = "test"
        self._tmux("new-session", "-d", "-s", self.name, "-x", columns, "-y", rows, "sh")

    def _tmux(self, *arguments):
        done = subprocess.run(["tmux", "-u", "-L", self.name, "-f", "/dev/null", *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"tmux {arguments}: {done.stderr}")
        return done.stdout

    def type(self, text):
        self._tmux("send-keys", "-t", self.name, "-l", text)

    def press(self, *keys):
        """Presses keys, by their tmux names: Enter, C-c, Down."""
        self._tmux("send-keys", "-t", self.name, *keys)

    def run(self, command):
        self.type(command)
        self.press("Enter")

    def resize(self, columns, rows):
        self._tmux("resize-window", "-t", self.name, "-x", columns, "-y", rows)

    def lines(self):
        """The lines of the screen."""
        return self._tmux("capture-pane", "-p", "-t", self.name).splitlines()

    def state(self, name):
        """One of the variables that tmux has for the pane."""
        return self._tmux("display-message", "-p", "-t", self.name, f"#{{{name}}}").strip()

    def terminal(self):
        """The settings of the terminal (termios)."""
        fd = os.open(self.state("pane_tty"), os.O_RDONLY | os.O_NOCTTY)
        try:
            return termios.tcgetattr(fd)
        finally:
            os.close(fd)

    def until(self, pattern, seconds=60):
        """Waits for a line that matches the pattern. That line, or None."""
        found = []

        def look():
            found[:] = [line for line in self.lines() if re.search(pattern, line)]
            return found

        return found[0] if wait_until(look, seconds) else None

    def close(self):
        self._tmux("kill-server")
