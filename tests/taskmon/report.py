#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon report: each process has what the model used that wrote the recording. What is shown, in which order, and what
# is refused. taskmon diff: what two recordings of a job used.
#
# kernels: host
# needs: taskmon

import collections
import csv
import io
import json
import os
import random
import resource
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


def forms(folder):
    path = build().write(f"{folder}/build")
    rows = list(csv.DictReader(io.StringIO(taskmon("report", path, "--csv").stdout)))
    equal(len(rows), 201, "--csv has all rows, unless fewer are asked for")
    equal(len(json.loads(taskmon("report", path, "--json").stdout)["rows"]), 201, "so has --json")
    text = taskmon("report", path).stdout.splitlines()
    equal((len(text[text.index("") + 1:]) > 20, text[-1].split()[-6:]), (True, ["181", "more", "(-n", "0", "shows", "all)"]),
          "the text has twenty rows, and says how many are left out")
    with open(path, encoding="utf-8") as file:
        whole = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(whole.replace("# end complete", "# missing the disk was full\n# end incomplete"))
    for words in (("--csv",), ("--json",)):
        done = taskmon("report", path, *words)
        equal((done.returncode, done.stderr), (0, f"taskmon: {path}: incomplete: the disk was full\n"),
              f"{words[0]}: a line on standard error says what is missing")
    ok("incomplete: the disk was full" in taskmon("report", path).stdout, "the text says so too")


def trees(folder):
    """A process forks two that are busy at the same time, and ends before they do; a third one is alone."""
    recording = Recording(end=1020.0, cpus=4)
    recording.task("make", pid=500, threads=2, ended=1004.0).uses(1000, 1004, 0.5)
    recording.task("worker", pid=501, tgid=500, ended=1004.0).uses(1000, 1004, 0.2)
    for pid, name, parent, status in ((600, "sh", 500, 0), (700, "cc1", 600, 9)):
        task = recording.task(name, pid=pid, parent=parent, started=1003.0, ended=1015.0, status=status)
        task.uses(1010, 1012, 1.0)
    recording.task("other", pid=800).uses(1000, 1020, 0.1)
    path = recording.write(f"{folder}/tree")

    def rows(*words):
        found = report(path, *words)
        return found, [(row["name"], row["depth"], row["usr_us"], row["own_usr_us"]) for row in found["rows"]]

    found, tree = rows("--by", "tree", "--threads")
    equal(tree, [("make", 0, us(6.0), us(2.0)), ("sh", 1, us(4.0), us(2.0)), ("cc1", 2, us(2.0), us(2.0)),
                 ("worker", 1, us(0.8), us(0.8)), ("other", 0, us(2.0), us(2.0))],
          "--by tree --threads: descendants and threads are below; a thread is not counted again")
    equal([round(row["peak_share"], 3) for row in found["rows"]], [2.0, 2.0, 1.0, 0.2, 0.1],
          "the peak of a process is that of it and its descendants together")
    equal((found["usr_us"], found["processes"]), (us(8.0), 4), "the total has each process once")
    found, tree = rows("--by", "tree", "--since", "boot+1010s")
    equal(tree, [("make", 0, us(4.0), 0), ("sh", 1, us(4.0), us(2.0)), ("cc1", 2, us(2.0), us(2.0)),
                 ("other", 0, us(1.0), us(1.0))], "a window after the end of the parent has the same tree")
    equal((found["rows"][0]["first_us"], found["rows"][0]["last_us"]), (us(1010.0), us(1015.0)),
          "first and last are those of its descendants")
    found, processes = rows("--threads")
    equal([(name, depth) for name, depth, _, _ in processes[:2]], [("make", 0), ("worker", 1)],
          "--threads: a thread is below its process")
    equal({depth for _, depth, _, _ in processes[2:]}, {0}, "--threads: a process is not below another one")
    failed = {row["name"]: row["failed"] for row in report(path, "--by", "parent")["rows"]}
    equal(failed["sh (600)"], 1, "--by parent: how many failed or were killed")
    found = json.loads(taskmon("report", path, "--by", "tree", "--json", "-n", "1", "--reverse").stdout)
    equal((found["rows"][0]["name"], found["left_out"]), ("other", 3), "--reverse: the last tree comes first")


def one_pid(folder):
    """All processes had the same PID, and each is the parent of the next one: the time grows with their number."""
    times = []
    for count in (5000, 20000):
        path = f"{folder}/one"
        with open(path, "w", encoding="utf-8") as file:
            file.write("# taskmon 3\n")
            for number in range(count):
                file.write(f"# task pid:7 : id {number} parent 7 root {number} started {number} ended {10 ** 9} status 0 "
                           f"first 0 next 2 usr 0 sys 0 name sh\n# samples {number}\n"
                           f"pid:7 num:0 : usr 0 sys 0 time {10 ** 6 + number}\n"
                           f"pid:7 num:1 : usr 9 sys 0 time {2 * 10 ** 6 + number}\n")
            file.write("# end complete\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        for by in ("tree", "parent", "root"):
            equal(taskmon("report", path, "--by", by, "-n", "1").returncode, 0, f"--by {by}, {count} times one PID")
        times.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    ok(times[1] < 8 * times[0], "four times as many processes take about four times as long", times)


def errors(folder):
    path = Recording(end=1010.0).write(f"{folder}/none")
    recording = Recording(end=1010.0)
    recording.task("sh")
    one = recording.write(f"{folder}/one")
    for words, wanted in (
            (("report", one, "--since", "-5s", "--until", "-7s"), "-5s is not before -7s"),
            (("report", one, "--since", "boot+1h"), "nothing is recorded in this window; there are samples from "),
            (("report", "/no/such"), "/no/such: No such file or directory"),
            (("report", one, "--threads", "--by", "command"), "--threads: only with --by process or --by tree"),
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
    rows = list(csv.DictReader(io.StringIO(taskmon("diff", *recordings, "--csv").stdout)))
    equal([row["name"] for row in rows], ["cc1", "as"], "diff: the same as CSV")
    recording = Recording(end=1010.0)
    recording.task("ld").uses(1000, 1010, 0.3)
    text = taskmon("diff", recordings[0], recording.write(f"{folder}/2")).stdout
    equal({line.split()[-1]: line.split()[3] for line in text.splitlines()[5:]}, {"cc1": "gone", "ld": "new", "as": "gone"},
          "diff: what is in one recording only is new or gone")


def main():
    with tempfile.TemporaryDirectory() as folder:
        as_the_model(folder)
        choices(folder)
        forms(folder)
        trees(folder)
        one_pid(folder)
        errors(folder)
        difference(folder)


run(main)
