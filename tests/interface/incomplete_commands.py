#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Half a word is never obeyed: lists of tasks in pieces of any size, by write() and writev(), as a
# model says; and by programs that know nothing of it, who get no stranger watched.
#
# kernels: uml

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


def forget_all():
    """Also those that have no sample."""
    if numbers := watched():
        write(" ".join(f"-{number}" for number in numbers), DEBUGFS)
    return statistics()["targets"]


# --- By pieces --------------------------------------------------------------

def vectors(piece):
    """The same bytes in odd parts, some of them empty."""
    parts = []
    while piece:
        size = random.choice((0, 1, 1, 2, 3, 7, 50, 1000))
        parts.append(piece[:size])
        piece = piece[size:]
        if len(parts) == 500:
            return [*parts, piece]
    return parts


def write_pieces(fd, text, size, how, model, is_page):
    """Each piece as programs do: again from where the write before stopped, unless it fails. What is
    not as the model says."""
    for at in range(0, len(text), size):
        piece = text[at:at + size]
        while piece:
            expected = model.write(piece, is_page)
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


def texts(numbers):
    """Lists as they are written by people and programs."""
    yield " ".join(map(str, numbers))
    yield "".join(f"{number:7d}\n" for number in numbers)
    yield "".join(f"+{number}\t" for number in numbers)


def by_pieces(few, many):
    for path in (SYSFS, DEBUGFS):
        for name, how in (("write()", os.write), ("writev()", lambda fd, piece: os.writev(fd, vectors(piece)))):
            wrong = []
            fd = os.open(path, os.O_WRONLY)
            for size in SIZES:
                for text in texts(few if size < 100 else many):
                    model = Model((), MAX_TARGETS)
                    problem = write_pieces(fd, text.encode(), size, how, model, path == SYSFS)
                    if not problem and watched() != set(model.watched):
                        problem = (watched() - set(model.watched), set(model.watched) - watched())
                    wrong += [(size, text[:20], problem)] if problem else []
                    left = forget_all()
                    wrong += [(size, f"{left} are left")] if left else []
            os.close(fd)
            equal((len(wrong), wrong[:3]), (0, []), f"{path}: {name} of pieces of {len(SIZES)} sizes")


# --- By programs ------------------------------------------------------------

def shell(command, path, text):
    """A shell command that knows the file as $1 and has the list as its input."""
    with open("/tmp/list", "w", encoding="ascii") as file:
        file.write(text)
    with open("/tmp/list", encoding="ascii") as file:
        subprocess.run(["sh", "-c", command, "sh", path], stdin=file, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stdio(path, text):
    """fprintf() for each, as a program in C."""
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


# Who does so gets all of them watched, however long the list, for all that each write ends with
# white space: it is one write, or one for each line.
WHOLE = ("dd of=$1 bs=1M", "while read pid; do echo $pid > $1; done", "xargs -n 50 echo > $1")


def by_programs(many):
    strangers, count = {}, {}
    for path in (SYSFS, DEBUGFS):
        for name, program in programs():
            for shift in range(0, 7, 2):
                # As ps writes them; the end of a block falls on another place of a number.
                text = " " * shift + "".join(f"{number:6d}\n" for number in many)
                program(path, text)
                seen = watched()
                count.setdefault((path, name), set()).add(len(seen))
                if seen - set(many):
                    strangers.setdefault((path, name), set()).update(seen - set(many))
                forget_all()
    for key, numbers in count.items():
        note(f"{key}: {sorted(numbers)}")
    equal(strangers, {}, f"{len(count)} ways to write {len(many)} numbers: no stranger is watched")
    for name in WHOLE:
        equal(count[DEBUGFS, name], {len(many)}, f"debugfs: '{name}': all are")
    equal(count[SYSFS, WHOLE[1]], {len(many)}, f"sysfs: '{WHOLE[1]}': all are")


def all_there_are(_many):
    if not shutil.which("ps"):
        skip("ps", "there is no ps")
        return
    listed = {int(word) for word in subprocess.check_output(["ps", "-eL", "-o", "lwp="]).split()}
    strangers = set()
    for path in (SYSFS, DEBUGFS) * 5:
        shell("ps -eL -o lwp= > $1", path, "")
        strangers |= watched() - listed
        forget_all()
    # ps lists itself and its shell.
    ok(len(strangers) <= 20 and all(each > max(listed) for each in strangers),
       "ps of a thousand threads: no stranger is watched", strangers)


def main():
    random.seed(SEED)
    with idle_threads(1000) as many, loaded(period_ms=3_600_000, max_targets=MAX_TARGETS):
        by_pieces(many[:40], many)
        by_programs(many)
        all_there_are(many)


run(main)
