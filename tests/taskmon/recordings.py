#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Recordings as input: wherever one is cut off, what is before counts and a message says so. A damaged one gets one
# line that names the line. Those of earlier versions, which lack waiting time, are read. Nothing takes more than a
# bounded amount of memory.
#
# kernels: uml
# needs: taskmon

import os
import random
import re
import resource
import subprocess

from lib.results import equal, ok, run
from lib.samples import parse
from lib.taskmon import TASKMON, complaint, rows_of_csv, rows_of_json, taskmon

FILE = "/tmp/recording"
SVG = "/tmp/x.svg"
WHOLE = """# taskmon 3
# host web1
# period_ms 20
# clock 884683400 1796000000000000
# command make -j4
# tree 250
# task pid:250 : id 41 parent 1 root 250 started 9000 first 0 next 1 usr 0 sys 0 wait 100 name sh
# samples 41
pid:250 num:0 : usr 0 sys 0 wait 107 time 10000
pid:250 num:1 : usr 5000 sys 9000 wait 114 time 30000
# task pid:251 : id 42 parent 250 root 250 started 10000 first 0 next 1 usr 0 sys 0 wait 121 name cc1
# samples 42
pid:251 num:0 : usr 0 sys 0 wait 128 time 11000
# samples 41
pid:250 num:2 : usr 25000 sys 9000 wait 135 time 50000 exit
# task pid:250 : id 41 parent 1 root 250 started 9000 ended 50000 status 0 first 0 next 3 usr 25000 sys 9000 wait 142 name make
# samples 42
pid:251 num:1 : usr 39000 sys 0 wait 149 time 51000 exit
# task pid:250 : id 43 parent 251 root 250 started 51000 first 0 next 1 usr 0 sys 0 wait 156 name true
# samples 43
pid:250 num:0 : usr 1 sys 2 wait 163 time 52000 exit
# end complete
"""
READING = (["export", "-f", "csv"], ["export", "-f", "json"], ["export", "-f", "perfetto"],
           ["export", "-f", "openmetrics"], ["plot", "-o", SVG])
# No command may use more than this.
MEMORY = 256 << 20


