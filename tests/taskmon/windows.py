#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Windows given as local times, on both sides of a change of daylight saving time and of the clock: what is reported in
# them is what the tasks used between these times. Which times those are, Python's zoneinfo says.
#
# kernels: host
# needs: taskmon

import datetime
import json
import os
import tempfile
import zoneinfo

from lib.known_recordings import SECOND, Recording, us
from lib.pictures import UNSAMPLED, Picture
from lib.results import equal, ok, run
from lib.taskmon import complaint, rows_of_csv, taskmon

DIR = tempfile.TemporaryDirectory()
FILE, SVG = f"{DIR.name}/recording", f"{DIR.name}/x.svg"
MINUTE = 60.0
HOUR = 60 * MINUTE
# Both end at this hour, UTC, of the day: the local time is set back by an hour.
ZONES = {"Europe/Berlin": (2026, 10, 25, 1), "America/New_York": (2026, 11, 1, 6)}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def local(unix, zone):
    return (EPOCH + datetime.timedelta(seconds=unix)).astimezone(zoneinfo.ZoneInfo(zone))


def rfc3339(time):
    return time.isoformat(timespec="microseconds")


def in_zone(zone, *words):
    """Runs taskmon in a time zone. Its output; an exception if it fails."""
    done = taskmon(*words, env={**os.environ, "TZ": zone})
    if done.returncode:
        raise OSError(done)
    return done.stdout


def busy_at_different_shares(recording, step):
    """Three tasks; in each step of time, each has another share, so that no two windows are alike."""
    one, two, three = (recording.task(name) for name in ("one", "two", "three"))
    at, number = recording.begin, 0
    while at < recording.end:
        until = min(at + step, recording.end)
        one.uses(at, until, 0.001 * (number % 700), 0.1)
        two.uses(at, until, 0.2, 0.0007 * (number * 7 % 900), 0.003 * (number * 11 % 500))
        three.uses(at, until, wait=0.01 * (number % 40))
        at, number = until, number + 1
    return recording


def check_window(recording, zone, since, until, window, name):
    """What is reported between two times as they are typed is what the model used in `window`, since boot."""
    words = ["--since", since, "--until", until, FILE]
    whole = json.loads(in_zone(zone, "report", "--json", *words))
    from_us, to_us = map(us, window)
    equal((whole["from_us"], whole["to_us"]), (from_us, to_us), f"{name}: the window")
    equal((whole["usr_us"], whole["sys_us"], whole["wait_us"]), recording.used(*window), f"{name}: the total")
    expected = {task.pid: task.used(*window) for task in recording.tasks}
    for form, rows in (("json", whole["rows"]), ("csv", rows_of_csv(in_zone(zone, "report", "--csv", *words)))):
        got = {int(row["pid"]): tuple(int(row[field]) for field in ("usr_us", "sys_us", "wait_us")) for row in rows}
        equal(got, expected, f"{name}: the rows in {form}")
    moments = [rfc3339(local(recording.unix(time), zone)) for time in window]
    equal([whole["from"], whole["to"]], moments, f"{name}: the local times of the window")
    utc = json.loads(in_zone("Asia/Tokyo", "report", "--json", "--utc", "--since", f"boot+{from_us}us",
                             "--until", f"boot+{to_us}us", FILE))
    equal((utc["from"], utc["usr_us"]), (rfc3339(local(recording.unix(window[0]), "UTC")), whole["usr_us"]),
          f"{name}: the same window since boot, in UTC")


