#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon top in a terminal: what stands on the screen is what the module says, keys do what they are
# said to, in terminals of all sizes, and whatever ends it leaves the terminal as it was.
#
# kernels: uml
# needs: taskmon

import contextlib
import os
import re
import shutil
import signal
import time

from lib.module import load, loaded, parameter, statistics, unload_unless_busy, write
from lib.processes import burn_and_sleep, process, program, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples
from lib.taskmon import TASKMON, Screen, complaint, taskmon

NAME = "idle-one"
PROMPT = r"^[$#] *$"
ADD = r"^watch \(PID or name\):"
ADD_TREE = r"^watch with descendants \(PID or name\):"


def seconds(us):
    return f"{us // 1_000_000}.{us % 1_000_000:06}"


def row(screen, pid, rest=""):
    return screen.until(rf"^ *{pid} .*{rest}")


def start(screen, words=""):
    screen.run(f"{TASKMON} top {words} 2> /tmp/errors")
    ok(screen.until("^taskmon "), "top fills the screen", screen.lines())


def top():
    """The program's process and the letter of its state; None when there is none."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if file.read().startswith(f"{TASKMON}\0top".encode()):
                    with open(f"/proc/{entry}/stat", encoding="ascii") as status:
                        return int(entry), status.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def is_put_back(screen, before, how):
    ok(wait_until(lambda: (top() or (0, "T"))[1] == "T"), f"{how}: it ends")
    ok(wait_until(lambda: screen.state("alternate_on") == "0"), f"{how}: the screen is the shell's")
    # The shell itself sets the line anew at its prompt.
    ok(wait_until(lambda: screen.terminal() == before), f"{how}: the line is set as before")
    equal(screen.state("cursor_flag"), "1", f"{how}: the cursor is there")


def figures(screen, busy, idle):
    ok(row(screen, busy, "%"), "a busy task is there, with its share", screen.lines())
    ok(screen.until(rf"^ *{busy} +. .*[▁▂▃▄▅▆▇█]"), "and a sparkline", screen.lines())
    ok(row(screen, idle, NAME), "an idle one, with its name")
    screen.press("Space")
    ok(screen.until("^taskmon .*PAUSED"), "space pauses", screen.lines())
    passes = statistics()["passes"]
    time.sleep(0.3)
    equal(statistics()["passes"], passes, "no more samples are taken")
    last = samples(pid=busy)[-1]
    ok(row(screen, busy, f"{seconds(last.usr)} +{seconds(last.sys)}"),
       "the totals are those of the last sample", (last, screen.lines()))
    numbers = statistics()
    ok(screen.until(rf"^taskmon  {numbers['targets']} tasks, period {parameter('period_ms')} ms, "
                    rf"{numbers['alive']} samples"), "the head says what the statistics say", screen.lines())
    screen.press("Space")
    ok(wait_until(lambda: statistics()["passes"] > passes), "space again, and samples come again")
    ok(wait_until(lambda: "PAUSED" not in screen.lines()[0]), "the head no longer says so")


def order(screen, pids):
    """The tasks from top to bottom."""
    found = [re.match(r" *(\d+) ", line) for line in screen.lines()]
    return [int(each.group(1)) for each in found if each and int(each.group(1)) in pids]


def keys(screen, busy, idle):
    pids = [idle, busy]
    ok(wait_until(lambda: order(screen, pids) == pids), "as they were added")
    screen.press("r")
    ok(wait_until(lambda: order(screen, pids) == pids[::-1]), "r reverses")
    screen.press("r", "s")
    ok(screen.until("order: CPU share"), "s changes the order")
    ok(wait_until(lambda: order(screen, pids) == [busy, idle]), "the busy one comes first")
    screen.press("S")
    ok(wait_until(lambda: order(screen, pids) == pids), "S changes it back")
    with process() as third, process() as fourth:
        screen.press("a")
        ok(screen.until(ADD), "a asks for what to watch")
        screen.type(f"{third}x")
        screen.press("BSpace", "Enter")
        ok(row(screen, third), "and adds it", screen.lines())
        screen.press("a")
        screen.type("no-such-name")
        screen.press("Enter")
        ok(screen.until("no process is named no-such-name"), "or says why not", screen.lines())
        screen.press("a")
        ok(screen.until(ADD), "a once more")
        # What follows on Escape too soon is one key with it.
        screen.press("Escape")
        ok(wait_until(lambda: not any(re.search(ADD, line) for line in screen.lines())),
           "Escape takes the question back", screen.lines())
        screen.press("t")
        ok(screen.until(ADD_TREE), "t asks for a tree", screen.lines())
        screen.type(str(fourth))
        screen.press("Enter")
        ok(row(screen, fourth), "t adds a tree")
        equal(statistics()["targets"], 4, "so four are watched")
        screen.press("End", "d")
        ok(wait_until(lambda: statistics()["targets"] == 3), "d removes the chosen one")
        ok(wait_until(lambda: not order(screen, [fourth])), "which goes")
        screen.press("Home", "Down", "Down", "d")
        ok(wait_until(lambda: statistics()["targets"] == 2), "arrows choose")
        ok(wait_until(lambda: not order(screen, [third])), "among the lines", screen.lines())
    equal(order(screen, pids), pids, "the others stay")


def sizes(screen, busy):
    for columns, rows in ((200, 50), (120, 5), (40, 10), (20, 4), (3, 2), (80, 24)):
        screen.resize(columns, rows)
        wait_until(lambda: not any("taskmon  " in line for line in screen.lines()[1:]))
        screen.press("Down")
        ok(wait_until(lambda: screen.lines()[:1] and "taskmon"[:columns] in screen.lines()[0]),
           f"{columns}x{rows}: it is drawn anew", screen.lines())
        if columns >= 20:
            ok(wait_until(lambda: order(screen, [busy])), f"{columns}x{rows}: tasks are to be seen",
               screen.lines())
        ok(all(len(line) <= columns for line in screen.lines()), f"{columns}x{rows}: within its width")
    ok(top(), "it lives")


def many_rows(screen):
    with contextlib.ExitStack() as crowd:
        pids = [crowd.enter_context(process()) for _ in range(120)]
        write(" ".join(map(str, pids)))
        screen.until(rf"^taskmon  {statistics()['targets']} tasks")
        screen.press("End")
        ok(wait_until(lambda: order(screen, pids)[-1:] == pids[-1:]),
           "of more tasks than a page has lines, the last is shown", screen.lines())
        screen.press("Home")
        ok(wait_until(lambda: not order(screen, pids[-1:])), "and the first, if wanted")
    ok(screen.until(r"^ *\d+ ended"), "ended ones are shown as such", screen.lines())
    taskmon("remove", "--ended")


def without_module(screen, busy):
    # It may have one of the files open just now.
    wait_until(unload_unless_busy)
    ok(screen.until("the module is not loaded"), "the module can go meanwhile", screen.lines())
    load(period_ms=20)
    write(busy)
    ok(row(screen, busy), "and come back", screen.lines())


def ends(screen, before):
    screen.press("q")
    is_put_back(screen, before, "q")
    equal(os.path.getsize("/tmp/errors"), 0, "q: nothing is complained of")
    start(screen)
    screen.press("C-c")
    is_put_back(screen, before, "Ctrl-C")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        start(screen)
        os.kill(top()[0], number)
        is_put_back(screen, before, number.name)
    screen.run("set -m")
    start(screen)
    screen.press("C-z")
    is_put_back(screen, before, "Ctrl-Z")
    screen.run("fg")
    ok(screen.until("^taskmon "), "fg: it goes on", screen.lines())
    os.kill(top()[0], signal.SIGTSTP)
    is_put_back(screen, before, "SIGTSTP")
    screen.run("fg")
    ok(screen.until("^taskmon "), "fg: it goes on again", screen.lines())
    screen.press("q")
    is_put_back(screen, before, "q after that")


def main():
    equal(complaint(taskmon("top")),
          "taskmon: top needs a terminal; scripts can use `taskmon list --json` or `taskmon export`",
          "without a terminal it says so")
    shutil.copy("/bin/sleep", f"/tmp/{NAME}")
    screen = Screen()
    ok(screen.until(PROMPT), "a shell is there")
    before = screen.terminal()
    with loaded(period_ms=20):
        with program(f"/tmp/{NAME}", "1000") as idle, process(burn_and_sleep) as busy:
            write(f"{idle.pid} {busy}")
            wait_until(lambda: len({each.pid for each in samples()}) == 2)
            start(screen, "-d 0.3")
            for test, pids in ((figures, (busy, idle.pid)), (keys, (busy, idle.pid)), (sizes, (busy,)),
                               (many_rows, ()), (without_module, (busy,))):
                test(screen, *pids)
            ends(screen, before)
    note("\n".join(screen.lines()))
    screen.close()


run(main)
