#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# An incomplete command is never executed. Lists of PIDs are written in pieces of any size, by write() and
# writev(), and compared with a model; and by common programs, which never add a task that is not in the list.
#
# kernels: uml
# on demand: matrix

import ctypes
import os
import random
import shutil
import subprocess

from lib.command_model import PAGE, Model
from lib.module import DEBUGFS, SYSFS, loaded, statistics, write
from lib.processes import idle_threads
from lib.results import equal, note, ok, run, skip
from lib.samples import samples

SEED = int(os.environ.get("TASKMONITOR_SEED", "20261123"))
MAX_TARGETS = 2000
SIZES = (*range(1, 65), PAGE - 1, PAGE, PAGE + 1)
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fopen.restype = ctypes.c_void_p


def watched():
    return {each.pid for each in samples()}


def remove_all():
    """Removes all targets that have samples. The number of targets that are left."""
    if pids := watched():
        write(" ".join(f"-{pid}" for pid in pids), DEBUGFS)
    return statistics()["targets"]


# --- By pieces --------------------------------------------------------------

def vectors(piece):
    """The same bytes in parts of random sizes, some of them empty."""
    parts = []
    while piece:
        size = random.choice((0, 1, 1, 2, 3, 7, 50, 1000))
        parts.append(piece[:size])
        piece = piece[size:]
        if len(parts) == 500:
            return [*parts, piece]
    return parts


def write_pieces(fd, text, size, how, model):
    """Writes each piece as programs do: after a short write, the rest is written again. Returns the first
    difference from the model."""
    for at in range(0, len(text), size):
        piece = text[at:at + size]
        while piece:
            expected = model.write(piece)
            try:
                got = how(fd, piece), 0
            except OSError as error:
                got = 0, error.errno
            if got != expected:
                return f"{got}, not {expected}: {piece[:100]!r} of {len(piece)} bytes"
            if got[1] or not got[0]:
                break
            piece = piece[got[0]:]
    return None


def texts(pids):
    """Lists of PIDs as people and programs write them."""
    yield " ".join(map(str, pids))
    yield "".join(f"{pid:7d}\n" for pid in pids)
    yield "".join(f"+{pid}\t" for pid in pids)


def by_pieces(few, many):
    for path in (SYSFS, DEBUGFS):
        for name, how in (("write()", os.write), ("writev()", lambda fd, piece: os.writev(fd, vectors(piece)))):
            wrong = []
            fd = os.open(path, os.O_WRONLY)
            for size in SIZES:
                for text in texts(few if size < 100 else many):
                    model = Model((), MAX_TARGETS, path == SYSFS)
                    problem = write_pieces(fd, text.encode(), size, how, model)
                    if not problem and watched() != set(model.watched):
                        problem = (watched() - set(model.watched), set(model.watched) - watched())
                    wrong += [(size, text[:20], problem)] if problem else []
                    left = remove_all()
                    wrong += [(size, f"{left} are left")] if left else []
            os.close(fd)
            equal((len(wrong), wrong[:3]), (0, []),
                  f"{path}: {name} in pieces of {len(SIZES)} sizes does what the model says")


# --- By programs ------------------------------------------------------------

def shell(command, path, text):
    """Runs a shell command; $1 is the file, and standard input is the list."""
    with open("/tmp/list", "w", encoding="ascii") as file:
        file.write(text)
    with open("/tmp/list", encoding="ascii") as file:
        subprocess.run(["sh", "-c", command, "sh", path], stdin=file, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stdio(path, text):
    """Writes each line by fprintf(), as a program in C does."""
    file = ctypes.c_void_p(_libc.fopen(path.encode(), b"w"))
    for line in text.splitlines(keepends=True):
        _libc.fprintf(file, b"%s", line.encode())
    _libc.fclose(file)


def python(path, text):
    try:
        with open(path, "w", encoding="ascii") as file:
            for line in text.splitlines(keepends=True):
                file.write(line)
    except OSError:
        pass


def programs():
    yield "stdio", stdio
    yield "python", python
    for command in ("cat > $1", "dd of=$1 bs=1M", "dd of=$1 bs=4096", "dd of=$1 bs=4k conv=notrunc,noerror",
                    "dd of=$1 bs=100", "dd of=$1 obs=64", "tee $1", "head -n 900 > $1", "tail -n 900 > $1",
                    "sort -n > $1", "sed 's/ *//' > $1", "awk '{ print $1 }' > $1", "grep . > $1", "cp /tmp/list $1",
                    "while read pid; do echo $pid > $1; done", "xargs echo > $1", "xargs -n 50 echo > $1",
                    "echo $(cat) > $1", "printf '%s ' $(cat) > $1", "printf '%s\n' $(cat) > $1"):
        yield command, lambda path, text, command=command: shell(command, path, text)


# With these commands all tasks of the list are watched, however long it is: each write ends with white
# space.
WHOLE = ("dd of=$1 bs=1M", "while read pid; do echo $pid > $1; done", "xargs -n 50 echo > $1")


def by_programs(many):
    others, count = {}, {}
    for path in (SYSFS, DEBUGFS):
        for name, program in programs():
            for shift in range(0, 7, 2):
                # As ps writes them. Each shift moves the end of a block to another digit of a PID.
                text = " " * shift + "".join(f"{pid:6d}\n" for pid in many)
                program(path, text)
                seen = watched()
                count.setdefault((path, name), set()).add(len(seen))
                if seen - set(many):
                    others.setdefault((path, name), set()).update(seen - set(many))
                remove_all()
    for key, counts in count.items():
        note(f"{key}: {sorted(counts)}")
    equal(others, {}, f"{len(count)} ways to write {len(many)} PIDs: no other task is watched")
    for name in WHOLE:
        equal(count[DEBUGFS, name], {len(many)}, f"debugfs: '{name}': all tasks of the list are watched")
    equal(count[SYSFS, WHOLE[1]], {len(many)}, f"sysfs: '{WHOLE[1]}': all tasks of the list are watched")


def output_of_ps(_many):
    if not shutil.which("ps"):
        skip("ps of a thousand threads: no other task is watched", "there is no ps")
        return
    listed = {int(word) for word in subprocess.check_output(["ps", "-eL", "-o", "lwp="]).split()}
    others = set()
    for path in (SYSFS, DEBUGFS) * 5:
        shell("ps -eL -o lwp= > $1", path, "")
        others |= watched() - listed
        remove_all()
    # ps lists itself and its shell.
    ok(len(others) <= 20 and all(each > max(listed) for each in others),
       "ps of a thousand threads: no other task is watched", others)


def main():
    random.seed(SEED)
    with idle_threads(1000) as many, loaded(period_ms=3_600_000, max_targets=MAX_TARGETS):
        by_pieces(many[:40], many)
        by_programs(many)
        output_of_ps(many)


run(main)
