#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Shares of tasks whose CPU time is booked late, as under a hypervisor: none that is reported, drawn or exported exceeds
# the threads of the task or the CPUs of the machine, and the totals are those of the samples, to the microsecond.
#
# kernels: host
# needs: taskmon

import json
import os
import random
import tempfile

from lib.known_recordings import SECOND, Recording, us
from lib.pictures import HATCHED, Picture
from lib.raw_recordings import read, used
from lib.results import equal, note, ok, run
from lib.taskmon import rows_of_csv, taskmon

SEED = int(os.environ.get("TASKMONITOR_SEED", "17"))
DIR = tempfile.TemporaryDirectory()
FILE, SVG = f"{DIR.name}/recording", f"{DIR.name}/x.svg"
# What rounding may add to a share of 1.
ROUNDING = 1e-5


def late(begin, end, chosen, most=0.7):
    """Ranges of time whose use is booked at their ends, up to 0.7 s long."""
    found, until = [], begin
    while True:
        since = until + chosen.uniform(0.2, 2)
        until = since + chosen.uniform(0.1, most)
        if until >= end:
            return found
        found.append((since, until))


def one_thread(chosen):
    """One thread on 4 CPUs, which never stops, and whose samples show up to several hundred per cent."""
    recording = Recording(end=1060.0, cpus=4)
    task = recording.task("loop").uses(1002, 1060, 0.75, 0.25)
    for since, until in late(1003, 1060, chosen):
        task.is_booked_late(since, until)
    return recording


def two_compilers(chosen):
    """make -j2 on two CPUs. It is not known how many threads the processes have."""
    recording = Recording(end=1060.0, cpus=2)
    recording.notes = ["# tree 101"]
    recording.task("make", threads=None, root=101, ended=1059.9)
    # Both are booked at the same moments: the whole machine was stopped.
    stolen = late(1002, 1060, chosen)
    for begin in (1001, 1019, 1037):
        end = begin + chosen.randrange(14, 18)
        for _ in range(2):
            task = recording.task("cc1", threads=None, started=begin, ended=end + 0.005, parent=101, root=101)
            task.uses(begin + 0.001, end, 0.8, 0.19)
            for since, until in stolen:
                if begin < since and until < end:
                    task.is_booked_late(since, until)
    return recording


def three_threads(chosen):
    """A process of three threads on 8 CPUs, with a pause in sampling, beside one that is nearly idle."""
    recording = Recording(end=1060.0, cpus=8)
    task = recording.task("java", threads=3).uses(1000, 1020, 1.0, 0.5).uses(1020, 1060, 2.4, 0.5)
    for since, until in late(1021, 1060, chosen, 0.3):
        task.is_booked_late(since, until)
    recording.task("sshd").uses(1000, 1060, 0.01)
    recording.stopped.append((1030, 1033))
    return recording


def booked_at_once(_):
    """All that is used in the first seconds is booked in one sample, which is the second one."""
    recording = Recording(end=1060.0, cpus=2)
    task = recording.task("early", started=990.0).uses(999, 1005, 1.0).uses(1005, 1006, 0.5)
    # The recording knows of 100 ms only, in which 600 ms are booked.
    task.is_booked_late(999.5, 1000.1)
    return recording


KINDS = (one_thread, two_compilers, three_threads, booked_at_once)


def highest_in_samples(tasks, begin):
    """The highest share of one interval, and of all tasks together in intervals that end at the same time."""
    highest, together = 0.0, {}
    for task in tasks.values():
        for from_us, to_us, usr, sys, _ in task.intervals(begin):
            if to_us - from_us > 50_000:
                share = (usr + sys) / (to_us - from_us)
                highest = max(highest, share)
                together[to_us] = together.get(to_us, 0.0) + share
    return highest, max(together.values())


def caps(recording):
    """The most that each task may show, by PID."""
    return {task.pid: min(task.threads or recording.cpus, recording.cpus) for task in recording.tasks}


def report(*words):
    return json.loads(taskmon("report", "--json", "-n", "0", *words, FILE).stdout)


def reports(name, recording, tasks, begin):
    most = caps(recording)
    whole = report()
    sums = {id: used(task, begin, 0, us(recording.end + 1)) for id, task in tasks.items()}
    equal({row["id"]: (row["usr_us"], row["sys_us"], row["wait_us"]) for row in whole["rows"]}, sums,
          f"{name}: report has the sums of the samples, to the microsecond")
    equal((whole["usr_us"], whole["sys_us"]), tuple(int(sum(each[at] for each in sums.values())) for at in (0, 1)),
          f"{name}: and their total")
    ok(all(row["peak_share"] <= most[row["pid"]] + ROUNDING for row in whole["rows"]),
       f"{name}: no peak exceeds threads or CPUs", [(row["pid"], row["peak_share"]) for row in whole["rows"]])
    for by in ("process", "command", "parent", "root", "tree"):
        found = report("--by", by)
        peaks = [found["peak_share"], *(row["peak_share"] for row in found["rows"])]
        ok(max(peaks) <= recording.cpus + ROUNDING, f"{name}: by {by}, none exceeds the CPUs", peaks)
        rows = rows_of_csv(taskmon("report", "--csv", "-n", "0", "--by", by, FILE).stdout)
        ok(all(float(row["peak_share"]) <= recording.cpus + ROUNDING for row in rows), f"{name}: the same in csv", rows)


