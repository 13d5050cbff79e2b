#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# `make -j4` of a small C project, recorded by tree:. Every process whose end the kernel tells of by
# taskstats is there with what it has used, and their sum is what the root's parent is told; so too
# for 10,000 times /bin/true.
#
# kernels: x86_64
# boot: --memory 1G

import os
import subprocess

from lib.module import loaded, statistics, write
from lib.proc import used_us
from lib.processes import child, wait_until
from lib.results import equal, note, ok, run
from lib.samples import all_have_ended, problems, samples
from lib.taskstats import Exits

FILES = 12
TRUES = 10_000
ROUNDING_US = 2


def project(folder):
    """A program of some files, some of which have much to compile."""
    os.makedirs(folder, exist_ok=True)
    names = [f"part{number}" for number in range(FILES)]
    for number, name in enumerate(names):
        body = "".join(f"int {name}_{each}(int x) {{ return x * {each} + {number}; }}\n"
                       for each in range(40 * number))
        with open(f"{folder}/{name}.c", "w", encoding="ascii") as file:
            file.write(f"{body}int {name}(void) {{ return {number}; }}\n")
    with open(f"{folder}/main.c", "w", encoding="ascii") as file:
        file.write("int main(void) { return 0; }\n")
    objects = " ".join(f"{name}.o" for name in [*names, "main"])
    with open(f"{folder}/Makefile", "w", encoding="ascii") as file:
        file.write(f"all: {objects}\n\tgcc -o program {objects}\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n")


def recorded(command):
    """Runs it, followed from before it begins; its pid, and what its parent is told that it and all its
    descendants have used."""
    begin, go = os.pipe()

    def run_it():
        os.read(begin, 1)
        os.execvp(command[0], command)

    pid = child(run_it)
    write(f"tree:{pid}")
    os.write(go, b"x")
    os.close(go)
    os.close(begin)
    _, status, usage = os.wait4(pid, 0)
    equal(status, 0, f"{command[0]} succeeds")
    # The pass in which the root ended may have seen the last of the others alive.
    ok(wait_until(all_have_ended), "it is followed to its end")
    return pid, used_us(usage)


def last(history):
    return [each for each in history if each.exit]


def compare(name, pid, told, exits):
    history = samples()
    ended = {each.pid: each.usr + each.sys for each in last(history)}
    equal(problems(history)[:3], [], f"{name}: in order, with no hole")
    equal({each.pid for each in history} - set(ended), set(), f"{name}: each has come to its end")
    equal(statistics()["lost"], 0, f"{name}: none is lost")
    if exits is not None:
        equal(exits.missed, 0, f"{name}: the witness heard of all")
        of_it = exits.descendants_of(pid)
        note(f"{name}: {len(ended)} processes, {len(of_it)} in taskstats")
        equal(sorted(set(of_it) ^ set(ended))[:5], [], f"{name}: those in taskstats' exit records")
        # The record is written in the midst of the exit, the rest of which is used too.
        wrong = [(each, ended.get(each), used) for each, used in of_it.items()
                 if ended.get(each, -9) < used - ROUNDING_US]
        equal(wrong[:5], [], f"{name}: each with no less than told there")
    ok(abs(sum(ended.values()) - told) <= ROUNDING_US * len(ended),
       f"{name}: their sum is RUSAGE_SELF and RUSAGE_CHILDREN of the root", f"{sum(ended.values())} {told}")
    write(f"-tree:{pid}")
    return len(ended)


def a_build():
    project("/tmp/project")
    with Exits() as exits:
        pid, told = recorded(["make", "-s", "-j4", "-C", "/tmp/project"])
        exits.settle(pid)
    count = compare("make -j4", pid, told, exits)
    # For each file gcc, cc1, as; and collect2, ld.
    ok(count > 3 * FILES, "make -j4: a tree of many processes", count)


def many_true():
    script = f"i=0; while [ $i -lt {TRUES} ]; do /tmp/true; i=$((i + 1)); done"
    with open("/tmp/true.c", "w", encoding="ascii") as file:
        file.write("int main(void) { return 0; }\n")
    subprocess.run(["gcc", "-O1", "-static", "-o", "/tmp/true", "/tmp/true.c"], check=True)
    pid, told = recorded(["sh", "-c", script])
    count = compare(f"{TRUES} times true", pid, told, None)
    equal(count, TRUES + 1, f"{TRUES} times true: none is lost")


def main():
    with loaded(period_ms=100):
        a_build()
        many_true()


run(main)
