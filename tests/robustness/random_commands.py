#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# 100,000 random and mutated writes to both files, compared with a model of what each must do: the targets, the
# error, the number of bytes executed.
#
# kernels: uml
# on demand: matrix

import errno
import os
import random

from lib.clone import free_pid
from lib.command_model import SPACE, Model, exists
from lib.module import DEBUGFS, SYSFS, adds_up, loaded, statistics, write
from lib.processes import idle_threads, process
from lib.results import equal, note, ok, run
from lib.samples import samples

SEED = int(os.environ.get("TASKMONITOR_SEED", "20261123"))
# For each file. About one in a hundred is left out because it would follow another existing task.
WRITES = 51_000
MAX_TARGETS = 5


class Generator:
    """Generates texts of valid and invalid commands for these PIDs."""

    def __init__(self, pids, model):
        self.pids, self.model = pids, model

    def number(self):
        choice = random.random()
        if choice < 0.85:
            return str(random.choice(self.pids)).encode()
        if choice < 0.9:
            return b"0" * random.randrange(1, 12) + str(random.choice(self.pids)).encode()
        return str(random.choice((0, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) + 1, 1 << 64,
                                  random.getrandbits(31), random.getrandbits(70)))).encode()

    def command(self):
        choice = random.random()
        if choice < 0.3:
            return self.number()
        if choice < 0.45:
            return b"+" + self.number()
        if choice < 0.8:
            return b"-" + self.number()
        if choice < 0.9:
            return random.choice((b"stop", b"start", b"clear", b"-ended"))
        if choice < 0.91:
            return b"-id:%d" % max(1, self.model.next_id - random.randrange(10))
        if choice < 0.92:
            return b"period:" + random.choice((b"3", b"20", b"3600000", b"3600001", b"0", b"1x", b""))
        if choice < 0.925:
            return random.choice((b"tree:", b"-tree:")) + self.number()
        if choice < 0.96:
            return random.choice((b"+", b"-", b"tree:", b"-tree:", b"tree:0", b"tree:x", b"tree:-5",
                                  b"-id:", b"-id:0", b"id:1", b"+id:1", b"ended", b"-endedx", b"-period:1",
                                  b"Start", b"stopp", b"clea", b"+-1", b"-+1", b"1-", b"\0"))
        return bytes(random.getrandbits(8) for _ in range(random.randrange(1, 9)))

    def blank(self):
        if random.random() < 0.9:
            return bytes([random.choice(SPACE)])
        return bytes(random.choice(SPACE) for _ in range(random.randrange(0, 8)))

    def text(self):
        count = random.choice((0, 1, 1, 1, 2, 3, 5, 8))
        if random.random() < 0.002:
            count = random.randrange(500, 1200)
        text = b"" if random.random() < 0.8 else self.blank()
        text += b"".join(self.command() + self.blank() for _ in range(count))
        if random.random() < 0.2:
            text = text.rstrip(SPACE)
        if random.random() < 0.1 and text:
            text = self.mutate(text)
        return text

    @staticmethod
    def mutate(text):
        at = random.randrange(len(text))
        choice = random.randrange(4)
        if choice == 0:
            return text[:at] + text[at + 1:]
        if choice == 1:
            return text[:at] + bytes([random.getrandbits(8)]) + text[at:]
        if choice == 2:
            return text[:at] + bytes([text[at] ^ 1 << random.randrange(8)]) + text[at + 1:]
        return text[:at] + text[random.randrange(len(text)):]


def follows_others(text, known):
    """Whether the text would follow another existing task, which may fork at any time."""
    return any(pid.isdigit() and int(pid) not in known and exists(int(pid) & 0x7fffffff)
               for pid in (command.partition(b"tree:")[2] for command in text.split()))


def difference(model, living, path):
    """How the targets differ from those of the model; None if they do not. Found by commands that fail and
    change nothing."""
    if statistics()["targets"] != len(model.watched):
        return f"{statistics()['targets']} targets, not {len(model.watched)}"
    for pid in {*living, *model.watched}:
        command = pid if pid in model.watched else f"-{pid}"
        wanted = errno.EEXIST if pid in model.watched else errno.ESRCH
        try:
            write(command, path)
            return f"{command} was executed"
        except OSError as error:
            if error.errno != wanted:
                return f"{command}: {error}"
    order = list(dict.fromkeys(each.pid for each in samples()))
    if order != [pid for pid in model.watched if pid in order]:
        return f"order {order}, not {model.watched}"
    return None


def fuzz(path, living, processes, dead, next_id):
    model = Model(processes, MAX_TARGETS, path == SYSFS, next_id)
    generator = Generator(living * 3 + dead, model)
    fd = os.open(path, os.O_WRONLY)
    failed = executed = 0
    for count in range(WRITES):
        text = generator.text()
        if follows_others(text, living + dead):
            continue
        expected = model.write(text)
        try:
            got = os.write(fd, text), 0
        except OSError as error:
            got = 0, error.errno
        executed += got[1] == 0
        failed += got[1] != 0
        problem = None if got == expected else f"{got}, not {expected}"
        if not problem and count % 100 == 0:
            problem = difference(model, living, path)
        if problem:
            ok(False, f"{path}: write {count} with seed {SEED}", f"{problem}: {text[:300]!r}")
            break
    else:
        ok(not difference(model, living, path), f"{path}: {WRITES} writes do what the model says",
           difference(model, living, path))
    note(f"{path}: {executed} executed, {failed} refused")
    ok(min(executed, failed) > WRITES // 10, f"{path}: many writes succeed and many fail", (executed, failed))
    os.close(fd)
    for pid in list(model.watched):
        write(f"-{pid}")
    return model.next_id


def main():
    random.seed(SEED)
    dead = [free_pid(), 2147483647]
    with idle_threads(6) as tids, loaded(period_ms=3, max_targets=MAX_TARGETS), \
            process() as one, process() as two:
        living = tids + [one, two]
        next_id = 1
        for path in (SYSFS, DEBUGFS):
            next_id = fuzz(path, living, [one, two], dead, next_id)
            equal(statistics()["targets"], 0, f"{path}: all targets can be removed")
        ok(adds_up(statistics()), "created = alive + evicted + removed", statistics())


run(main)
