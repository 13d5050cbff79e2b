#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Where taskmon writes: pipes, terminals and files. A signal that ends it leaves no file behind.
#
# kernels: uml
# needs: taskmon

import os
import signal
import subprocess
import time

from lib.module import loaded, statistics, write
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.taskmon import TASKMON, on_terminal, taskmon

RECORDING = """# taskmon 1
# period_ms 1
# command the title
# task 7 one
pid:7 num:0 : usr 0 sys 0 time 1000
pid:7 num:1 : usr 500 sys 0 time 2000
# task 8 other
pid:8 num:0 : usr 0 sys 0 time 3000
pid:8 num:1 : usr 500 sys 0 time 4000 exit
"""


def pipes_and_terminals():
    with process() as pid:
        write(pid)
        ok(wait_until(lambda: statistics()["alive"] > 5), "samples are taken")
        for words in ("export -f csv", "export -f json", "export -f perfetto", "export -f openmetrics",
                      "list", "list --json", "stats"):
            done = subprocess.run(["bash", "-c", f"{TASKMON} {words} | true; echo ${{PIPESTATUS[0]}}"],
                                  capture_output=True, text=True, check=False)
            equal((done.stdout, done.stderr), ("0\n", ""), f"{words}: a closed pipe is not an error")
        done = subprocess.run(["bash", "-c", f"{TASKMON} add 0 2>&1 | true; echo ${{PIPESTATUS[0]}}"],
                              capture_output=True, text=True, check=False)
        equal(done.stdout, "1\n", "an error message to a closed pipe does not panic")
        full = os.open("/dev/full", os.O_WRONLY)
        done = taskmon("export", "-f", "csv", stdout=full)
        os.close(full)
        ok(done.returncode == 1 and done.stderr.count("\n") == 1, "a full disk: status 1 and one line", done)
        equal("\x1b[" in taskmon("list").stdout, False, "no colours in a pipe")
        plain = {**os.environ, "TERM": "xterm"}
        plain.pop("NO_COLOR", None)
        equal("\x1b[" in on_terminal(["list"], environment=plain)[1], True, "colours on a terminal")
        equal("\x1b[" in on_terminal(["list"], environment={"NO_COLOR": "1"})[1], False, "no colours with NO_COLOR")
        device = os.stat("/dev/null")
        equal(taskmon("export", "-f", "csv", "-o", "/dev/null").returncode, 0, "-o /dev/null works")
        equal(os.stat("/dev/null").st_rdev, device.st_rdev, "-o /dev/null does not replace the device")
        note(taskmon("list").stdout)
        write(f"-{pid}")


def leaves_nothing():
    """A signal ends taskmon while it waits for more input and has temporary files."""
    os.mkdir("/tmp/temporary")
    os.mkdir("/tmp/outputs")
    os.mkfifo("/tmp/unending")
    for words in (["export", "-f", "csv", "-o", "/tmp/outputs/x.csv"], ["plot", "-o", "/tmp/outputs/x.svg"]):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen([TASKMON, *words, "/tmp/unending"],
                                  env={**os.environ, "TMPDIR": "/tmp/temporary"}) as reader:
                with open("/tmp/unending", "w", encoding="ascii") as unending:
                    unending.write("pid:1 num:0 : usr 1 sys 2 time 3\n" * 9)
                    unending.flush()
                    time.sleep(0.2)
                    reader.send_signal(number)
                    equal(reader.wait(), -number, f"{words[0]} is ended by {number.name}")
            equal(os.listdir("/tmp/outputs") + os.listdir("/tmp/temporary"), [],
                  f"{words[0]} ended by {number.name} leaves no file")


def drawn_from_a_pipe():
    """Drawing takes two reads of the recording; a pipe can be read only once."""
    with open("/tmp/recording", "w", encoding="ascii") as file:
        file.write(RECORDING)
    plots = []
    for what, text in (("/tmp/recording", None), ("/dev/stdin", RECORDING)):
        done = subprocess.run([TASKMON, "plot", "-o", "/tmp/x.svg", what], input=text, capture_output=True,
                              text=True, check=False)
        equal((done.returncode, done.stderr), (0, ""), f"plot {what} succeeds")
        with open("/tmp/x.svg", encoding="utf-8") as file:
            plots.append(file.read())
    ok("the title" in plots[0] and "other (8)" in plots[0], "the plot has title and names")
    ok(plots[0] == plots[1], "the plot from a pipe is the same")


def main():
    leaves_nothing()
    drawn_from_a_pipe()
    with loaded(period_ms=20):
        pipes_and_terminals()


run(main)
