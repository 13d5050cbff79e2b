#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Names of tasks: those of the kernel, also after the end of a task. On a terminal and in drawings, characters that
# are not visible are escaped; in files of data, names stay what they are.
#
# kernels: uml
# needs: taskmon

import contextlib
import csv
import ctypes
import io
import json
import re
import signal
import time
import xml.etree.ElementTree as ElementTree

from lib.module import loaded, write
from lib.processes import process, wait_until
from lib.results import equal, ok, run
from lib.samples import exit_samples, samples
from lib.taskmon import on_terminal, taskmon

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_NAME = 15
SVG = "/tmp/x.svg"
# Command names, how they are shown, and how they are written as data. The kernel keeps 15 bytes.
NAMES = ((b"plain", "plain", "plain"),
         (b"a\x1b[31mred", "a\\033[31mred", "a\x1b[31mred"),
         (b"two\nlines", "two\\012lines", "two\nlines"),
         ("a\u202eb".encode(), "a\\342\\200\\256b", "a\u202eb"),
         ("z\u200bw\ufeff".encode(), "z\\342\\200\\213w\\357\\273\\277", "z\u200bw\ufeff"),
         ("c1\u009b".encode(), "c1\\302\\233", "c1\u009b"),
         (b"\xff\xfebytes", "\\377\\376bytes", "\\377\\376bytes"),
         ("Zo\u00eb \u65e5\u672c".encode(), "Zo\u00eb \u65e5\u672c", "Zo\u00eb \u65e5\u672c"),
         (b'quo"te,\\', 'quo"te,\\', 'quo"te,\\'))
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def named(name):
    def rename_and_wait():
        _libc.prctl(PR_SET_NAME, name, 0, 0, 0)
        signal.pause()
    return process(rename_and_wait)


def commands_of_csv():
    rows = csv.DictReader(io.StringIO(taskmon("export", "-f", "csv").stdout, newline=""))
    return {int(row["pid"]): row["command"] for row in rows}


def commands_of_json():
    rows = map(json.loads, taskmon("export", "-f", "json").stdout.splitlines())
    return {row["pid"]: row["command"] for row in rows}


def commands_of_metrics():
    found = re.findall(r'^taskmonitor_task_info\{pid="(\d+)",id="\d+",command="(.*)"\} 1$',
                       taskmon("export", "-f", "openmetrics").stdout, re.M)
    plain = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    return {int(pid): re.sub(r'\\[\\"n]', lambda match: plain[match.group()], name) for pid, name in found}


def commands_of_perfetto():
    events = json.loads(taskmon("export", "-f", "perfetto").stdout)["traceEvents"]
    return {event["pid"]: event["args"]["name"] for event in events if event["ph"] == "M"}


def check(pids, when):
    data = {pid: name[2] for pid, name in zip(pids, NAMES)}
    for form, commands in (("csv", commands_of_csv), ("json", commands_of_json), ("openmetrics", commands_of_metrics),
                           ("perfetto", commands_of_perfetto)):
        equal(commands(), data, f"{form}: the names, {when}")
    shown = [name[1] for name in NAMES]
    listed = taskmon("list").stdout
    equal([name for name in shown if name not in listed], [], f"list: all names, {when}")
    equal(len(listed.splitlines()), len(NAMES) + 1, f"list: a line for each, {when}")
    equal(INVISIBLE.findall(listed), [], f"list: nothing invisible, {when}")
    screen = on_terminal(["list"], environment={"NO_COLOR": "1"})[1].replace("\r\n", "\n")
    equal(INVISIBLE.findall(screen), [], f"list on a terminal: nothing invisible, {when}")
    done = taskmon("plot", "--panels", "-o", SVG)
    texts = "".join(ElementTree.parse(SVG).getroot().itertext())
    equal((done.returncode, [name for name in shown if name not in texts]), (0, []), f"plot: all names, {when}")
    equal(INVISIBLE.findall(texts), [], f"plot: nothing invisible, {when}")


def names():
    with contextlib.ExitStack() as running:
        pids = [running.enter_context(named(name)) for name, _, _ in NAMES]
        time.sleep(0.1)
        write(" ".join(map(str, pids)) + "\n")
        ok(wait_until(lambda: len(samples()) > 10 * len(NAMES)), "all are sampled")
        check(pids, "while they live")
    ok(wait_until(lambda: len(exit_samples()) == len(NAMES)), "all have ended")
    check(pids, "after their end")


def foreign_messages():
    """File names are foreign text too."""
    path = "/tmp/a\u202e\x1b[31m\nb"
    for words in (["export", "-f", "csv", path], ["plot", "-o", SVG, path]):
        done = taskmon(*words)
        equal((done.returncode, done.stderr),
              (1, "taskmon: /tmp/a\\342\\200\\256\\033[31m\\012b: No such file or directory\n"),
              f"{words[0]}: a message with an odd file name is one line")


def main():
    with loaded(period_ms=10):
        names()
        foreign_messages()


run(main)
