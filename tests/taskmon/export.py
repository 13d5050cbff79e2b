#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon export: each format, read by an independent parser, has what the module's file shows. Exporting a million
# samples takes no more memory than ten thousand.
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
    wanted = [(each.pid, each.num, each.usr, each.sys, each.time, int(each.exit), each.wait) for each in history]
    for form, rows in (("csv", rows_of_csv(exported("csv"))), ("json", rows_of_json(exported("json")))):
        got = [tuple(int(row[name]) for name in ("pid", "num", "usr_us", "sys_us", "time_us", "exit",
                                                     "wait_us"))
               for row in rows]
        ok(got == wanted, f"{form}: all samples of the file, unchanged", (got[:3], wanted[:3]))
        equal({int(row["pid"]): row["command"] for row in rows}, commands, f"{form}: the names of the tasks")
    pid = history[0].pid
    equal({row["pid"] for row in rows_of_json(exported("json", pid))}, {pid}, "json of one task")


def used_without_pauses(of_task):
    """The CPU time and the waiting time of a task, without the pauses in sampling. A pause, as taskmon defines it, is an interval
    more than four times as long as the period and as its neighbours. A stalled machine also causes pauses."""
    pairs = list(zip(of_task, of_task[1:]))
    lengths = [after.time - before.time for before, after in pairs]
    kept = [pair for at, pair in enumerate(pairs)
            if lengths[at] <= 4 * max(PERIOD_MS * 1000, *lengths[max(at - 1, 0):at], *lengths[at + 1:at + 2])]
    return {"user": sum(after.usr - before.usr for before, after in kept),
            "system": sum(after.sys - before.sys for before, after in kept),
            "waiting": sum(after.wait - before.wait for before, after in kept)}


def as_trace(history):
    """Trace Event Format: the sum of each counter value times its duration is the CPU time or the waiting time."""
    trace = json.loads(exported("perfetto"))
    events = trace["traceEvents"]
    equal({event["ph"] for event in events}, {"M", "C", "X"}, "perfetto: names, counters and slices")
    ok(all(isinstance(event["ts"], int) and isinstance(event["pid"], int) and event["name"]
           for event in events if event["ph"] == "C"), "perfetto: each counter has PID, name and time")
    for pid in {each.pid for each in history}:
        of_task = [each for each in history if each.pid == pid]
        counters = [event for event in events if event["ph"] == "C" and event["pid"] == pid]
        ok(all(one["ts"] <= other["ts"] for one, other in zip(counters, counters[1:])),
           "perfetto: a task's counters are in order")

        def area(counter, name):
            values = [(each["ts"], each["args"][name]) for each in counters if each["name"] == counter]
            return sum(value / 100 * (after - begin) for (begin, value), (after, _) in zip(values, values[1:]))

        areas = {"user": area("CPU %", "user"), "system": area("CPU %", "system"),
                 "waiting": area("waiting %", "waiting")}
        used = used_without_pauses(of_task)
        ok(all(abs(areas[name] - used[name]) <= 5 + used[name] * 1e-3 for name in used),
           "perfetto: the areas below the counters are the CPU time and the waiting time", (areas, used))


