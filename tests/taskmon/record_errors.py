#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: what it says and does if the command cannot be watched, the recording cannot be written, or the
# module has displaced processes.
#
# kernels: uml x86_64
# needs: taskmon

import os
import re
import subprocess

from lib.module import loaded, parameter, set_parameter, statistics, write
from lib.processes import program, wait_until
from lib.results import equal, ok, run
from lib.samples import samples
from lib.taskmon import OUT, PERIOD_MS, TASKMON, record, recorded, taskmon


def displaced_processes():
    """More processes than max_targets: those that ended first are displaced and missing in the recording."""
    limit = parameter("max_targets")
    set_parameter("max_targets", 10)
    script = "for i in 0 1 2 3; do for j in 0 1 2 3 4 5 6 7; do /bin/true; done; done; echo done"
    _, summary = record("--", "sh", "-c", script)
    message = taskmon("record", "-o", OUT, "--", "sh", "-c", script).stderr
    set_parameter("max_targets", limit)
    ok(summary["processes"] <= 10 and summary["evicted_elsewhere"] >= 23, "processes were displaced", summary)
    equal((summary["is_ended"], summary["is_complete"]), (True, False), "the recording is not complete")
    ok(summary["missing_us"] > 0, "the summary has the missing CPU time", summary)
    ok("processes that are missing here" in message and "s of CPU time are missing here" in message,
       "the message says so", message)
    _, summary = record("--", "sh", "-c", script)
    equal((summary["processes"], summary["evicted_elsewhere"], summary["missing_us"], summary["is_complete"]),
          (33, 0, 0, True), "with a larger max_targets the recording is complete")


def cannot_be_watched():
    write("stop")
    done = taskmon("record", "-o", OUT, "--", "touch", "/tmp/was_run")
    equal((done.returncode, done.stderr),
          (125, "taskmon: sampling is stopped, so nothing would be recorded: run `taskmon start`\n"),
          "while sampling is stopped: status 125")
    write("start")
    # The shell follows itself and its children.
    done = subprocess.run(["sh", "-c", f"echo tree:$$ > /sys/kernel/taskmonitor; {TASKMON} record -o {OUT} -- "
                           "touch /tmp/was_run; code=$?; echo -tree:$$ > /sys/kernel/taskmonitor; exit $code"],
                          capture_output=True, text=True, check=False)
    ok(done.returncode == 125
       and done.stderr.startswith("taskmon: touch is already watched, because the module follows"),
       "in a tree that is followed already: status 125", done)
    ok(not os.path.exists("/tmp/was_run"), "the command is not run")
    equal(statistics()["targets"], 0, "no task is watched")


def disk_is_full():
    """A recording that cannot be written is not lost."""
    done = taskmon("record", "-o", "/dev/full", "--", "true")
    message = re.fullmatch(r"taskmon: /dev/full: .*; the recording is kept in (/tmp/\S+\.out)\n", done.stderr)
    ok(done.returncode == 125 and message, "a full disk: the message says where the recording is", done)
    ok(message and recorded(message[1])[-1].exit, "a full disk: the recording is complete")
    equal(statistics()["targets"], 0, "a full disk: no task is watched")
    done = taskmon("record", "-o", OUT, "--", "sh", "-c", "/bin/true; /bin/true; :",
                   env={**os.environ, "TMPDIR": "/no/such"})
    message = re.search(r"`taskmon export` reads them, `taskmon (remove --tree \d+)` frees them\n$", done.stderr)
    ok(done.returncode == 125 and message and done.stderr.count("\n") == 1,
       "no space for a temporary file either: one line says where the samples are", done)
    ok(samples()[-1].exit and statistics()["targets"] == 3,
       "the module still has the samples", (samples(), statistics()))
    taskmon(*message[1].split())
    equal(statistics()["targets"], 0, "the command in the message removes them")


def one_period_at_a_time():
    with program(TASKMON, "record", "-p", "5", "-o", "/tmp/long", "--", "sleep", "1000",
                 stderr=subprocess.DEVNULL) as long:
        ok(wait_until(lambda: statistics()["targets"] == 1 and parameter("period_ms") == 5),
           "a recording has its own period")
        done = taskmon("record", "-p", "3", "-o", OUT, "--", "touch", "/tmp/was_run")
        ok(done.returncode == 125 and done.stderr.startswith("taskmon: another `taskmon record --period` is running"),
           "another recording with a period: status 125", done)
        ok(not os.path.exists("/tmp/was_run"), "its command is not run")
        record("--", "true")
        equal(parameter("period_ms"), 5, "a recording without a period of its own does not change it")
        set_parameter("period_ms", 7)
        long.terminate()
        long.wait()
    equal(parameter("period_ms"), 7, "a period that was written meanwhile stays")
    set_parameter("period_ms", 200)
    record("-p", "5", "--", "true")
    record("--", "true")
    equal(parameter("period_ms"), 200, "a longer period is restored")
    set_parameter("period_ms", PERIOD_MS)


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (displaced_processes, cannot_be_watched, disk_is_full, one_period_at_a_time):
            test()
        equal(statistics()["targets"], 0, "at the end no task is watched")


run(main)
