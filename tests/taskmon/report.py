#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon report: what it says of a recording is what the tasks used, in any window, on both sides of a change of
# daylight saving time and of the clock. What is booked late is counted where it was used. An incident is found. The
# recordings are written by a model, which is the witness; sqlite adds up the samples as exported.
#
# kernels: host
# needs: taskmon

import collections
import csv
import datetime
import io
import json
import os
import random
import sqlite3
import tempfile
import zoneinfo

from lib.known_recordings import Recording, us
from lib.results import equal, note, ok, run
from lib.taskmon import complaint, taskmon

# A window that begins and ends between two samples counts a part of an interval, in whole microseconds.
ROUNDING_US = 2


def report(path, *words, zone="UTC"):
    """The report as JSON."""
    done = taskmon("report", path, "--json", "-n", "0", *words, env={**os.environ, "TZ": zone})
    if done.returncode:
        raise OSError(done.stderr)
    return json.loads(done.stdout)


def by_pid(found):
    return {row["pid"]: (row["usr_us"], row["sys_us"], row["wait_us"]) for row in found["rows"]}


def used(task, begin, end):
    """What a task used between two times, as the model says."""
    return tuple(after - before for before, after in zip(task.totals(begin), task.totals(end)))


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
    return path


def as_sqlite(path):
    """The csv of each report is the sum of the samples as exported: each task's last totals, as all were born meanwhile."""
    database = sqlite3.connect(":memory:")
    rows = list(csv.reader(io.StringIO(taskmon("export", "-f", "csv", path).stdout)))
    database.execute(f"create table samples ({', '.join(rows[0])})")
    database.executemany(f"insert into samples values ({', '.join('?' * len(rows[0]))})", rows[1:])
    for by, column in (("command", "command"), ("process", "pid || ' ' || id")):
        wanted = dict(database.execute(
            f"select {column}, sum(usr) from (select pid, id, command, max(cast(usr_us as integer)) as usr from samples"
            f" group by id) group by {column}"))
        shown = csv.DictReader(io.StringIO(taskmon("report", path, "--by", by, "--csv", "-n", "0").stdout))
        got = {row["name"] if by == "command" else f"{row['pid']} {row['id']}": int(row["usr_us"]) for row in shown}
        equal(got, wanted, f"--by {by} --csv: the same sums as sqlite has of the exported samples")
    whole = report(path)["usr_us"]
    for by in ("command", "parent", "cgroup", "root"):
        found = report(path, "--by", by)
        equal(sum(row["usr_us"] for row in found["rows"]), whole, f"--by {by}: the rows add up to the whole")
    tree = report(path, "--by", "tree")["rows"]
    equal((tree[0]["name"], tree[0]["usr_us"], {row["depth"] for row in tree}), ("make", whole, {0, 1}),
          "--by tree: a process has the sum of its descendants, which are below it")
    names = {row["name"] for row in report(path, "--by", "cgroup")["rows"]}
    equal(names, {"/build", "/other"}, "--by cgroup: the paths that the recording says")


def windows(folder):
    """The share of a loop changes each minute; each minute is asked for by its local time."""
    cases = (("Europe/Berlin", "2026-10-25T00:30:00Z", "autumn"), ("America/New_York", "2026-11-01T05:30:00Z", "autumn"),
             ("Europe/Berlin", "2026-03-29T00:30:00Z", "spring"))
    for name, begin, season in cases:
        zone = zoneinfo.ZoneInfo(name)
        unix = datetime.datetime.fromisoformat(begin).timestamp()
        recording = Recording(begin=5000.0, end=5000.0 + 7200, period=5.0, unix=unix)
        task = recording.task("loop")
        for quarter in range(8):
            task.uses(5000 + quarter * 900, 5000 + quarter * 900 + 900, 0.1 * (quarter + 1))
        path = recording.write(f"{folder}/dst")
        for quarter in range(8):
            first, last = (datetime.datetime.fromtimestamp(unix + (quarter + part) * 900, zone) for part in (0, 1))
            since, until = (f"{each:%Y-%m-%d %H:%M} {each.tzname()}" for each in (first, last))
            found = report(path, "--since", since, "--until", until, zone=name)
            equal(found["usr_us"], used(task, 5000 + quarter * 900, 5900 + quarter * 900)[0],
                  f"{name}, {season}: {since} to {until}")
            equal((found["from"], found["to"]),
                  tuple(each.isoformat(timespec="microseconds") for each in (first, last)), "the report says these times")


