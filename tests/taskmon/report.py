#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon report: each process has what the model used that wrote the recording. What is shown, in which order, and what
# is refused. taskmon diff: what two recordings of a job used.
#
# kernels: host
# needs: taskmon

import collections
import json
import os
import random
import tempfile

from lib.known_recordings import Recording, us
from lib.results import equal, note, ok, run
from lib.taskmon import complaint, taskmon


def report(path, *words):
    """The report as JSON."""
    done = taskmon("report", path, "--json", "-n", "0", *words, env={**os.environ, "TZ": "UTC"})
    if done.returncode:
        raise OSError(done.stderr)
    return json.loads(done.stdout)


def build(seed=1):
    """A build with 200 processes, of which some have the PID of an earlier one."""
    dice = random.Random(seed)
    recording = Recording(end=1060.0, period=0.05, cpus=8)
    recording.notes = ["# cgroup 7 /build", "# cgroup 8 /other"]
    make = recording.task("make", cgroup=7, root=101, pid=101)
    make.uses(1000, 1060, 0.01, 0.02, 0.005)
    for number in range(200):
        begin = round(dice.uniform(1000.5, 1050), 2)
        end = round(begin + dice.uniform(0.001, 8), 3)
        task = recording.task(dice.choice(["cc1", "as", "ld"]), pid=102 + number % 150, parent=101,
                              root=dice.choice([101, None]), cgroup=dice.choice([7, 8]), started=begin, ended=end)
        task.uses(begin, end, dice.uniform(0, 0.02), dice.uniform(0, 0.01), dice.uniform(0, 1))
    return recording


def as_the_model(folder):
    recording = build()
    path = recording.write(f"{folder}/build")
    found = report(path)
    model = collections.Counter()
    for task in recording.tasks:
        for number, value in enumerate(task.totals(task.ended or recording.end)):
            model[(task.id, number)] += value
    rows = {(row["id"], number): row[name] for row in found["rows"]
            for number, name in enumerate(("usr_us", "sys_us", "wait_us"))}
    equal(rows, dict(model), "each process has what it used, to the microsecond, from its birth to its end")
    equal(found["usr_us"], sum(value for (_, number), value in model.items() if number == 0), "the total is the sum")
    equal(found["processes"], 201, "all processes are counted, also those with the same PID")


def choices(folder):
    path = build().write(f"{folder}/build")
    rows = report(path, "--sort", "wait")["rows"]
    ok(all(one["wait_us"] >= other["wait_us"] for one, other in zip(rows, rows[1:])), "--sort wait")
    rows = report(path, "--sort", "first", "--reverse")["rows"]
    ok(all(one["first_us"] >= other["first_us"] for one, other in zip(rows, rows[1:])), "--sort first --reverse")
    equal({row["name"] for row in report(path, "--filter", "c*,ld")["rows"]}, {"cc1", "ld"}, "--filter with two names")
    found = json.loads(taskmon("report", path, "--json", "-n", "3").stdout)
    equal((len(found["rows"]), found["left_out"]), (3, 198), "-n 3 shows three, and says how many are left out")
    ok(all(row["usr_us"] + row["sys_us"] >= 50_000 for row in report(path, "--min", "50ms")["rows"]), "--min 50ms")


def errors(folder):
    path = Recording(end=1010.0).write(f"{folder}/none")
    recording = Recording(end=1010.0)
    recording.task("sh")
    one = recording.write(f"{folder}/one")
    for words, wanted in (
            (("report", one, "--since", "-5s", "--until", "-7s"), "-5s is not before -7s"),
            (("report", one, "--since", "boot+1h"), "nothing is recorded in this window; there are samples from "),
            (("report", "/no/such"), "/no/such: No such file or directory"),
            (("diff", one, "/no/such"), "/no/such: No such file or directory")):
        done = taskmon(*words, env={**os.environ, "TZ": "UTC"})
        ok(str(complaint(done)).startswith(f"taskmon: {wanted}"), f"{' '.join(words[2:])}: an error in one line", done)
    equal(taskmon("report", one, "--since", "25:00").returncode, 2, "a time that is none: status 2")
    note(taskmon("report", path).stdout)
    equal(taskmon("report", path).returncode, 0, "a recording without tasks has an empty report")


def difference(folder):
    recordings = []
    for number, share in enumerate((0.2, 0.4)):
        recording = Recording(end=1010.0)
        recording.task("cc1").uses(1000, 1010, share)
        recording.task("as").uses(1000, 1010, 0.1)
        recordings.append(recording.write(f"{folder}/{number}"))
    rows = json.loads(taskmon("diff", *recordings, "--json").stdout)["rows"]
    equal([(row["name"], row["change_us"], row["change"]) for row in rows], [("cc1", us(2.0), 1.0), ("as", 0, 0.0)],
          "diff: what has changed most comes first, as time and as a fraction")
    text = taskmon("diff", *recordings).stdout
    ok("+100.0%" in text and "+2.000" in text, "diff: the same as text", text)


def main():
    with tempfile.TemporaryDirectory() as folder:
        as_the_model(folder)
        choices(folder)
        errors(folder)
        difference(folder)


run(main)