def windows(name, recording):
    """Windows of a second each: none has more than fits, and they add up to the whole."""
    most = caps(recording)
    sums, excess, highest = {}, [], 0.0
    for at in range(us(recording.begin), us(recording.end), SECOND):
        found = report("--since", f"boot+{at}us", "--until", f"boot+{at + SECOND}us")
        highest = max(highest, found["peak_share"])
        for row in found["rows"]:
            before = sums.get(row["id"], (0, 0))
            sums[row["id"]] = (before[0] + row["usr_us"], before[1] + row["sys_us"])
            share = (row["usr_us"] + row["sys_us"]) / SECOND
            if share > most[row["pid"]] + ROUNDING:
                excess.append((at, row["pid"], share))
    equal(excess, [], f"{name}: in no second more than threads or CPUs can do")
    ok(highest <= recording.cpus + ROUNDING, f"{name}: in no second a peak of all above the CPUs", highest)
    for at in range(1005, 1055, 7):
        taskmon("plot", "--stacked", "--since", f"boot+{at}s", "--until", f"boot+{at + 1}s", "-o", SVG, FILE)
        picture = Picture(SVG)
        highest = max(highest, picture.highest() / 100 if picture.areas else 0)
    ok(highest <= recording.cpus * 1.001, f"{name}: in a plot of a second, no area is higher than the CPUs", highest)
    equal(sums, {row["id"]: (row["usr_us"], row["sys_us"]) for row in report()["rows"]},
          f"{name}: the seconds add up to the whole, to the microsecond")


def pictures(name, recording, tasks, begin):
    window_s = recording.end - recording.begin
    whole = sum(sum(used(task, begin, 0, us(recording.end + 1))[:2]) for task in tasks.values()) / SECOND
    for words in (["--stacked"], ["--stacked", "--group", "pid"], ["--stacked", "--top", 1]):
        done = taskmon("plot", *words, "-o", SVG, FILE)
        equal((done.returncode, done.stderr), (0, ""), f"{name}: plot {' '.join(map(str, words))}")
        picture = Picture(SVG)
        limit = recording.cpus * 100
        ok(picture.highest() <= limit * 1.001, f"{name}: no area is higher than the CPUs", picture.highest())
        ok(all(abs(line - limit) < 0.5 for line in picture.dashed), f"{name}: the dashed line is at the CPUs",
           picture.dashed)
        gaps = sum(sum(recording.used(*stop)[:2]) for stop in recording.stopped) / SECOND
        shown = picture.seconds(window_s)
        ok(abs(shown + gaps - whole) < 0.01 * whole, f"{name}: the areas are as large as the CPU time", (shown, whole))
    for task in recording.tasks[:3]:
        taskmon("plot", "--panels", "--filter", task.pid, "-o", SVG, FILE)
        picture = Picture(SVG)
        most = caps(recording)[task.pid] * 100
        if picture.areas:
            ok(picture.highest(HATCHED) <= most * 1.001, f"{name}: the panel of {task.pid} is not higher than {most}%",
               picture.highest(HATCHED))


def traces(name, recording, tasks, begin):
    """The counters of a trace: none is too high, and their integral is what was used where it was sampled."""
    most = caps(recording)
    events = json.loads(taskmon("export", "-f", "perfetto", FILE).stdout)["traceEvents"]
    counters = [event for event in events if event["ph"] == "C" and event["name"] == "CPU %"]
    values = [(event["pid"], sum(event["args"].values())) for event in counters]
    ok(all(value <= most[pid] * 100 + 0.01 for pid, value in values), f"{name}: no counter exceeds threads or CPUs",
       max(values, key=lambda each: each[1]))
    slices = {event["args"]["id"]: (event["args"]["user_us"], event["args"]["system_us"], event["args"]["wait_us"])
              for event in events if event["ph"] == "X"}
    equal(slices, {id: used(task, begin, 0, us(recording.end + 1)) for id, task in tasks.items()},
          f"{name}: the slices have the sums of the samples")


def main():
    for kind in KINDS:
        name = kind.__name__
        recording = kind(random.Random(f"{SEED} {name}"))
        recording.write(FILE)
        tasks, begin = read(FILE)
        highest, together = highest_in_samples(tasks, begin)
        note(f"{name}: up to {highest:.0%} of one task, {together:.0%} of all in an interval")
        ok(max(highest / max(caps(recording).values()), together / recording.cpus) > 1.2,
           f"{name}: the samples are not believable as they are", (highest, together))
        reports(name, recording, tasks, begin)
        windows(name, recording)
        pictures(name, recording, tasks, begin)
        traces(name, recording, tasks, begin)


run(main)
