#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# A night of 300 processes, of which one takes all CPUs for a minute while two others have to wait. With nothing but the
# text that taskmon prints, who it was, who waited and which minute it was are found, in two or three commands.
#
# kernels: host
# needs: taskmon

import datetime
import os
import random
import re
import tempfile
import zoneinfo

from lib.known_recordings import Recording
from lib.results import equal, note, ok, run
from lib.taskmon import on_terminal, taskmon

SEED = int(os.environ.get("TASKMONITOR_SEED", "310"))
ZONE = "Europe/Berlin"
DIR = tempfile.TemporaryDirectory()
FILE = f"{DIR.name}/night"
PERIOD = 10
MINUTE = 60
CPUS = 4
DAEMONS = ("sshd", "cron", "systemd-journal", "nginx", "postgres", "php-fpm8.2", "kworker/0:1", "dbus-daemon", "node",
           "prometheus", "rsyslogd", "agetty")


class Night:
    """Three hours, in which 300 processes use little. The culprit is one that begins and ends with the minute, or one
    that is there all night."""

    def __init__(self, name, lives_all_night):
        chosen = self.random = random.Random(f"{SEED} {name}")
        begin, end = 5000, 5000 + 180 * MINUTE
        # 01:00 in summer.
        unix = datetime.datetime(2026, 8, 20, 23, tzinfo=datetime.timezone.utc).timestamp()
        made = self.recording = Recording(begin=begin, end=end, cpus=CPUS, period=PERIOD, unix=unix)
        self.at = begin + chosen.randrange(10, 170) * MINUTE + chosen.randrange(0, 6) * PERIOD
        self.until = self.at + MINUTE
        pids = chosen.sample(range(300, 30_000), 300)
        self.culprit, *self.victims = pids[:3]
        for number, pid in enumerate(pids):
            if pid == self.culprit:
                task = made.task("backup-agent", pid=pid, started=begin - 60, threads=CPUS)
                if not lives_all_night:
                    task.name, task.started, task.ended, task.status = "updatedb", self.at, self.until, 256
                task.uses(self.at, self.until, 0.6, 3.2, 0.4)
                continue
            name = f"victim-{number}" if pid in self.victims else chosen.choice(DAEMONS)
            little = chosen.uniform(0, 0.004)
            task = made.task(name, pid=pid, started=begin - 60)
            task.uses(begin, self.at, little, 0, little / 20).uses(self.until, end, little, 0, little / 20)
            if pid in self.victims:
                task.uses(self.at, self.until, 0.03, 0, 0.95)
            else:
                task.uses(self.at, self.until, little / 2, 0, little)
        made.write(FILE)

    def local(self, time, form="%H:%M:%S"):
        unix = datetime.datetime.fromtimestamp(self.recording.unix(time), datetime.timezone.utc)
        return unix.astimezone(zoneinfo.ZoneInfo(ZONE)).strftime(form)


def rows(*words):
    """The rows of the text of a report, as a reader sees them, and the whole text."""
    done = taskmon("report", *words, FILE, env={**os.environ, "TZ": ZONE})
    if done.returncode:
        raise OSError(done)
    head, table = re.split(r"\n *PID ", done.stdout, maxsplit=1)
    found = []
    for line in table.splitlines()[1:]:
        match = re.fullmatch(r" *(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)% +([\d.]+)% +(\S+) +(\S+) +(.*)", line)
        if match:
            found.append(dict(zip(("pid", "user", "system", "wait", "cpu", "peak", "first", "last", "rest"),
                                  match.groups())))
    return found, head


def pids(found):
    return [int(row["pid"]) for row in found]


def top(*words):
    """The PIDs of the rows of `taskmon top` of the recording, in their order, and its first screen."""
    status, written = on_terminal(["top", FILE, *words], b"q", {"TERM": "xterm", "TZ": ZONE}, (24, 120))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", written)
    if status:
        raise OSError(text)
    return [int(pid) for pid in re.findall(r" (\d+) +- +[\d.]+%", text)], text


