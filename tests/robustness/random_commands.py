#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# 100,000 random and mutated writes to both files, against a model of what each must do: which targets
# are watched then, which error, how many bytes are obeyed.
#
# kernels: uml

import errno
import os
import random

from lib.clone import free_pid
from lib.command_model import SPACE, Model, lives
from lib.module import DEBUGFS, SYSFS, loaded, statistics, write
from lib.processes import idle_threads, process
from lib.results import equal, note, ok, run
from lib.samples import samples

SEED = int(os.environ.get("TASKMONITOR_SEED", "20261123"))
# For each file. About one in a hundred is left out, as it would follow somebody hit by chance.
WRITES = 51_000
MAX_TARGETS = 5


class Generator:
    """Knows the grammar, and how to spoil it."""

    def __init__(self, numbers):
        self.numbers = numbers

    def number(self):
        choice = random.random()
        if choice < 0.85:
            return str(random.choice(self.numbers)).encode()
        if choice < 0.9:
            return b"0" * random.randrange(1, 12) + str(random.choice(self.numbers)).encode()
        return str(random.choice((0, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) + 1, 1 << 64,
                                  random.getrandbits(31), random.getrandbits(70)))).encode()

    def word(self):
        choice = random.random()
        if choice < 0.3:
            return self.number()
        if choice < 0.45:
            return b"+" + self.number()
        if choice < 0.8:
            return b"-" + self.number()
        if choice < 0.92:
            return random.choice((b"stop", b"start", b"clear"))
        if choice < 0.925:
            return random.choice((b"tree:", b"-tree:")) + self.number()
        if choice < 0.96:
            return random.choice((b"+", b"-", b"tree:", b"-tree:", b"tree:0", b"tree:x", b"tree:-5",
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
        text += b"".join(self.word() + self.blank() for _ in range(count))
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
    """Whether it would follow somebody hit by chance, who may well fork."""
    return any(number.isdigit() and int(number) not in known and lives(int(number) & 0x7fffffff)
               for number in (word.partition(b"tree:")[2] for word in text.split()))


def differs(model, living, name):
    """Whether what is watched is not what the model has: a word that changes nothing finds out."""
    if statistics()["targets"] != len(model.watched):
        return f"{statistics()['targets']} targets, not {len(model.watched)}"
    for number in {*living, *model.watched}:
        word = number if number in model.watched else f"-{number}"
        wanted = errno.EEXIST if number in model.watched else errno.ESRCH
        try:
            write(word, name)
            return f"{word} was obeyed"
        except OSError as error:
            if error.errno != wanted:
                return f"{word}: {error}"
    order = list(dict.fromkeys(each.pid for each in samples()))
    if order != [number for number in model.watched if number in order]:
        return f"order {order}, not {model.watched}"
    return None


def fuzz(path, living, processes, dead):
    model = Model(processes, MAX_TARGETS)
    generator = Generator(living * 3 + dead)
    fd = os.open(path, os.O_WRONLY)
    failed = obeyed = 0
    for count in range(WRITES):
        text = generator.text()
        if follows_others(text, living + dead):
            continue
        expected = model.write(text, path == SYSFS)
        try:
            got = os.write(fd, text), 0
        except OSError as error:
            got = 0, error.errno
        obeyed += got[1] == 0
        failed += got[1] != 0
        problem = None if got == expected else f"{got}, not {expected}"
        if not problem and count % 100 == 0:
            problem = differs(model, living, path)
        if problem:
            ok(False, f"{path}: write {count} with seed {SEED}", f"{problem}: {text[:300]!r}")
            break
    else:
        ok(not differs(model, living, path), f"{path}: {WRITES} writes do what the model says",
           differs(model, living, path))
    note(f"{path}: {obeyed} obeyed, {failed} refused")
    ok(min(obeyed, failed) > WRITES // 10, f"{path}: many of either kind", (obeyed, failed))
    os.close(fd)
    for number in list(model.watched):
        write(f"-{number}")


def main():
    random.seed(SEED)
    dead = [free_pid(), 2147483647]
    with idle_threads(6) as tids, loaded(period_ms=3, max_targets=MAX_TARGETS), \
            process() as one, process() as two:
        living = tids + [one, two]
        for path in (SYSFS, DEBUGFS):
            fuzz(path, living, [one, two], dead)
            equal(statistics()["targets"], 0, f"{path}: all can be taken away")
        numbers = statistics()
        equal(numbers["created"], numbers["alive"] + numbers["evicted"] + numbers["removed"],
              "it adds up")


run(main)
