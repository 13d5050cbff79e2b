#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon top FILE: a recording as it was at a moment. The shares are those of the model that wrote the recording; keys
# step, play and go to a time.
#
# kernels: host
# needs: taskmon

import datetime
import re
import shutil
import tempfile

from lib.known_recordings import Recording
from lib.processes import wait_until
from lib.results import equal, ok, run
from lib.taskmon import TASKMON, Screen, complaint, taskmon

FOLDER = tempfile.mkdtemp()
OUT = f"{FOLDER}/recording"
ERRORS = f"{FOLDER}/errors"
# Local time of the recording's beginning.
BEGIN = "2026-11-25T03:00:00+01:00"


def recorded():
    """Ten minutes. `hog` uses 70 % and 20 % in the minute from 03:04, its child as much of the next one."""
    recording = Recording(begin=50.0, end=650.0, period=1.0, unix=datetime.datetime.fromisoformat(BEGIN).timestamp())
    recording.task("init", pid=1).uses(50, 650, 0.01)
    recording.task("hog", pid=20, parent=1).uses(290, 350, 0.7, 0.2, 0.3)
    recording.task("child", pid=21, parent=20, started=300.0, ended=420.5).uses(350, 410, 0.4, 0.1)
    return recording.write(OUT)


def shares(screen, pid):
    """What the row of a task shows: user, system and waiting share in per cent."""
    for line in screen.lines():
        found = re.match(rf" *{pid} +\S+ +([\d.-]+)%? +([\d.-]+)%? +([\d.-]+)%? ", line)
        if found:
            return found.groups()
    return None


def shows(screen, pid, wanted, name):
    ok(wait_until(lambda: shares(screen, pid) == wanted), name, (shares(screen, pid), wanted, screen.lines()))


def moments(screen):
    screen.run(f"TZ=Europe/Berlin {TASKMON} top {OUT} --at 03:04:30 2> {ERRORS}")
    ok(screen.until("^2026-11-25 03:04:30 CET "), "--at: the moment is shown, in local time", screen.lines())
    shows(screen, 20, ("70.0", "20.0", "30.0"), "a task has the shares of that moment")
    shows(screen, 21, ("0.0", "0.0", "0.0"), "another one is idle")
    ok(screen.until("user 71.0%  system 20.0%  wait 30.0%  of 2 CPUs"), "the second line has the sums", screen.lines())
    screen.press("]")
    ok(screen.until("^2026-11-25 03:05:30 CET "), "]: sixty steps on", screen.lines())
    shows(screen, 20, ("0.0", "0.0", "0.0"), "the first one is idle now")
    shows(screen, 21, ("40.0", "10.0", "0.0"), "the other one is busy")
    screen.press("Left")
    ok(screen.until("^2026-11-25 03:05:29 CET "), "the left arrow: one step back", screen.lines())
    screen.press("t")
    ok(screen.until(r"^ +1 .* init"), "t shows the tree", screen.lines())
    shows(screen, 1, ("41.0", "10.0", "0.0"), "an ancestor has the sums")
    ok(any(re.search(r" {5}child", line) for line in screen.lines()), "the child is below its parent", screen.lines())
    screen.press("t", "g")
    screen.type("boot+600s")
    screen.press("Enter")
    ok(screen.until("^2026-11-25 03:09:10 CET "), "g goes to a time", screen.lines())
    ok(screen.until("^ +1 ended, 30.000 s"), "what has ended is one line, with its CPU time", screen.lines())
    screen.press("g")
    screen.type("04:00")
    screen.press("Enter")
    ok(screen.until("04:00 is not recorded"), "a time that is not recorded is an error", screen.lines())
    screen.press("g")
    screen.type("03:01")
    screen.press("Enter")
    ok(screen.until("^2026-11-25 03:01:00 CET "), "and g works again", screen.lines())
    screen.press("Space")
    ok(screen.until("^taskmon  playing ×1"), "space plays", screen.lines())
    ok(wait_until(lambda: any(re.match("2026-11-25 03:01:0[2-9]", line) for line in screen.lines())), "the moment goes on",
       screen.lines())
    screen.press("Space")
    ok(screen.until("^taskmon  PAUSED"), "space again pauses", screen.lines())
    screen.resize(50, 10)
    ok(screen.until("^taskmon  PAUSED  order: CPU share"), "at 50 columns: paused, and the order", screen.lines())
    ok(screen.until("^2026-11-25 03:01:.. CET "), "and the moment", screen.lines())
    screen.press("q")
    equal(open(ERRORS, encoding="utf-8").read(), "", "no error is printed")


def errors():
    equal(complaint(taskmon("top", OUT)),
          "taskmon: top needs a terminal; scripts can use `taskmon list --json` or `taskmon export`",
          "a replay needs a terminal too")
    equal(taskmon("top", "--at", "03:00").returncode, 2, "--at without a recording: status 2")


def main():
    screen = Screen(columns=110)
    ok(screen.until(r"^[$#] *$"), "the shell has started")
    recorded()
    moments(screen)
    errors()
    screen.close()
    shutil.rmtree(FOLDER)


run(main)
