#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon export: each form, read by somebody else's parser, says what the module's file says; a
# million samples take no more memory than ten thousand.
#
# kernels: x86_64
# boot: --memory 1G
# needs: taskmon promtool

import json
import os
import re
import resource
import shutil
import subprocess
import sys

from lib.module import DEBUGFS, loaded, set_parameter, statistics, write
from lib.processes import burn_and_sleep, idle_threads, process, program, wait_until
from lib.results import equal, note, ok, run
from lib.samples import samples
from lib.taskmon import TASKMON, on_terminal, rows_of_csv, rows_of_json, taskmon

ODD_NAME = 'a "b", \\c'
MANY = 1_000_000
FEW = 10_000
TASKS = 1000
PERIOD_MS = 10


def exported(form, *what):
    done = taskmon("export", "--format", form, *what)
    if done.returncode or done.stderr:
        raise OSError(done)
    return done.stdout


def odd_process():
    shutil.copy("/bin/sleep", f"/tmp/{ODD_NAME}")
    return program(f"/tmp/{ODD_NAME}", "1000")


def as_tables(history, commands):
    wanted = [(each.pid, each.num, each.usr, each.sys, each.time, int(each.exit)) for each in history]
    for form, rows in (("csv", rows_of_csv(exported("csv"))), ("json", rows_of_json(exported("json")))):
        got = [tuple(int(row[name]) for name in ("pid", "num", "usr_us", "sys_us", "time_us", "exit"))
               for row in rows]
        ok(got == wanted, f"{form}: each sample as it is in the file", (got[:3], wanted[:3]))
        equal({int(row["pid"]): row["command"] for row in rows}, commands, f"{form}: and the names")
    pid = history[0].pid
    equal({row["pid"] for row in rows_of_json(exported("json", pid))}, {pid}, "of one task, if asked")


def in_sight(of_task):
    """What a task has consumed where it was sampled without a pause, as taskmon defines one: more
    than four times as long as the period and either neighbour. A stalled machine makes such, too."""
    pairs = list(zip(of_task, of_task[1:]))
    lengths = [after.time - before.time for before, after in pairs]
    kept = [pair for at, pair in enumerate(pairs)
            if lengths[at] <= 4 * max(PERIOD_MS * 1000, *lengths[max(at - 1, 0):at], *lengths[at + 1:at + 2])]
    return {"user": sum(after.usr - before.usr for before, after in kept),
            "system": sum(after.sys - before.sys for before, after in kept)}


def as_trace(history):
    """Trace Event Format: what a counter says, times how long it says so, is what was consumed."""
    trace = json.loads(exported("perfetto"))
    events = trace["traceEvents"]
    equal({event["ph"] for event in events}, {"M", "C"}, "perfetto: names and counters, nothing else")
    ok(all(isinstance(event["ts"], int) and isinstance(event["pid"], int) and event["name"]
           for event in events if event["ph"] == "C"), "each with pid, name and time")
    for pid in {each.pid for each in history}:
        of_task = [each for each in history if each.pid == pid]
        counters = [event for event in events if event["ph"] == "C" and event["pid"] == pid]
        ok(all(one["ts"] <= other["ts"] for one, other in zip(counters, counters[1:])),
           "a task's counters are in order")
        area = {name: sum(event["args"][name] / 100 * (after["ts"] - event["ts"])
                          for event, after in zip(counters, counters[1:])) for name in ("user", "system")}
        used = in_sight(of_task)
        ok(all(abs(area[name] - used[name]) <= 5 + used[name] * 1e-3 for name in used),
           "and their area is what it consumed", (area, used))