def check_top(night, moment, name):
    """top shows the same moment."""
    found, text = top("--at", moment)
    equal(found[:1], [night.culprit], f"{name}: top --at: the first row is the culprit")
    ok(re.search(rf" {night.culprit} +- +60\.0% +320\.0% +40\.0% ", text), f"{name}: top: it has these shares", text)
    ok(moment in text, f"{name}: top: the moment is shown", text)
    found, _ = top("--at", moment, "--sort", "wait")
    equal(sorted(found[:2]), sorted(night.victims), f"{name}: top --sort wait: the first rows are the victims")
    found, text = top("--at", night.local(night.at - 2 * MINUTE))
    ok(found[:1] != [night.culprit], f"{name}: top: two minutes before, it is not", text)


def check_window(night, since, until, name):
    """What is said of the minute itself."""
    found, head = rows("--since", since, "--until", until)
    equal(pids(found)[0], night.culprit, f"{name}: in that minute the culprit is the first one")
    ok(float(found[0]["cpu"]) > 95 * CPUS * 0.9, f"{name}: it has nearly all CPUs", found[0])
    mean = float(re.search(r"CPU +([\d.]+)% mean", head)[1])
    ok(mean > 90 * CPUS, f"{name}: all CPUs are in use", head)
    found, _ = rows("--since", since, "--until", until, "--sort", "wait", "-n", 3)
    ok({*night.victims} <= {*pids(found)}, f"{name}: the victims are those that waited", found)
    calm, head = rows("--since", night.local(night.until + 2 * PERIOD), "--until",
                      night.local(night.until + 2 * PERIOD + 3 * MINUTE))
    ok(night.culprit not in pids(calm)[:1], f"{name}: in the minutes after, it is not", calm[:2])
    ok(float(re.search(r"CPU +([\d.]+)% mean", head)[1]) < 100, f"{name}: and the machine is idle", head)


def a_process_of_that_minute():
    night = Night("short", False)
    note(f"at {night.local(night.at)}")
    found, head = rows()
    equal(pids(found)[0], night.culprit, "report: the first row is the culprit")
    # A birth is the begin; samples are taken every ten seconds.
    equal((found[0]["first"], found[0]["last"]), (night.local(night.at), night.local(night.until)),
          "report: FIRST and LAST are the minute, in local time")
    ok(found[0]["rest"].startswith("exit 1 ") and found[0]["rest"].endswith("updatedb"),
       "report: it has its status and name", found[0])
    ok("CEST" in head, "report: the zone is named", head)
    found, _ = rows("--sort", "wait", "-n", 3)
    equal(sorted(pids(found)[:2]), sorted(night.victims), "report --sort wait: the first rows are the victims")
    first = rows()[0][0]
    check_window(night, first["first"], first["last"], "short")
    check_top(night, night.local(night.at + MINUTE // 2), "short")


def a_process_of_all_night():
    """The minute is not that of the process's life: the window is halved until it is a minute."""
    night = Night("long", True)
    note(f"at {night.local(night.at)}")
    found, _ = rows()
    equal(pids(found)[0], night.culprit, "all night: the first row is the culprit")
    found, _ = rows("--sort", "peak", "-n", 1)
    equal(pids(found), [night.culprit], "all night: its peak is the highest, too")

    def used(since, until):
        found, _ = rows("--filter", night.culprit, "--since", night.local(since, "%Y-%m-%d %H:%M:%S"),
                        "--until", night.local(until, "%Y-%m-%d %H:%M:%S"))
        return sum(float(found[0][field]) for field in ("user", "system")) if found else 0

    # A reader takes the ten minutes in which it used the most, and of these the minute.
    since, until, commands = night.recording.begin, night.recording.end, 0
    for step in (10 * MINUTE, MINUTE, PERIOD):
        parts = [(at, min(at + step, until)) for at in range(since, until, step)]
        busy = [part for part in parts if used(*part) > 0.01]
        commands += len(parts)
        since, until = busy[0][0], busy[-1][1]
    note(f"{commands} commands")
    ok(since <= night.at and until >= night.until and until - since <= MINUTE + 2 * PERIOD,
       "all night: the minute is found by windows", (night.local(since), night.local(until), night.local(night.at)))
    check_window(night, night.local(night.at), night.local(night.until), "all night")
    check_top(night, night.local(night.at + MINUTE // 2), "all night")


run(a_process_of_that_minute, a_process_of_all_night)
