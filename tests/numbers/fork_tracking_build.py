#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# `make -j4` of a small C project, followed by tree:. Each process that has an exit record in taskstats has an
# exit sample with that CPU time, and the sum is what wait4() reports of the root. The same for
# 10,000 short-lived processes of a shell.
#
# kernels: x86_64
# on demand: matrix
# boot: --memory 1G

import os
import shutil

from lib.module import loaded, statistics, write
from lib.proc import used_us
from lib.processes import child, compile_program, wait_until
from lib.results import equal, need, note, ok, run
from lib.samples import all_have_ended, problems, samples
from lib.taskstats import ExitRecords

FILES = 12
TRUES = 10_000
ROUNDING_US = 2


def project(folder):
    """Writes a C project of several files of different sizes."""
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


def run_followed(command):
    """Runs the command, followed from before its exec(). Its PID, and the CPU time of it and all its
    descendants from wait4()."""
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
    # The pass that notices the root's exit may have read the last of the others while it was alive.
    ok(wait_until(all_have_ended), f"{command[0]}: all processes have exit samples")
    return pid, used_us(usage)


def compare(name, pid, expected, exits):
    history = samples()
    ended = {each.pid: each.usr + each.sys for each in history if each.exit}
    equal(problems(history)[:3], [], f"{name}: the history is in order, without a gap")
    equal({each.pid for each in history} - set(ended), set(), f"{name}: each process has an exit sample")
    equal(statistics()["lost"], 0, f"{name}: 'lost' is 0")
    if exits is not None:
        equal(exits.missed, 0, f"{name}: no exit record is missing")
        records = exits.descendants_of(pid)
        note(f"{name}: {len(ended)} processes, {len(records)} in taskstats")
        equal(sorted(set(records) ^ set(ended))[:5], [], f"{name}: the processes are those of the exit records")
        # The kernel writes the record in the middle of the exit; the rest of the exit also uses CPU time.
        wrong = [(each, ended.get(each), used) for each, used in records.items()
                 if ended.get(each, -9) < used - ROUNDING_US]
        equal(wrong[:5], [], f"{name}: each has at least the CPU time of its record")
    ok(abs(sum(ended.values()) - expected) <= ROUNDING_US * len(ended),
       f"{name}: the sum of all is RUSAGE_SELF + RUSAGE_CHILDREN of the root",
       f"{sum(ended.values())} {expected}")
    write(f"-tree:{pid}")
    return len(ended)


def a_build():
    need(shutil.which("gcc") and shutil.which("make"), "no gcc and make in the machine")
    project("/tmp/project")
    with ExitRecords() as exits:
        pid, expected = run_followed(["make", "-s", "-j4", "-C", "/tmp/project"])
        exits.wait_for(pid)
    count = compare("make -j4", pid, expected, exits)
    # gcc, cc1 and as for each file; collect2 and ld.
    ok(count > 3 * FILES, "make -j4: the tree has many processes", count)


def many_true():
    script = f"i=0; while [ $i -lt {TRUES} ]; do /tmp/true; i=$((i + 1)); done"
    with open("/tmp/true.c", "w", encoding="ascii") as file:
        file.write("int main(void) { return 0; }\n")
    compile_program("/tmp/true.c", "/tmp/true", "-O1", "-static")
    pid, expected = run_followed(["sh", "-c", script])
    count = compare(f"{TRUES} times true", pid, expected, None)
    equal(count, TRUES + 1, f"{TRUES} times true: no process is missing")


def main():
    with loaded(period_ms=100):
        a_build()
        many_true()


run(main)