def daylight_saving():
    """Five hours around the change; the hour between 02:00 and 03:00, or 01:00 and 02:00, occurs twice."""
    for zone, change in ZONES.items():
        change = datetime.datetime(*change, tzinfo=datetime.timezone.utc).timestamp()
        recording = Recording(end=1000 + 5 * HOUR, period=20.0, unix=change - 150 * MINUTE)
        busy_at_different_shares(recording, MINUTE)
        recording.write(FILE)
        info = zoneinfo.ZoneInfo(zone)
        day = local(change, zone).date()
        twice = local(change, zone).replace(tzinfo=None)

        def boot(time, fold=0):
            """The time since boot of a local time."""
            return recording.begin + time.replace(tzinfo=info, fold=fold).timestamp() - recording.clocks[0][1]

        for since, until, name in ((-90, -20, "before the change"), (-70, 100, "across it"), (60, 145, "after it")):
            edges = [twice + datetime.timedelta(minutes=minutes) for minutes in (since, until)]
            window = tuple(map(boot, edges))
            for form in ("%H:%M", "%Y-%m-%d %H:%M:%S"):
                check_window(recording, zone, *(edge.strftime(form) for edge in edges), window,
                             f"{zone}, {name}, as {form}")
        # The hour that occurs twice: from its first beginning to its last end.
        both = (boot(twice), boot(twice + datetime.timedelta(minutes=59), fold=1))
        equal(both[1] - both[0], 119 * MINUTE, f"{zone}: zoneinfo knows that the hour occurs twice")
        check_window(recording, zone, f"{day} {twice:%H:%M}", f"{day} {twice:%H}:59", both, f"{zone}, the hour itself")
        # Each of the two, by the name of the offset.
        for fold in (0, 1):
            first, last = twice.replace(tzinfo=info, fold=fold), twice.replace(minute=50, tzinfo=info, fold=fold)
            window = (boot(first, fold), boot(last, fold))
            check_window(recording, zone, f"{day} {first:%H:%M %Z}", f"{day} {last:%H:%M %Z}", window,
                         f"{zone}, the hour in {first:%Z}")


def time_that_is_left_out():
    """In spring the clock goes from 02:00 to 03:00: 02:30 is the moment of the change."""
    zone = "Europe/Berlin"
    change = datetime.datetime(2026, 3, 29, 1, tzinfo=datetime.timezone.utc).timestamp()
    recording = Recording(end=1000 + 4 * HOUR, period=20.0, unix=change - 2 * HOUR)
    busy_at_different_shares(recording, MINUTE)
    recording.write(FILE)
    found = json.loads(in_zone(zone, "report", "--json", "--since", "01:30", "--until", "03:30", FILE))
    equal(found["to_us"] - found["from_us"], us(HOUR), "from 01:30 to 03:30 is one hour")
    check_window(recording, zone, "2026-03-29 01:30", "2026-03-29 03:30",
                 (recording.begin + 90 * MINUTE, recording.begin + 150 * MINUTE), "spring, across the change")
    found = json.loads(in_zone(zone, "report", "--json", "--since", "2026-03-29 02:30", FILE))
    ok(us(recording.begin + 2 * HOUR) <= found["from_us"] <= us(recording.begin + 150 * MINUTE),
       "02:30, which does not occur, is at or soon after the change", found["from"])


def clock_set_forward():
    """The clock is set by an hour and 17 minutes, from 10:30 to 11:47, in UTC."""
    begin = datetime.datetime(2026, 6, 3, 10, tzinfo=datetime.timezone.utc).timestamp()
    recording = Recording(end=1000 + 2 * HOUR, period=10.0, unix=begin)
    at = recording.begin + 30 * MINUTE
    recording.set_clock(at, recording.unix(at) + 77 * MINUTE)
    busy_at_different_shares(recording, MINUTE)
    recording.write(FILE)

    def boot(minutes):
        return recording.begin + minutes * MINUTE

    for since, until, window in (("10:05", "10:25", (boot(5), boot(25))), ("10:20", "11:57", (boot(20), boot(40))),
                                 ("11:50", "12:10", (boot(33), boot(53))), ("10:10", "11:00", (boot(10), at)),
                                 ("11:00", "11:57", (at, boot(40))), ("2026-06-03 11:00", "boot+3500s", (at, 3500.0))):
        check_window(recording, "UTC", since, until, window, f"clock set forward: {since} to {until}")


def clock_set_back():
    """The clock is set back at 10:50, to 10:10: these 40 minutes occur twice."""
    begin = datetime.datetime(2026, 6, 3, 10, tzinfo=datetime.timezone.utc).timestamp()
    recording = Recording(end=1000 + 2 * HOUR, period=10.0, unix=begin)
    at = recording.begin + 50 * MINUTE
    recording.set_clock(at, recording.unix(at) - 40 * MINUTE)
    busy_at_different_shares(recording, MINUTE)
    recording.write(FILE)

    def boot(minutes):
        return recording.begin + minutes * MINUTE

    for since, until, window in (("10:02", "10:09", (boot(2), boot(9))), ("10:20", "10:30", (boot(20), boot(70))),
                                 ("10:02", "11:10", (boot(2), boot(110))), ("10:55", "11:10", (boot(95), boot(110)))):
        check_window(recording, "UTC", since, until, window, f"clock set back: {since} to {until}")


