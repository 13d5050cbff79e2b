#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: what it says and does if something cannot be watched, or the recording cannot be written. A
# recording that does not begin leaves nothing changed.
#
# kernels: uml x86_64
# needs: taskmon

import os
import subprocess

from lib.module import loaded, statistics, write
from lib.proc import text_of
from lib.processes import process, program, wait_until
from lib.results import equal, ok, run
from lib.taskmon import OUT, PERIOD_MS, TASKMON, ending, record, taskmon


def cannot_be_watched():
    write("stop")
    done = taskmon("record", "-o", OUT, "--", "touch", "/tmp/was_run")
    equal((done.returncode, done.stderr),
          (125, "taskmon: sampling is stopped, so nothing would be recorded: run `taskmon start`\n"),
          "while sampling is stopped: status 125")
    with process() as pid:
        done = taskmon("record", "-o", OUT, "-p", pid)
        equal((done.returncode, done.stderr),
              (125, "taskmon: sampling is stopped, so nothing would be recorded: run `taskmon start`\n"),
              "while sampling is stopped, a running task: status 125")
    write("start")
    ok(not os.path.exists("/tmp/was_run"), "the command is not run")
    equal(statistics()["targets"], 0, "no task is watched")


def wrong_usage():
    for words in ([], ["-p", 1, "--", "true"], ["-p", "x"], ["-p", 0], ["-i", "0", "--", "true"],
                  ["-i", "2h", "--", "true"], ["-d", "x", "--", "true"]):
        done = taskmon("record", "-o", OUT, *words)
        ok(done.returncode == 2 and done.stderr.startswith("error: "), f"record {words}: status 2", done)
    for words, message in [(["-p", 999999], "cannot watch 999999: no such task"),
                           (["--name", "nobody"], "no process is named nobody")]:
        done = taskmon("record", "-o", OUT, *words)
        equal((done.returncode, done.stderr), (125, f"taskmon: {message}\n"), f"record {words}: status 125")
    with process() as pid:
        done = taskmon("record", "-o", OUT, "-p", f"{pid},999999")
        equal((done.returncode, statistics()["targets"]), (125, 0), "one of two PIDs does not exist: none is watched")
    ok(not os.path.exists(OUT), "no file is left of a recording that did not begin")


def earlier_recording_stays():
    """A recording that cannot begin does not destroy an earlier one of the same name."""
    record("--", "true")
    before = text_of(OUT)
    for words, status in [(["--", "/no/such"], 127), (["--", "/etc/passwd"], 126), (["-p", 999999], 125)]:
        done = taskmon("record", "-o", OUT, *words)
        equal((done.returncode, text_of(OUT)), (status, before), f"record {words}: the earlier recording stays")
    with program(TASKMON, "record", "-o", OUT, "--", "sleep", "1000", stderr=subprocess.DEVNULL) as first:
        ok(wait_until(lambda: text_of(OUT) != before), "a second recording replaces it")
        done = taskmon("record", "-o", OUT, "--", "touch", "/tmp/was_run")
        equal((done.returncode, done.stderr), (125, f"taskmon: {OUT}: another taskmon is writing to this file\n"),
              "a third one to the same file at the same time: status 125")
        ok(not os.path.exists("/tmp/was_run"), "its command is not run")
        first.terminate()
        first.wait()
    equal(ending(OUT), "complete", "the second recording is complete")
    os.unlink(OUT)


def failed_writes():
    """A write that fails does not cost the command's exit status."""
    for words in (["-o", "/dev/full"], ["-o", OUT, "--summary", "/dev/full"]):
        done = taskmon("record", *words, "--", "sh", "-c", "sleep 0.5; exit 7")
        ok(done.returncode == 7 and "taskmon: /dev/full: No space left on device" in done.stderr
           and "os error" not in done.stderr, f"{' '.join(words)}: the status is that of the command", done)
        equal(statistics()["targets"], 0, "no task is watched")
    done = subprocess.run([TASKMON, "record", "-o", OUT, "--", "sh", "-c", "exit 7"], check=False,
                          preexec_fn=lambda: os.close(2))
    equal(done.returncode, 7, "standard error is closed: the status is that of the command")
    equal(ending(OUT), "complete", "standard error is closed: the recording is complete")
    read_end, write_end = os.pipe()
    with program(TASKMON, "record", "-o", f"/dev/fd/{write_end}", "--", "sh", "-c", "sleep 1; exit 7",
                 pass_fds=[write_end], stderr=subprocess.PIPE) as recorder:
        os.close(write_end)
        ok(os.read(read_end, 100).startswith(b"# taskmon 3\n"), "a pipe gets the recording while the command runs")
        os.close(read_end)
        _, err = recorder.communicate()
        ok(recorder.returncode == 7 and b"Broken pipe" not in err,
           "the reader of a pipe closes it: the status is that of the command", (recorder.returncode, err))


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (wrong_usage, cannot_be_watched, earlier_recording_stays, failed_writes):
            test()
        equal(statistics()["targets"], 0, "at the end no task is watched")


run(main)