def as_metrics(history, commands):
    text = exported("openmetrics")
    with open("/tmp/metrics.prom", "w", encoding="utf-8") as file:
        file.write(text)
    with open("/tmp/metrics.prom", encoding="utf-8") as file:
        done = subprocess.run([os.environ["TASKMONITOR_PROMTOOL"], "check", "metrics"], stdin=file, capture_output=True,
                              text=True, check=False)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "promtool check metrics has no word to say")
    last = {each.pid: each for each in history}
    found = re.findall(r'^taskmonitor_task_cpu_seconds_total\{pid="(\d+)",.*,mode="(\w+)"\} (\S+)$', text, re.M)
    wanted = {(pid, mode): us for pid, each in last.items()
              for mode, us in (("user", each.usr), ("system", each.sys))}
    equal({(int(pid), mode): round(float(seconds) * 1e6) for pid, mode, seconds in found}, wanted,
          "the totals are those of the last samples")
    names = dict(re.findall(r'^taskmonitor_task_info\{pid="(\d+)",life="1",command="(.*)"\} 1$', text, re.M))
    equal(names, {str(pid): name.replace("\\", "\\\\").replace('"', '\\"') for pid, name in commands.items()},
          "an info metric has the names")
    numbers = statistics()
    for metric, name in (("samples_created_total", "created"), ("targets", "targets"),
                         ("sample_bytes", "bytes"), ("lost_descendants_total", "lost")):
        value = re.search(rf"^taskmonitor_{metric} (\d+)$", text, re.M)
        equal(int(value.group(1)), numbers[name], f"{metric} is what the statistics say")


def forms():
    with process(burn_and_sleep) as busy, odd_process() as odd:
        write(f"{busy} {odd.pid}")
        ok(wait_until(lambda: len(samples(pid=busy)) > 100), "two tasks are watched")
        write("stop")
        history = samples()
        with open(f"/proc/{busy}/comm", encoding="utf-8") as comm:
            commands = {busy: comm.read().strip(), odd.pid: ODD_NAME}
        as_tables(history, commands)
        as_trace(history)
        as_metrics(history, commands)
        out = "/tmp/out.json"
        equal(taskmon("export", "-f", "json", "-o", out).returncode, 0, "-o writes a file")
        with open(out, encoding="utf-8") as file:
            equal(len(rows_of_json(file.read())), len(history), "that holds it all")
        write("start")
        write(f"-{busy} -{odd.pid}")


def peak_kib(*words):
    """The most memory that taskmon takes; it is run by one that tells so."""
    helper = ("import os, resource, subprocess, sys\n"
              "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
              "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", helper, TASKMON, *words], capture_output=True, text=True,
                          check=True)
    code, peak = map(int, done.stdout.split())
    if code:
        raise OSError(done.stderr)
    return peak


def memory_is_constant(tids):
    peaks = {}
    set_parameter("period_ms", 1)
    for tid in tids:
        write(tid)
    commands = (("export", "-f", "csv"), ("export", "-f", "json"), ("export", "-f", "perfetto"), ("list",))
    for size in (FEW, MANY):
        # However long one is kept from looking, there are no more than that.
        set_parameter("max_samples", size // TASKS)
        write("start")
        ok(wait_until(lambda size=size: statistics()["alive"] >= size, 300), f"{size} samples")
        write("stop")
        for words in commands:
            peaks.setdefault(words, []).append(peak_kib(*words))
    note(f"{statistics()['alive']} samples; KiB: {peaks}")
    for words, (few, many) in peaks.items():
        ok(many <= few * 1.25 + 512, f"{' '.join(words)}: the samples are streamed", (few, many))
        ok(many <= 32 * 1024, "in some megabytes", many)
    done = subprocess.run(["bash", "-c", f"{TASKMON} export -f csv | wc -l"], capture_output=True, text=True,
                          check=True)
    equal(int(done.stdout), statistics()["alive"] + 1, "and not one is left out")
    status, text = on_terminal(["plot", "-o", "/tmp/many.svg"])
    equal(status, 0, "a picture of all can be drawn")
    ok("reading [" in text, "with a progress bar on a terminal, as it takes a while", text[-300:])
    set_parameter("max_samples", 1)
    write("clear start")
    ok(wait_until(lambda: statistics()["alive"] > 0), "of few samples")
    write("stop")
    ok("reading [" not in on_terminal(["export", "-f", "csv", "-o", "/tmp/few.csv"])[1], "there is none")


def main():
    resource.setrlimit(resource.RLIMIT_NPROC, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with loaded(period_ms=PERIOD_MS):
        equal(exported("csv"), "pid,command,num,usr_us,sys_us,time_us,exit\n", "csv of nothing has its head")
        equal(exported("json"), "", "json of nothing is empty")
        equal(json.loads(exported("perfetto"))["traceEvents"], [], "a trace of nothing has no events")
        forms()
        with idle_threads(TASKS) as tids:
            memory_is_constant(tids)
    ok(not os.path.exists(DEBUGFS), "done")


run(main)