def to_the_microsecond():
    """Windows that begin and end between two samples: what an interval has is distributed evenly."""
    recording = busy_at_different_shares(Recording(period=0.5), 10)
    recording.write(FILE)
    from_us, to_us = 1_012_345_678, 1_017_654_321
    found = json.loads(taskmon("report", "--json", "--since", f"boot+{from_us}us", "--until", f"boot+{to_us}us",
                               FILE).stdout)
    equal((found["from_us"], found["to_us"]), (from_us, to_us), "between samples: the window is exact")
    for row in found["rows"]:
        task = recording.tasks[row["id"] - 1]
        expected = task.used(from_us / SECOND, to_us / SECOND)
        got = (row["usr_us"], row["sys_us"], row["wait_us"])
        ok(all(abs(one - other) <= 2 for one, other in zip(got, expected)),
           f"between samples: {task.name} is exact to 2 us", (got, expected))


def other_commands():
    """plot, export and list have the same windows as report."""
    recording = busy_at_different_shares(Recording(), 10)
    recording.stopped.append((1030, 1040))
    recording.write(FILE)
    words = ["--since", "boot+1020s", "--until", "boot+1050s", FILE]
    rows = rows_of_csv(taskmon("export", "-f", "csv", *words).stdout)
    expected = [us(time) for time in recording.passes() if 1020 <= us(time) / SECOND <= 1050]
    equal(sorted({int(row["time_us"]) for row in rows}), expected, "export: the samples of the window")
    events = json.loads(taskmon("export", "-f", "perfetto", *words).stdout)["traceEvents"]
    slices = {event["pid"]: (event["ts"], event["ts"] + event["dur"], event["args"]["user_us"],
                             event["args"]["system_us"], event["args"]["wait_us"])
              for event in events if event["ph"] == "X"}
    equal(slices, {task.pid: (us(1020), us(1050), *task.used(1020, 1050)) for task in recording.tasks},
          "perfetto: slices of the window, with what was used in it")
    done = taskmon("plot", "--stacked", "-o", SVG, *words)
    equal((done.returncode, done.stderr), (0, ""), "plot: no complaint")
    picture = Picture(SVG)
    [hatched] = picture.unsampled
    ok(abs(hatched[0] - 1 / 3) < 0.01 and abs(hatched[1] - 2 / 3) < 0.01, "plot: hatched where nothing was sampled",
       hatched)
    shown = picture.seconds(30, UNSAMPLED)
    wanted = sum(sum(recording.used(*edges)[:2]) for edges in ((1020, 1030), (1040, 1050))) / SECOND
    ok(abs(shown - wanted) < 0.02 * wanted, "plot: the areas are what was used where it was sampled", (shown, wanted))


def errors():
    recording = busy_at_different_shares(Recording(), 10)
    recording.write(FILE)
    for words in (["--since", "boot+1200s"], ["--until", "boot+1s"], ["--since", "boot+1020s", "--until", "boot+1010s"]):
        for command in (["report"], ["export", "-f", "csv"], ["list"], ["plot", "-o", SVG]):
            said = complaint(taskmon(*command, *words, FILE))
            ok(isinstance(said, str) and said.startswith("taskmon: "), f"{command[0]} {' '.join(words)}: one line", said)
    done = taskmon("report", "--since", "boot+900s", "--until", "boot+1030s", FILE)
    ok(done.returncode == 0 and done.stderr.count("\n") == 1 and done.stdout,
       "a window that is partly recorded: a report, and a line that says so", done.stderr)
    recording.clocks = []
    recording.write(FILE)
    said = complaint(taskmon("report", "--since", "03:00", FILE))
    ok(isinstance(said, str) and "does not say what time it was" in said, "no clock is known: one line", said)


run(daylight_saving, time_that_is_left_out, clock_set_forward, clock_set_back, to_the_microsecond, other_commands, errors)
