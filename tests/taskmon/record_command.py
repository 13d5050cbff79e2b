#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: the command has the terminal, input, outputs, signals and exit status that it has without
# taskmon.
#
# kernels: uml x86_64
# needs: taskmon

import os
import pty
import re
import signal
import subprocess
import time

from lib.module import loaded, statistics
from lib.proc import text_of
from lib.processes import program, wait_until
from lib.results import equal, ok, run
from lib.taskmon import OUT, PERIOD_MS, TASKMON, record, recorded, taskmon


def exit_status():
    for command, status in [(["true"], 0), (["false"], 1), (["sh", "-c", "exit 77"], 77),
                            (["sh", "-c", "kill -KILL $$"], 128 + 9),
                            (["sh", "-c", "kill -TERM $$"], 128 + 15)]:
        done, summary = record("--", *command)
        equal(done.returncode, status, f"{' '.join(command)}: status {status}")
        equal(summary["is_complete"], True, f"{' '.join(command)}: the recording is complete")
    for command, status in [("/no/such", 127), ("/etc/passwd", 126)]:
        done = taskmon("record", "-o", OUT, "--", command)
        equal((done.returncode, done.stderr.count("\n")), (status, 1), f"{command}: status {status} and one line")
    done = taskmon("record", "-o", "/no/such/file", "--", "touch", "/tmp/was_run")
    equal((done.returncode, done.stderr), (125, "taskmon: /no/such/file: No such file or directory\n"),
          "an output that cannot be created: status 125")
    ok(not os.path.exists("/tmp/was_run"), "the command is not run")


def streams():
    text = "passed on\n" * 1000
    done = subprocess.run([TASKMON, "record", "-o", OUT, "--summary", "/tmp/summary", "--",
                           "sh", "-c", "cat; echo said >&2"], input=text, capture_output=True,
                          text=True, check=False)
    equal((done.stdout == text, done.stderr), (True, "said\n"), "the command has the input and outputs of taskmon")
    done = taskmon("record", "-o", OUT, "--", "sh", "-c", "for i in 1 2 3; do true | cat; done")
    ok(all(word in done.stderr for word in ("user", "system", "wall", "mean", "peak", "COMMAND")),
       "the summary is on standard error", done.stderr)
    ok(any(block in done.stderr for block in "▁▂▃▄▅▆▇█"), "the summary has a sparkline")
    equal(done.stdout, "", "taskmon writes nothing to standard output")


def signals():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        with program(TASKMON, "record", "-o", OUT, "--", "sleep", "1000",
                     stderr=subprocess.DEVNULL) as taskmon_process:
            ok(wait_until(lambda: statistics()["targets"] == 1), f"{number.name}: the command runs")
            passes = statistics()["passes"]
            wait_until(lambda: statistics()["passes"] > passes + 3)
            taskmon_process.send_signal(number)
            equal(taskmon_process.wait(), 128 + number, f"{number.name} is passed on to the command")
        history = recorded(OUT)
        ok(len(history) > 3 and history[-1].exit, f"{number.name}: the recording is written, with the exit sample",
           history)
    early = subprocess.Popen([TASKMON, "record", "-o", OUT, "--", "sleep", "1000"],
                             stderr=subprocess.DEVNULL)
    # taskmon installs its signal handlers before it starts the command.
    wait_until(lambda: int(re.search(r"SigCgt:\s*(\w+)", text_of(f"/proc/{early.pid}/status"))[1], 16)
               & 1 << signal.SIGTERM - 1)
    early.terminate()
    equal(early.wait(), 128 + signal.SIGTERM, "a signal before the command starts is not lost")
    done, summary = record("--", "sh", "-c", "exit 5",
                           preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    equal((done.returncode, summary["status"]), (5, 5), "taskmon works although SIGCHLD is ignored")
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(TASKMON, [TASKMON, "record", "-o", OUT, "--", "sleep", "1000"])
    ok(wait_until(lambda: statistics()["targets"] == 1), "a command runs on a terminal")
    # Gives the child time to call exec().
    time.sleep(0.2)
    os.write(fd, b"\x03")
    text = b""
    try:
        while data := os.read(fd, 4096):
            text += data
    except OSError:
        pass
    os.close(fd)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 128 + signal.SIGINT, "Ctrl-C ends the command")
    ok(recorded(OUT)[-1].exit, "Ctrl-C: the recording is written, with the exit sample")
    ok("ended by signal 2" in text.decode(), "Ctrl-C: the summary is printed", text.decode())
    equal(statistics()["targets"], 0, "Ctrl-C: no task is watched any more")


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (exit_status, streams, signals):
            test()
        equal(statistics()["targets"], 0, "at the end no task is watched")


run(main)
