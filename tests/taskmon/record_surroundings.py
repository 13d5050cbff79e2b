#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record while the wall clock is set: the recording says what the clock showed at each moment, so that a window
# is found by the time that people saw. It also names the cgroups of the tasks.
#
# kernels: uml
# needs: taskmon

import contextlib
import json
import os
import time

from lib.module import loaded
from lib.processes import burn_and_sleep, process, program, wait_until
from lib.results import equal, note, ok, run
from lib.taskmon import OUT, TASKMON, recorded, remarks, taskmon
from lib.tasks import tasks

HOUR = 3600
SECOND = 1_000_000
CGROUP = "/sys/fs/cgroup/a \\b"


def offset_us():
    """By how much the wall clock is ahead of the time since boot."""
    return (time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) // 1000


def set_clock(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)
    return offset_us()


def clocks():
    """The lines that say how the clock is set: (time since boot, offset)."""
    if not os.path.exists(OUT):
        return []
    found = [tuple(map(int, text.split())) for keyword, text in remarks(OUT) if keyword == "clock" and " " in text]
    return [(boot, unix - boot) for boot, unix in found]


def is_sampled_since(boot_us):
    return any(each.time > boot_us + SECOND // 2 for each in recorded(OUT))


def clock_is_set(pid):
    offsets = [offset_us()]
    with program(TASKMON, "record", "-p", str(pid), "-i", "20ms", "-o", OUT, "--summary", "/tmp/summary") as recorder:
        ok(wait_until(lambda: len(clocks()) == 1), "the recording has begun")
        for seconds in (HOUR, -2 * HOUR):
            offsets.append(set_clock(seconds))
            count = len(offsets)
            ok(wait_until(lambda count=count: len(clocks()) == count), f"it says that the clock was set by {seconds} s",
               clocks())
            ok(wait_until(lambda: is_sampled_since(clocks()[-1][0])), "and goes on")
        recorder.terminate()
        equal(recorder.wait(), 0, "the recording ends")
    set_clock(HOUR)
    found = clocks()
    note(found)
    ok(all(abs(shown - known) < 5 * SECOND for (_, shown), known in zip(found, offsets)),
       "the clock is what it was set to", (found, offsets))
    # A moment in each of the three parts, by the time that the clock showed then.
    for (boot, offset), after in zip(found, [*found[1:], None]):
        end = after[0] if after else recorded(OUT)[-1].time
        middle = (boot + end) // 2
        since = f"@{(middle + offset) / SECOND:.6f}"
        done = taskmon("report", OUT, "--json", "--since", since, "--until", f"boot+{end + 1}us")
        equal(json.loads(done.stdout)["from_us"], middle, "a time that the clock showed is found where it showed it")


def cgroup_is_named(pid):
    if not os.path.ismount("/sys/fs/cgroup"):
        equal(os.system("mount -t cgroup2 none /sys/fs/cgroup"), 0, "cgroups are mounted")
    os.mkdir(CGROUP)
    try:
        with open(f"{CGROUP}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
        taskmon("record", "-p", pid, "-d", "300ms", "-o", OUT)
        names = [text.split(" ", 1) for keyword, text in remarks(OUT) if keyword == "cgroup"]
        equal(names, [[str(os.stat(CGROUP).st_ino), "/a \\134b"]], "the recording has the path of the cgroup")
        rows = json.loads(taskmon("report", OUT, "--by", "cgroup", "--json").stdout)["rows"]
        equal([row["name"] for row in rows], ["/a \\b"], "report --by cgroup names it")
    finally:
        with open("/sys/fs/cgroup/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
        ok(wait_until(lambda: removed(CGROUP)), "the cgroup is removed")


def removed(folder):
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return not os.path.exists(folder)


def main():
    with loaded(period_ms=20), process(burn_and_sleep) as pid:
        clock_is_set(pid)
        cgroup_is_named(pid)
        equal([task.pid for task in tasks()], [], "nothing is watched any more")


run(main)
