#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A recording of a million samples takes no more memory than one of a hundred thousand samples of the same tasks, and not
# more time than its length explains: reports, plots, lists, pages, replays and exports.
#
# kernels: host
# needs: taskmon

import os
import pty
import re
import subprocess
import sys
import tempfile
import termios

from lib.known_recordings import Recording
from lib.results import equal, note, ok, run
from lib.taskmon import TASKMON, rows_of_csv, taskmon

TASKS = 200
FEW, MANY = 100_000, 1_000_000
# What ten times as many samples may take: of memory, nearly the same; of time, ten times as much, and what a busy
# machine adds.
MOST_MEMORY, MOST_TIME = 1.5, 15
# A replay keeps what was used in each step, up to a million steps of all tasks. In KiB.
MOST_OF_A_REPLAY = 64 << 10
DIR = tempfile.TemporaryDirectory()
COMMANDS = (["report", "-n", "0"], ["report", "--by", "tree", "--json"],
            ["report", "--by", "command", "--since", "-50%", "--csv"], ["list", "--json"],
            ["top", "-d", "0.1", "--at", "-3s"], ["plot", "--html", f"{DIR.name}/x.html"],
            ["plot", "--stacked", "-o", f"{DIR.name}/x.svg"], ["plot", "--panels", "-o", f"{DIR.name}/x.svg"],
            ["export", "-f", "csv"], ["export", "-f", "perfetto"], ["export", "-f", "openmetrics"])


def recording(samples):
    """A recording of that many samples, in which some tasks use a CPU each all the time, and the others at times."""
    passes = samples // TASKS
    made = Recording(end=1000 + (passes - 1) * 0.1, cpus=TASKS)
    for number in range(TASKS):
        task = made.task(f"job-{number % 20}", parent=101 if number else 1, root=101)
        if number % 4 == 0:
            task.uses(made.begin, made.end, 0.7, 0.3)
            continue
        at, step = made.begin, 1 + 0.031 * number
        while at + step < made.end:
            task.uses(at, at + step, 0.001 * (at // 1 % 17), 0.001 * (at // 1 % 5), 0.1)
            at += step
    return made, made.write(f"{DIR.name}/{samples}")


# Runs a program and prints its status, its peak memory in KiB and its user time. The kernel counts the memory of the
# process that starts a program as the program's, so this has to be a small one.
HELPER = """
import os, sys
null = os.open(os.devnull, os.O_RDWR)
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 0),
                                                                            (os.POSIX_SPAWN_DUP2, null, 1)])
_, status, used = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss, used.ru_utime)
"""


def cost(words, path):
    """(peak memory in KiB, user time in seconds) of a command, of which the output is thrown away."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", HELPER, TASKMON, *words, path], capture_output=True,
                          text=True, check=True)
    status, memory, time = done.stdout.split()
    if status != "0" or done.stderr:
        raise OSError(words, done)
    return int(memory), float(time)


def cost_of_top(words, path):
    """The same of `taskmon top`, until it shows its first screen."""
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(0, (24, 120))
        os.execve(TASKMON, [TASKMON, *words, path], {**os.environ, "TERM": "xterm"})
    written = b""
    while b"PAUSED" not in written:
        written += os.read(terminal, 65536)
    # This is the memory of the program alone.
    with open(f"/proc/{child}/status", encoding="utf-8") as file:
        memory = int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])
    os.write(terminal, b"q")
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass  # the other end is closed
    os.close(terminal)
    _, status, used = os.wait4(child, 0)
    if status:
        raise OSError(words, status)
    return memory, used.ru_utime


def main():
    (_, few), (made, many) = recording(FEW), recording(MANY)
    note(f"{os.path.getsize(few) >> 20} and {os.path.getsize(many) >> 20} MiB")
    for words in COMMANDS:
        name = " ".join(words).replace(DIR.name, "")
        sides = []
        for path in (few, many):
            chosen = list(words)
            if "-50%" in chosen:
                # The later half of the recording.
                half = (FEW if path == few else MANY) // TASKS // 20
                chosen[chosen.index("-50%")] = f"-{half}s"
            sides.append((cost_of_top if chosen[0] == "top" else cost)(chosen, path))
        (memory, time), (more_memory, more_time) = sides
        note(f"{name}: {memory >> 10} and {more_memory >> 10} MiB, {time:.2f} and {more_time:.2f} s")
        if words[0] == "top":
            ok(more_memory < MOST_OF_A_REPLAY, f"{name}: the memory is bounded", sides)
        else:
            ok(more_memory < MOST_MEMORY * memory, f"{name}: ten times the samples take about the same memory", sides)
        # Less than some ticks cannot be compared.
        ok(more_time < MOST_TIME * max(time, 0.05), f"{name}: and not much more than ten times the time", sides)
    rows = rows_of_csv(taskmon("report", "--csv", "-n", 0, many).stdout)
    equal({int(row["pid"]): tuple(int(row[field]) for field in ("usr_us", "sys_us", "wait_us")) for row in rows},
          {task.pid: task.used(made.begin, made.end) for task in made.tasks}, "the report of a million samples is exact")


run(main)
