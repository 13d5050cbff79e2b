#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Waiting time in taskmon: two loops on one CPU each wait about as long as they run, a loop alone hardly waits. record
# and list show what schedstat counts.
#
# kernels: x86_64 debian
# needs: taskmon

import json
import re
import sys

from lib.module import loaded, write
from lib.proc import text_of
from lib.processes import burn, process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples
from lib.taskmon import OUT, record, recorded, taskmon
from lib.tasks import task

# Its arguments: how many loops, and how much CPU time each uses. They run on CPU 0. When a loop has ended, and
# before its parent waits for it, its line of schedstat is printed.
LOOPS = """
import os, sys, time
count, seconds = int(sys.argv[1]), float(sys.argv[2])
os.sched_setaffinity(0, [0])
end, begin = os.pipe()
def loop():
    os.close(begin)
    os.read(end, 1)
    while time.process_time() < seconds:
        pass
def child():
    pid = os.fork()
    if pid == 0:
        try:
            loop()
        finally:
            os._exit(0)
    return pid
pids = [child() for _ in range(count)]
# All begin when the last writer closes the pipe.
os.close(begin)
with open(sys.argv[3], "w") as report:
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with open(f"/proc/{pid}/schedstat") as file:
            print(pid, file.read(), end="", file=report)
        os.waitpid(pid, 0)
"""
REPORT = "/tmp/report"
SECONDS = 1.5


def seconds(us):
    return f"{us // 1_000_000}.{us % 1_000_000:06}"


def rounded(us):
    """Seconds with three decimals, as in tables."""
    ms = (us + 500) // 1000
    return f"{ms // 1000}.{ms % 1000:03}"


def recorded_loops(count):
    """Records that many loops: (their lines of schedstat by PID, the summary as JSON)."""
    done, summary = record("-i", 20, "--", sys.executable, "-c", LOOPS, count, SECONDS, REPORT)
    equal((done.returncode, done.stderr), (0, ""), f"{count} loops are recorded")
    lines = [list(map(int, line.split())) for line in text_of(REPORT).splitlines()]
    return {pid: (run_ns // 1000, delay_ns // 1000) for pid, run_ns, delay_ns, _ in lines}, summary


def of_process(summary, pid):
    return next(each for each in summary["costliest"] if each["pid"] == pid)


def two_on_one_cpu():
    witness, summary = recorded_loops(2)
    for pid, (_, delay) in witness.items():
        shown = of_process(summary, pid)
        used, waited = shown["usr_us"] + shown["sys_us"], shown["wait_us"]
        note(f"{pid}: used {used} us, waited {waited}; schedstat: {delay}")
        ok(0.6 < waited / used < 1.7, "two loops on one CPU: each waits about as long as it runs", shown)
        ok(abs(waited - delay) <= 0.01 * delay + 2000, "the summary shows the run delay of schedstat", (shown, delay))
    last = {each.pid: each for each in recorded(OUT)}
    equal(summary["wait_us"], sum(each.wait for each in last.values()), "the summary has the sum of all processes")
    equal([each["pid"] for each in summary["longest_waiting"][:2]],
          sorted(witness, key=lambda pid: -last[pid].wait), "it names those that waited longest, in order")
    names = {}
    for each in summary["costliest"]:
        names[each["command"]] = names.get(each["command"], 0) + each["wait_us"]
    equal({each["command"]: each["wait_us"] for each in summary["by_name"]}, names, "it has the sum of each name")


def one_alone():
    witness, summary = recorded_loops(1)
    (pid, (run_time, _)), = witness.items()
    shown = of_process(summary, pid)
    note(f"used {run_time} us, waited {shown['wait_us']}")
    ok(shown["wait_us"] < 0.2 * run_time, "one loop alone hardly waits", (shown, run_time))


def as_text():
    script = "for i in 1 2 3; do (i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done) & done; wait"
    done = taskmon("record", "-i", 20, "-o", OUT, "--", "sh", "-c", script)
    last = {each.pid: each for each in recorded(OUT)}
    total = seconds(sum(each.wait for each in last.values()))
    ok(re.search(rf"^  waiting +{total} s for a CPU$", done.stderr, re.MULTILINE), "the summary has a line for the whole",
       done.stderr)
    rows = {int(words[0]): words[3] for words in map(str.split, done.stderr.splitlines())
            if words and words[0].isdigit() and int(words[0]) in last}
    equal(rows, {pid: rounded(each.wait) for pid, each in last.items()}, "a column for each process")
    whole = rounded(sum(each.wait for each in last.values()))
    ok(re.search(rf"^ +4 +\S+ +\S+ +{whole} .* sh$", done.stderr, re.MULTILINE), "and one for each name", done.stderr)


def longest_of_many():
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done) & done; wait"
    done = taskmon("record", "-i", 20, "-o", OUT, "--", "sh", "-c", script)
    waits = {each.pid: each.wait for each in recorded(OUT)}
    named = re.search(r"^  longest waiting for a CPU: (.*)$", done.stderr, re.MULTILINE)
    pids = [int(pid) for pid in re.findall(r"\(PID (\d+)\)", named[1])] if named else []
    equal([waits[pid] for pid in pids], sorted(waits.values())[:-4:-1],
          "of more than ten processes, a line names the three that waited longest")


def listed():
    with process(lambda: burn(1000)) as one, process(lambda: burn(1000)) as other:
        write(f"{one} {other}")
        ok(wait_until(lambda: len(samples(pid=other)) > 20), "two tasks are sampled")
        write("stop")
        waits = {pid: task(pid).wait for pid in (one, other)}
        rows = json.loads(taskmon("list", "--json").stdout)
        equal({row["pid"]: row["wait_us"] for row in rows}, waits, "list --json has the waiting time")
        table = [line.split() for line in taskmon("list").stdout.splitlines()]
        at = table[0].index("WAIT") - sum(word == "s" for word in table[0][:table[0].index("WAIT")])
        equal({int(row[0]): row[at] for row in table[1:]}, {pid: seconds(us) for pid, us in waits.items()},
              "the table has it too")
        write(f"start -{one} -{other}")


def main():
    with loaded(period_ms=20):
        two_on_one_cpu()
        one_alone()
        as_text()
        longest_of_many()
        listed()


run(main)