def as_metrics(history, commands):
    text = exported("openmetrics")
    with open("/tmp/metrics.prom", "w", encoding="utf-8") as file:
        file.write(text)
    with open("/tmp/metrics.prom", encoding="utf-8") as file:
        done = subprocess.run([os.environ["TASKMONITOR_PROMTOOL"], "check", "metrics"], stdin=file, capture_output=True,
                              text=True, check=False)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""),
          "openmetrics: promtool check metrics prints nothing")
    last = {each.pid: each for each in history}
    found = re.findall(r'^taskmonitor_task_cpu_seconds_total\{pid="(\d+)",.*,mode="(\w+)"\} (\S+)$', text, re.M)
    wanted = {(pid, mode): us for pid, each in last.items()
              for mode, us in (("user", each.usr), ("system", each.sys))}
    equal({(int(pid), mode): round(float(seconds) * 1e6) for pid, mode, seconds in found}, wanted,
          "openmetrics: the totals are those of the last samples")
    waited = dict(re.findall(r'^taskmonitor_task_wait_seconds_total\{pid="(\d+)",id="\d+"\} (\S+)$', text, re.M))
    equal({int(pid): round(float(seconds) * 1e6) for pid, seconds in waited.items()},
          {pid: each.wait for pid, each in last.items()}, "openmetrics: the waiting times are those of the last samples")
    names = dict(re.findall(r'^taskmonitor_task_info\{pid="(\d+)",id="\d+",command="(.*)"\} 1$', text, re.M))
    equal(names, {str(pid): name.replace("\\", "\\\\").replace('"', '\\"') for pid, name in commands.items()},
          "openmetrics: an info metric has the names")
    numbers = statistics()
    for metric, name in (("samples_created_total", "created"), ("targets", "targets"),
                         ("sample_bytes", "bytes"), ("lost_descendants_total", "lost")):
        value = re.search(rf"^taskmonitor_{metric} (\d+)$", text, re.M)
        equal(int(value.group(1)), numbers[name], f"openmetrics: {metric} is the value of the statistics")


def forms():
    with process(burn_and_sleep) as busy, odd_process() as odd:
        write(f"{busy} {odd.pid}")
        ok(wait_until(lambda: len(samples(pid=busy)) > 100), "two tasks are sampled")
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
            equal(len(rows_of_json(file.read())), len(history), "the file has all samples")
        write("start")
        write(f"-{busy} -{odd.pid}")


def peak_kib(*words):
    """The largest resident size of taskmon. A helper process runs it and prints this."""
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
    commands = (("export", "-f", "csv"), ("export", "-f", "json"), ("export", "-f", "perfetto"), ("list",),
                ("report",), ("report", "--by", "command"), ("plot", "-o", "/tmp/many.svg"))
    for size in (FEW, MANY):
        # Limits the number of samples, even if this program is delayed.
        set_parameter("max_samples", size // TASKS)
        write("start")
        ok(wait_until(lambda size=size: statistics()["alive"] >= size, 300), f"{size} samples are taken")
        write("stop")
        for words in commands:
            peaks.setdefault(words, []).append(peak_kib(*words))
    note(f"{statistics()['alive']} samples; KiB: {peaks}")
    for words, (few, many) in peaks.items():
        ok(many <= few * 1.25 + 512, f"{' '.join(words)}: memory does not grow with the samples", (few, many))
        ok(many <= 32 * 1024, f"{' '.join(words)}: at most 32 MiB", many)
    done = subprocess.run(["bash", "-c", f"{TASKMON} export -f csv | wc -l"], capture_output=True, text=True,
                          check=True)
    equal(int(done.stdout), statistics()["alive"] + 1, "export has all samples")
    status, text = on_terminal(["plot", "-o", "/tmp/many.svg"])
    equal(status, 0, "plot draws all samples")
    ok("reading [" in text, "plot of many samples shows a progress bar on a terminal", text[-300:])
    set_parameter("max_samples", 1)
    write("clear start")
    ok(wait_until(lambda: statistics()["alive"] > 0), "few samples are taken")
    write("stop")
    ok("reading [" not in on_terminal(["export", "-f", "csv", "-o", "/tmp/few.csv"])[1],
       "export of few samples shows no progress bar")


def main():
    resource.setrlimit(resource.RLIMIT_NPROC, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with loaded(period_ms=PERIOD_MS):
        equal(exported("csv"), "pid,command,num,usr_us,sys_us,time_us,exit,id,parent,wait_us\n",
              "csv without samples has its header")
        equal(exported("json"), "", "json without samples is empty")
        equal(json.loads(exported("perfetto"))["traceEvents"], [], "a trace without samples has no events")
        forms()
        with idle_threads(TASKS) as tids:
            memory_is_constant(tids)
    ok(not os.path.exists(DEBUGFS), "the module is unloaded")


run(main)