def clock_changes(folder):
    """After an hour, the clock is set back or forward by half an hour."""
    for change, since, until, wanted in (
            (-1800, "03:35", "03:55", (2100, 5100)),  # both times that it was 03:35 to 03:55
            (-1800, "04:05", "04:10", (5700, 6000)),
            (1800, "04:35", "04:40", (3900, 4200)),
            (1800, "03:50", "04:40", (3000, 4200))):
        unix = datetime.datetime.fromisoformat("2026-11-25T03:00:00Z").timestamp()
        recording = Recording(begin=100.0, end=7300.0, period=5.0, unix=unix)
        recording.set_clock(3700.0, unix + 3600 + change)
        task = recording.task("loop")
        for number in range(120):
            task.uses(100 + number * 60, 160 + number * 60, (number % 17) / 17)
        path = recording.write(f"{folder}/clock")
        found = report(path, "--since", f"2026-11-25 {since}", "--until", f"2026-11-25 {until}")
        begin, end = (100 + each for each in wanted)
        equal((found["from_us"], found["to_us"]), (us(begin), us(end)), f"clock set by {change} s: {since} to {until}")
        ok(abs(found["usr_us"] - used(task, begin, end)[0]) <= ROUNDING_US, "the window has what was used in it", found)


def booked_late(folder):
    """Under a hypervisor that takes the CPU away, what is used is booked late: 347 % of one thread."""
    recording = Recording(end=1030.0, period=0.1, cpus=2)
    tasks = [recording.task(f"loop{number}").uses(1000, 1030, 0.9, 0.05) for number in range(2)]
    for number, task in enumerate(tasks):
        for begin in range(2, 29, 3):
            task.is_booked_late(1000.05 + begin + number / 10, 1000.35 + begin + number / 10)
    path = recording.write(f"{folder}/late")
    samples = taskmon("export", "-f", "csv", path).stdout.splitlines()
    totals = [int(line.split(",")[3]) for line in samples[1:] if line.split(",")[7] == "1"]
    raw = max(after - before for before, after in zip(totals, totals[1:])) / us(0.1)
    ok(raw > 2, "the samples have shares of more than two CPUs for one thread", raw)
    found = report(path)
    ok(all(row["peak_share"] <= 1.0001 for row in found["rows"]), "no thread has a share of more than one CPU",
       [row["peak_share"] for row in found["rows"]])
    ok(found["peak_share"] <= 2.0001, "all together have no more than the CPUs", found["peak_share"])
    equal(by_pid(found), {task.pid: task.totals(1030) for task in tasks}, "the totals are exact")
    trace = json.loads(taskmon("export", "-f", "perfetto", path).stdout)["traceEvents"]
    shares = [sum(event["args"].values()) for event in trace if event["name"] == "CPU %"]
    ok(max(shares) <= 100.01, "a trace for Perfetto has no share above one CPU", max(shares))


def incident(folder):
    """Among 300 processes, one uses a CPU for a minute at a time not told. Two others wait for it."""
    dice = random.Random(5)
    recording = Recording(begin=10.0, end=3610.0, period=5.0, cpus=1,
                          unix=datetime.datetime.fromisoformat("2026-11-25T02:30:00Z").timestamp())
    begin = 10.0 + 5 * dice.randrange(100, 600)
    for number in range(300):
        task = recording.task(f"daemon{number}").uses(10, 3610, 0.0005)
        if number in (40, 41):
            task.uses(begin, begin + 60, 0.0, 0.0, 0.4)
    recording.task("hog", started=begin, ended=begin + 60, status=9).uses(begin, begin + 60, 0.8)
    path = recording.write(f"{folder}/night")
    first = report(path)["rows"][0]
    equal((first["name"], first["first_us"], first["last_us"], first["status"]),
          ("hog", us(begin), us(begin + 60), "signal 9"), "the first row is the culprit, with its minute and its end")
    waiting = report(path, "--sort", "wait")["rows"][:2]
    equal({row["name"] for row in waiting}, {"daemon40", "daemon41"}, "--sort wait: the first rows are the victims")
    since, until = first["first"], first["last"]
    minute = report(path, "--since", since, "--until", until, "--min", "50%")
    equal([row["name"] for row in minute["rows"]], ["hog"], "in that minute, only one has used so much")
    text = taskmon("report", path, env={**os.environ, "TZ": "UTC"}).stdout
    when = datetime.datetime.fromisoformat(since)
    ok(f"{when:%H:%M:%S}" in text and "signal 9" in text, "the text says when and how it ended", text)


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
        as_sqlite(as_the_model(folder))
        windows(folder)
        clock_changes(folder)
        booked_late(folder)
        incident(folder)
        choices(folder)
        errors(folder)
        difference(folder)


run(main)