def written(text):
    with open(FILE, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return FILE


def limited(*arguments, **options):
    """Runs taskmon with a limit on its memory and its time."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return taskmon(*arguments, preexec_fn=limit, timeout=120, **options)


def whole():
    for words in READING:
        done = taskmon(*words, written(WHOLE))
        equal((done.returncode, done.stderr), (0, ""), f"{' '.join(words)}: a whole recording")
    rows = rows_of_csv(taskmon("export", "-f", "csv", FILE).stdout)
    got = {row["id"]: (row["pid"], row["parent"], row["command"]) for row in rows}
    wanted = {"41": ("250", "1", "make"), "42": ("251", "250", "cc1"), "43": ("250", "251", "true")}
    equal(got, wanted, "csv: each task has its last name and its parent, also where a PID recurs")
    equal({(row["id"], row["command"]) for row in rows}, {(id, value[2]) for id, value in wanted.items()},
          "csv: a task has one name")
    rows = rows_of_json(taskmon("export", "-f", "json", FILE).stdout)
    equal({str(row["id"]): (str(row["pid"]), str(row["parent"]), row["command"]) for row in rows}, wanted,
          "json: the same")
    piped = subprocess.run([TASKMON, "export", "-f", "csv", "/dev/stdin"], input=WHOLE, capture_output=True,
                           text=True, check=False)
    equal((piped.stdout, piped.stderr), (taskmon("export", "-f", "csv", FILE).stdout, ""),
          "csv: the same from a pipe")


def waits(text):
    """The last field of csv, for each sample of a recording; it is the same in json."""
    done = taskmon("export", "-f", "csv", written(text))
    fields = [line.split(",")[-1] for line in done.stdout.splitlines()[1:]]
    rows = rows_of_json(taskmon("export", "-f", "json", FILE).stdout)
    same = fields == ["" if row["wait_us"] is None else str(row["wait_us"]) for row in rows]
    return fields if same and (done.returncode, done.stderr) == (0, "") else (done, rows)


def without_waiting():
    """Waiting time that is not known is not 0."""
    equal(waits(WHOLE), re.findall(r"^pid.* wait (\d+) time", WHOLE, re.MULTILINE), "csv and json have the waiting time")
    earlier = re.sub(" wait \\d+", "", WHOLE).replace("# taskmon 3", "# taskmon 2")
    copy = "".join(line for line in earlier.splitlines(True) if line.startswith("pid:251"))
    named = "# taskmon 1\n# period_ms 20\n# tree 250\n# command make\n# task 251 cc1\n" + copy
    for name, text in (("format 2", earlier), ("format 1", named), ("a copy of the samples file", copy)):
        equal(waits(text), [""] * text.count("\npid:") + [""] * text.startswith("pid:"),
              f"{name}, without waiting time: the fields are empty and null")
        ok("wait" not in taskmon("export", "-f", "openmetrics", FILE).stdout, f"{name}: no metric")
        ok("waiting" not in taskmon("export", "-f", "perfetto", FILE).stdout, f"{name}: no counter")
        for layout in ("--panels", "--stacked"):
            taskmon("plot", layout, "-o", SVG, FILE)
            with open(SVG, encoding="utf-8") as file:
                ok("waiting" not in file.read(), f"{name}: nothing about waiting in the plot, {layout}")
    mixed = WHOLE.replace(" wait 128 ", " ")
    equal(waits(mixed)[2:4], ["", "135"], "a recording in which a sample lacks it: only that field is empty")


def cut_off():
    """The witness for what is before the cut: the lines that are whole."""
    chosen = random.Random(15)
    ends = sorted({*(chosen.randrange(11, len(WHOLE)) for _ in range(15)), len(WHOLE) - 1})
    good = []
    for end in ends:
        text = WHOLE[:end]
        lines = text.count("\n") + (not text.endswith("\n"))
        before = [(each.pid, each.num, each.time) for each in
                  parse("".join(line for line in text.splitlines(True) if line.startswith("pid:") and "\n" in line))]
        done = taskmon("export", "-f", "json", written(text))
        rows = [(row["pid"], row["num"], row["time_us"]) for row in rows_of_json(done.stdout)]
        good.append((done.returncode, done.stderr, rows) ==
                    (0, f"taskmon: {FILE}: cut off at line {lines}\n", before))
    ok(all(good), "cut off anywhere: all samples before the cut, and a message with the line", (ends, good))
    written(WHOLE[:-len("# end complete\n")])
    for words in READING:
        done = taskmon(*words, FILE)
        equal((done.returncode, done.stderr), (0, f"taskmon: {FILE}: cut off at line 21\n"),
              f"{' '.join(words)}: says that the recording was cut off")
    written(WHOLE.replace("# end complete", "# evicted 42 7\n# lost 1\n# missing the disk was full\n# end incomplete"))
    for words in READING:
        done = taskmon(*words, FILE)
        equal((done.returncode, done.stderr),
              (0, f"taskmon: {FILE}: incomplete: 7 samples were evicted; 1 descendants could not be followed; "
                  "the disk was full\n"), f"{' '.join(words)}: says what is missing")


def damaged():
    first, rest = WHOLE.split("\n", 1)
    os.remove(SVG)
    for name, text, wanted in (
            ("a line of another file", WHOLE.replace("# samples 42\n", "hello\n", 1), "line 12: not a sample"),
            ("NUL bytes", WHOLE.replace("pid:251 num:0", "\0\0", 1), "line 13: not a sample"),
            ("an unknown id", WHOLE.replace("# samples 42", "# samples 99", 1),
             "line 12: no task with the id 99 before this line"),
            ("a number that overflows", WHOLE.replace("usr 5000", "usr 18446744073709551616"), "line 10: not a sample"),
            ("a number that goes backwards", WHOLE.replace("num:2", "num:1"), "line 15: sample 1 after sample 1"),
            ("a time that goes backwards", WHOLE.replace("time 50000 exit", "time 29999 exit"),
             "line 15: time 29999 after time 30000"),
            ("a task that lives on", WHOLE.replace("time 30000", "time 30000 exit"),
             "line 15: a sample of PID 250 after its exit"),
            ("a waiting time without a number", WHOLE.replace(" wait 107 ", " wait "), "line 9: not a sample"),
            ("a negative waiting time", WHOLE.replace(" wait 107 ", " wait -107 "), "line 9: not a sample"),
            ("another format", WHOLE.replace(first, "# taskmon 4"),
             "line 1: a recording of format 4; this taskmon reads the formats 1 to 3"),
            ("two recordings", WHOLE + WHOLE, "line 23: after the end of the recording"),
            ("a line without an end", first + "\n" + "x" * (1 << 20) + rest, "line 2: longer than 65536 bytes")):
        for words in READING if name == "NUL bytes" else READING[:1]:
            equal(complaint(limited(*words, written(text))), f"taskmon: {FILE}: {wanted}",
                  f"{name}: {' '.join(words)}")
    equal(os.path.exists(SVG), False, "no plot is left")
    for path, wanted in ((TASKMON, "line 1: "), ("/dev/zero", "line 1: longer than 65536 bytes"),
                         ("/tmp", "is a directory, not a recording")):
        for words in (READING[0], READING[-1]):
            said = complaint(limited(*words, path))
            ok(isinstance(said, str) and said.startswith(f"taskmon: {path}: {wanted}"),
               f"{path} is no recording: {' '.join(words)}", said)


def unending():
    """A stream of ever new tasks is refused, in bounded memory."""
    many = "i=0; while :; do i=$((i + 1)); echo \"pid:$i num:0 : usr 0 sys 0 time 1\"; done | head -n 20000"
    with subprocess.Popen(["bash", "-c", many], stdout=subprocess.PIPE) as source:
        done = limited("export", "-f", "csv", "/dev/stdin", stdin=source.stdout)
    equal((done.returncode, done.stderr, done.stdout.count("\n")), (0, "", 20001), "20,000 tasks in little memory")


def absurd():
    """Numbers at their limits: a plot and each export are valid all the same."""
    big = 2 ** 64 - 1
    text = (f"pid:4294967295 num:{big - 2} : usr 0 sys 0 wait {big} time 0\n"
            f"pid:4294967295 num:{big - 1} : usr {big} sys {big} wait 0 time {2 ** 63}\n"
            f"pid:4294967295 num:{big} : usr 0 sys {big} wait {big} time {big} exit\n")
    for words in READING:
        done = limited(*words, written(text))
        equal((done.returncode, done.stderr), (0, ""), f"numbers of 64 bits: {' '.join(words)}")
    with open(SVG, encoding="utf-8") as file:
        drawing = file.read()
    ok("NaN" not in drawing and drawing.endswith("</svg>\n"), "the plot of such numbers is a drawing", drawing[-200:])


run(whole, without_waiting, cut_off, damaged, unending, absurd)
