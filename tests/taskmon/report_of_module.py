#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon report: of the module's samples, with what is known of the machine. The summary that record prints is the
# report of the recording.
#
# kernels: uml x86_64
# needs: taskmon

import contextlib
import json
import os

from lib.module import loaded, write
from lib.processes import consume_little, process, wait_until
from lib.results import equal, ok, run
from lib.samples import samples
from lib.taskmon import OUT, taskmon

CGROUP = "/sys/fs/cgroup/reported"
# How many rows the summary has.
MAX_LISTED = 10


def report(*words):
    done = taskmon("report", "--json", *words)
    equal((done.returncode, done.stderr), (0, ""), f"report {' '.join(map(str, words))}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def in_cgroup(pid):
    os.mkdir(CGROUP)
    try:
        with open(f"{CGROUP}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
        yield
    finally:
        with open("/sys/fs/cgroup/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
        os.rmdir(CGROUP)


def of_module():
    with process(consume_little) as one, process(consume_little) as two:
        write(one)
        write(two)
        wait_until(lambda: {one, two} <= {each.pid for each in samples()})
        with in_cgroup(one):
            write("clear")
            wait_until(lambda: sum(each.pid == one for each in samples()) > 20)
            write("stop")
            wanted = {}
            for pid in (one, two):
                own = [each for each in samples() if each.pid == pid]
                wanted[pid] = (own[-1].usr + own[-1].sys - own[0].usr - own[0].sys)
            found = report()
            equal({row["pid"]: row["usr_us"] + row["sys_us"] for row in found["rows"]}, wanted,
                  "without a file: what the watched tasks used, from the first to the last sample")
            equal((found["host"], found["cpus"]), (os.uname().nodename, os.cpu_count()), "the machine is known")
            equal([row["pid"] for row in report(two)["rows"]], [two], "a PID: only that task")
            names = {row["name"] for row in report("--by", "cgroup")["rows"]}
            ok("/reported" in names and len(names) == 2, "--by cgroup: the path of the cgroup", names)
        write("start")
        write(f"-{one}")
        write(f"-{two}")


def summary_is_report():
    script = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sh -c 'n=0; while [ $n -lt 300 ]; do n=$((n + 1)); done'; done; exit 3"
    done = taskmon("record", "-o", OUT, "--summary", "/tmp/summary", "--", "sh", "-c", script)
    equal(done.returncode, 3, "record ends as the command")
    with open("/tmp/summary", encoding="utf-8") as file:
        summary = file.read()
    ok("exit status 3" in summary, "the summary has the exit status", summary)
    for by in ("process", "command"):
        text = taskmon("report", OUT, "-n", MAX_LISTED, "--by", by).stdout
        head, table = text.split("\n\n", 1)[0], text.rsplit("\n\n", 1)[1]
        ok(head in summary and table in summary, f"the summary has the report by {by}", (summary, text))


def main():
    with loaded(period_ms=5):
        of_module()
        summary_is_report()


run(main)
