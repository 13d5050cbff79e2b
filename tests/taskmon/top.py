#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon top in a terminal: the screen shows the module's values, the keys work, in terminals of all sizes. The
# terminal is restored, however top ends.
#
# kernels: uml
# needs: taskmon

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

from lib.clone import fork_as, free_pid
from lib.module import load, loaded, parameter, statistics, unload_unless_busy, write
from lib.processes import burn_and_sleep, kill, process, program, sleep_as, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples
from lib.taskmon import TASKMON, Screen, complaint, taskmon
from lib.tasks import tasks

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
    ok(screen.until("^taskmon "), "top draws the screen", screen.lines())


def top():
    """PID and state of the process of taskmon top; None if there is none."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if file.read().startswith(f"{TASKMON}\0top".encode()):
                    with open(f"/proc/{entry}/stat", encoding="ascii") as status:
                        return int(entry), status.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def terminal_is_restored(screen, before, how):
    ok(wait_until(lambda: (top() or (0, "T"))[1] == "T"), f"{how}: top has ended or is stopped")
    ok(wait_until(lambda: screen.state("alternate_on") == "0"), f"{how}: the shell's screen is back")
    # The shell itself also sets the terminal at its prompt.
    ok(wait_until(lambda: screen.terminal() == before), f"{how}: the terminal's settings are restored")
    equal(screen.state("cursor_flag"), "1", f"{how}: the cursor is visible")


def values(screen, busy, idle):
    ok(row(screen, busy, "%"), "a busy task is shown with its share", screen.lines())
    ok(screen.until(rf"^ *{busy} +. .*[▁▂▃▄▅▆▇█]"), "a busy task has a sparkline", screen.lines())
    ok(row(screen, idle, NAME), "an idle task is shown with its name")
    screen.press("Space")
    ok(screen.until("^taskmon  PAUSED"), "space pauses sampling", screen.lines())
    passes = statistics()["passes"]
    time.sleep(0.3)
    equal(statistics()["passes"], passes, "while paused, no sample is taken")
    last = samples(pid=busy)[-1]
    ok(row(screen, busy, f"{seconds(last.usr)} +{seconds(last.sys)} +{seconds(last.wait)}"),
       "the totals are those of the last sample", (last, screen.lines()))
    numbers = statistics()
    ok(screen.until(rf"^taskmon  .*  {numbers['targets']} tasks, period {parameter('period_ms')} ms, "
                    rf"{numbers['alive']} samples"), "the header shows the statistics", screen.lines())
    screen.press("Space")
    ok(wait_until(lambda: statistics()["passes"] > passes), "space again: samples are taken")
    ok(wait_until(lambda: "PAUSED" not in screen.lines()[0]), "space again: the header does not show PAUSED")


def order(screen, pids):
    """The tasks from top to bottom."""
    found = [re.match(r" *(\d+) ", line) for line in screen.lines()]
    return [int(each.group(1)) for each in found if each and int(each.group(1)) in pids]


def keys(screen, busy, idle):
    pids = [idle, busy]
    ok(wait_until(lambda: order(screen, pids) == pids), "tasks are in the order in which they were added")
    screen.press("r")
    ok(wait_until(lambda: order(screen, pids) == pids[::-1]), "r reverses the order")
    screen.press("r", "w")
    ok(screen.until("order: waiting"), "w selects the order by waiting time")
    screen.press("S")
    ok(screen.until("order: CPU share"), "S selects the previous order")
    ok(wait_until(lambda: order(screen, pids) == [busy, idle]), "by CPU share, the busy task is first")
    screen.press("S")
    ok(wait_until(lambda: order(screen, pids) == pids), "S again: the order in which they were added")
    screen.press("s")
    ok(screen.until("order: CPU share"), "s selects the next order")
    screen.press("S")
    with process() as third, process() as fourth:
        screen.press("a")
        ok(screen.until(ADD), "a asks for a task to watch")
        screen.type(f"{third}x")
        screen.press("BSpace", "Enter")
        ok(row(screen, third), "a adds the task", screen.lines())
        screen.press("a")
        screen.type("no-such-name")
        screen.press("Enter")
        ok(screen.until("no process is named no-such-name"), "a shows why a task cannot be added", screen.lines())
        screen.press("a")
        ok(screen.until(ADD), "a asks again")
        # A key that follows Escape too soon is read together with it.
        screen.press("Escape")
        ok(wait_until(lambda: not any(re.search(ADD, line) for line in screen.lines())),
           "Escape cancels the question", screen.lines())
        screen.press("A")
        ok(screen.until(ADD_TREE), "A asks for a task to watch with its descendants", screen.lines())
        screen.type(str(fourth))
        screen.press("Enter")
        ok(row(screen, fourth), "A adds the task")
        equal(statistics()["targets"], 4, "four tasks are watched")
        screen.press("End", "d")
        ok(wait_until(lambda: statistics()["targets"] == 3), "d removes the selected task")
        ok(wait_until(lambda: not order(screen, [fourth])), "the removed task is no longer shown")
        screen.press("Home", "Down", "Down", "d")
        ok(wait_until(lambda: statistics()["targets"] == 2), "arrow keys select a task")
        ok(wait_until(lambda: not order(screen, [third])), "the selected task is removed", screen.lines())
    equal(order(screen, pids), pids, "the other tasks are still shown")


def identities(screen):
    """A row is a task, not a PID: its name is the present or the last one, and d removes no other task."""
    pid = free_pid()
    end, begin = os.pipe()

    def watched_life(name):
        fork_as(pid, lambda: sleep_as(name, begin))
        os.read(end, 1)
        write(pid)

    before = statistics()["targets"]
    # Tasks that have ended have lines of their own.
    screen.press("e")
    with program("/bin/sh", "-c", "read go && exec sleep 1000", stdin=subprocess.PIPE) as shell:
        write(shell.pid)
        ok(row(screen, shell.pid, " sh *"), "a task has its name", screen.lines())
        shell.stdin.write(b"go\n")
        shell.stdin.flush()
        ok(row(screen, shell.pid, " sleep"), "after exec, the new name is shown", screen.lines())
    ok(row(screen, shell.pid, "ended .* sleep"), "after the end, the last name is shown", screen.lines())
    watched_life(b"life-1")
    kill(pid)
    ok(row(screen, pid, "ended .* life-1"), "a task has ended", screen.lines())
    watched_life(b"life-2")
    try:
        ok(row(screen, pid, "[RSD] .* life-2"), "its PID has been used again", screen.lines())
        ok(row(screen, pid, "ended .* life-1"), "the task that has ended is still shown", screen.lines())
        screen.press("End", "Up", "d")
        ok(wait_until(lambda: order(screen, [pid]) == [pid]), "d removes the task that has ended", screen.lines())
        equal([task.name for task in tasks() if task.pid == pid], [b"life-2"], "the other one is still watched")
        screen.press("End", "d")
        ok(wait_until(lambda: not order(screen, [pid])), "d removes the other one", screen.lines())
    finally:
        kill(pid)
    screen.press("End", "d")
    ok(wait_until(lambda: statistics()["targets"] == before), "d removes a task that has ended")
    screen.press("e")


def sizes(screen, busy):
    for columns, rows in ((200, 50), (120, 5), (40, 10), (20, 4), (3, 2), (80, 24)):
        screen.resize(columns, rows)
        wait_until(lambda: not any("taskmon  " in line for line in screen.lines()[1:]))
        screen.press("Down")
        ok(wait_until(lambda: screen.lines()[:1] and "taskmon"[:columns] in screen.lines()[0]),
           f"{columns}x{rows}: the screen is redrawn", screen.lines())
        if columns >= 20:
            ok(wait_until(lambda: order(screen, [busy])), f"{columns}x{rows}: tasks are shown",
               screen.lines())
        ok(all(len(line) <= columns for line in screen.lines()), f"{columns}x{rows}: no line is too long")
    ok(top(), "top is still running")


def many_rows(screen):
    with contextlib.ExitStack() as crowd:
        pids = [crowd.enter_context(process()) for _ in range(120)]
        write(" ".join(map(str, pids)))
        screen.until(rf"^taskmon  .*  {statistics()['targets']} tasks")
        screen.press("End")
        ok(wait_until(lambda: order(screen, pids)[-1:] == pids[-1:]),
           "End scrolls to the last of many tasks", screen.lines())
        screen.press("Home")
        ok(wait_until(lambda: not order(screen, pids[-1:])), "Home scrolls to the first")
    ok(screen.until(r"^ *120 ended, .* press e"), "tasks that have ended are one line", screen.lines())
    screen.press("e")
    ok(screen.until(r"^ *\d+ ended +"), "e shows them", screen.lines())
    screen.press("e")
    taskmon("remove", "--ended")


def views(screen, busy):
    """What is shown, and how: filter, tree, help, all at 50 columns too."""
    screen.press("/")
    ok(screen.until(r"^show only"), "/ asks for a filter", screen.lines())
    screen.type(NAME[:6])
    screen.press("Enter")
    ok(wait_until(lambda: not order(screen, [busy])), "the filter hides other tasks", screen.lines())
    ok(screen.until(rf"filter: {NAME[:6]}"), "the headline shows the filter", screen.lines())
    screen.press("Escape")
    ok(row(screen, busy), "Escape shows all tasks again", screen.lines())
    ok(screen.until(r"^all +user [\d.]+%  system [\d.]+%"), "the second line has the sums", screen.lines())
    screen.press("?")
    ok(screen.until("F10 +quit"), "? shows the keys", screen.lines())
    screen.press("x")
    ok(row(screen, busy), "any key goes back", screen.lines())
    screen.press("t")
    ok(screen.until("order: added, tree"), "t shows the tree", screen.lines())
    screen.press("t")
    screen.resize(50, 12)
    screen.press("Space")
    ok(screen.until("^taskmon  PAUSED  order: added"), "at 50 columns: paused, and the order", screen.lines())
    screen.press("Space")
    screen.resize(120, 24)


def empty(screen):
    taskmon("remove", "--all")
    ok(screen.until("Press a to add tasks"), "an empty screen says what to press", screen.lines())


def without_module(screen, busy):
    # top may have one of the files open at this moment.
    wait_until(unload_unless_busy)
    ok(screen.until("the module is not loaded"), "the module can be unloaded while top runs", screen.lines())
    load(period_ms=20)
    write(busy)
    ok(row(screen, busy), "after a load, top shows tasks again", screen.lines())


def ends(screen, before):
    screen.press("q")
    terminal_is_restored(screen, before, "q")
    equal(os.path.getsize("/tmp/errors"), 0, "q: no error is printed")
    start(screen)
    screen.press("C-c")
    terminal_is_restored(screen, before, "Ctrl-C")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        start(screen)
        os.kill(top()[0], number)
        terminal_is_restored(screen, before, number.name)
    screen.run("set -m")
    start(screen)
    screen.press("C-z")
    terminal_is_restored(screen, before, "Ctrl-Z")
    screen.run("fg")
    ok(screen.until("^taskmon "), "fg: top continues", screen.lines())
    os.kill(top()[0], signal.SIGTSTP)
    terminal_is_restored(screen, before, "SIGTSTP")
    screen.run("fg")
    ok(screen.until("^taskmon "), "fg after SIGTSTP: top continues", screen.lines())
    screen.press("q")
    terminal_is_restored(screen, before, "q after that")


def main():
    equal(complaint(taskmon("top")),
          "taskmon: top needs a terminal; scripts can use `taskmon list --json` or `taskmon export`",
          "without a terminal top fails with a message")
    shutil.copy("/bin/sleep", f"/tmp/{NAME}")
    # Wide enough for the totals and the history.
    screen = Screen(columns=120)
    ok(screen.until(PROMPT), "the shell has started")
    before = screen.terminal()
    with loaded(period_ms=20):
        with program(f"/tmp/{NAME}", "1000") as idle, process(burn_and_sleep) as busy:
            write(f"{idle.pid} {busy}")
            wait_until(lambda: len({each.pid for each in samples()}) == 2)
            start(screen, "-d 0.3 --sort added")
            for test, pids in ((values, (busy, idle.pid)), (keys, (busy, idle.pid)), (identities, ()), (sizes, (busy,)),
                               (many_rows, ()), (views, (busy,)), (empty, ()), (without_module, (busy,))):
                test(screen, *pids)
            ends(screen, before)
    note("\n".join(screen.lines()))
    screen.close()


run(main)
