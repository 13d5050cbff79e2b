#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: tasks that run already are recorded with their descendants, until they have ended, for some
# time, or until a signal ends the recording. Nothing else is, and what was watched before stays watched.
#
# kernels: uml x86_64
# needs: taskmon

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from lib.module import loaded, statistics, write
from lib.processes import burn_and_sleep, child, idle_threads, kill, process, program, wait_until
from lib.proc import text_of
from lib.results import equal, need, ok, run
from lib.samples import samples
from lib.taskmon import OUT, PERIOD_MS, TASKMON, ending, names, recorded, taskmon, tasks

SUMMARY = "/tmp/summary"
CGROUPS = "/sys/fs/cgroup"

# A server with workers that it has forked before. It forks one more for each line that it reads, and ends with
# its input. It writes the PIDs of its workers.
SERVER = """
import os, signal, sys
def worker():
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        open("/proc/self/comm", "w").write("worker")
        if os.fork() == 0:
            open("/proc/self/comm", "w").write("helper")
        signal.pause()
    return pid
workers = [worker() for _ in range(2)]
print("ready", flush=True)
for line in sys.stdin:
    workers.append(worker())
    print(workers[-1], flush=True)
for pid in workers:
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
sys.exit(3)
"""


@contextlib.contextmanager
def server():
    with program(sys.executable, "-c", SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        started.stdout.readline()
        try:
            yield started
        finally:
            for pid in descendants(started.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def parents():
    """The parent of each process, as /proc says."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[int(entry)] = int(text_of(f"/proc/{entry}/stat").rpartition(")")[2].split()[1])
    return found


def descendants(pid):
    """The living descendants of a process, as /proc says."""
    children = [child for child, parent in parents().items() if parent == pid]
    return children + [each for one in children for each in descendants(one)]


@contextlib.contextmanager
def recorder(*words, out=OUT):
    """`taskmon record` in the background, once it records something."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out)
    with program(TASKMON, "record", "-o", out, "--json", "--summary", f"{out}.json", *map(str, words),
                 stderr=subprocess.PIPE, text=True) as started:
        has_begun = wait_until(lambda: started.poll() is not None or os.path.exists(out) and recorded_whole(out))
        ok(has_begun and started.poll() is None, f"record {' '.join(map(str, words))} begins", started.poll())
        yield started


def recorded_whole(path):
    """The samples of the whole lines of a recording that goes on."""
    with open(path, encoding="utf-8") as file:
        return [line for line in file.read().splitlines(keepends=True) if line.startswith("pid:") and line[-1] == "\n"]


def result(started, out=OUT):
    """Waits for the recorder. (exit status, message, summary)."""
    _, err = started.communicate()
    with open(f"{out}.json", encoding="utf-8") as file:
        return started.returncode, err, json.load(file)


def a_server_and_its_workers():
    with server() as one:
        before = descendants(one.pid)
        equal(len(before), 4, "a server has two workers and two helpers")
        with recorder("-p", one.pid) as started:
            one.stdin.write("\n")
            one.stdin.flush()
            later = int(one.stdout.readline())
            ok(wait_until(lambda: len(descendants(one.pid)) == 6), "it forks one more worker")
            expected = {pid: parent for pid, parent in parents().items() if pid in descendants(one.pid)}
            ok(wait_until(lambda: {task.pid for task in tasks(OUT)} == {one.pid, *descendants(one.pid)}),
               "all of them are recorded", (tasks(OUT), descendants(one.pid)))
            one.stdin.close()
            status, err, summary = result(started)
        equal((status, err), (0, ""), "the recording ends when the server ends")
        equal(one.wait(), 3, "the server has ended by itself")
    found = {task.pid: task for task in tasks(OUT)}
    equal({pid: found[pid].parent for pid in expected}, expected, "each parent is that of /proc")
    equal((found[one.pid].status, found[later].status), (3 << 8, signal.SIGTERM), "the wait statuses are right")
    equal(sorted(name for pid, name in names(OUT).items() if pid != one.pid), ["helper"] * 3 + ["worker"] * 3,
          "names are those that they have given themselves")
    first = {each.pid: each.num for each in reversed(recorded(OUT))}
    equal(set(first.values()), {0}, "each has its first sample")
    equal((summary["is_complete"], summary["is_ended"], ending(OUT)), (True, True, "complete"),
          "the recording is complete")
    equal(sorted(each["command"] for each in summary["still_running"]), ["helper"] * 3,
          "helpers that outlive the server are listed as running")
    equal(statistics()["targets"], 0, "nothing is watched any more")


def alone():
    with server() as one:
        status, err, summary = run_to_end("-p", one.pid, "--alone", "-d", "300ms")
    equal((status, err, summary["processes"], [task.pid for task in tasks(OUT)]), (0, "", 1, [one.pid]),
          "--alone: only the process itself is recorded")


def run_to_end(*words):
    done = taskmon("record", "-o", OUT, "--json", "--summary", SUMMARY, *words)
    with open(SUMMARY, encoding="utf-8") as file:
        return done.returncode, done.stderr, json.load(file)


def some_time():
    with process(burn_and_sleep) as pid:
        status, err, summary = run_to_end("-p", pid, "-i", 5, "-d", "1s")
        equal((status, err, summary["is_complete"], summary["is_ended"]), (0, "", True, False),
              "--duration ends a recording, which is complete")
        equal([each["pid"] for each in summary["still_running"]], [pid], "the process is still running")
        history = recorded(OUT)
        length = history[-1].time - history[0].time
        ok(500_000 < length, "it has samples of that time", length)
        ok(summary["usr_us"] + summary["sys_us"] == history[-1].usr + history[-1].sys - history[0].usr - history[0].sys
           or summary["usr_us"] + summary["sys_us"] == history[-1].usr + history[-1].sys,
           "the summary has the CPU time of that time", summary)
        equal(statistics()["targets"], 0, "the process is not watched any more")


def ended_by_a_signal():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with process() as one, process() as two:
            with recorder("-p", f"{one},{two}") as started:
                started.send_signal(number)
                status, err, summary = result(started)
            equal((status, err, summary["is_complete"], ending(OUT)), (0, "", True, "complete"),
                  f"{number.name} ends a recording, which is complete")
            equal({each["pid"] for each in summary["still_running"]}, {one, two}, "both processes are still running")
            equal(statistics()["targets"], 0, "they are not watched any more")


def watched_before():
    with server() as one:
        worker = descendants(one.pid)[0]
        write(worker)
        wait_until(lambda: len(samples(pid=worker)) > 3)
        before = set(samples(pid=worker))
        status, _, summary = run_to_end("-p", one.pid, "-d", "300ms")
        equal((status, summary["processes"], summary["is_complete"]), (0, 5, True),
              "a tree of which one process is watched already")
        ok(before <= set(samples(pid=worker)) and {each.pid for each in samples()} == {worker},
           "it stays watched and keeps its samples, the others do not")
        write(f"-{worker}")
        write(f"tree:{one.pid}")
        status, _, summary = run_to_end("-p", one.pid, "-d", "300ms")
        equal((status, summary["processes"], summary["is_complete"], statistics()["targets"]), (0, 5, True, 5),
              "a tree that is followed already is recorded, and stays watched")
        write(f"-tree:{one.pid}")


def by_name():
    scripts = ["/tmp/one-of-a-kind"] * 2
    with open(scripts[0], "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nread line\n")
    os.chmod(scripts[0], 0o755)
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as running:
        both = [running.enter_context(program(script, stdin=read_end)) for script in scripts]
        ok(wait_until(lambda: all(text_of(f"/proc/{each.pid}/comm") == "one-of-a-kind\n" for each in both)),
           "two processes of the same name run")
        with recorder("--name", "one-of-a-kind") as started:
            os.close(write_end)
            status, err, summary = result(started)
        equal((status, err, summary["is_complete"]), (0, "", True), "--name: ends when both have ended")
        equal({task.pid for task in tasks(OUT)}, {each.pid for each in both}, "both are recorded")
    os.close(read_end)


def one_thread():
    with idle_threads(2) as threads:
        status, err, summary = run_to_end("-p", threads[0], "-d", "300ms")
        equal((status, err, summary["processes"], {each.pid for each in recorded(OUT)}), (0, "", 1, {threads[0]}),
              "a thread can be recorded")


def a_cgroup():
    if not os.path.exists(f"{CGROUPS}/cgroup.procs"):
        subprocess.run(["mount", "-t", "cgroup2", "none", CGROUPS], check=False)
    need(os.path.exists(f"{CGROUPS}/cgroup.procs"), "no cgroup v2")
    group = f"{CGROUPS}/record"
    os.makedirs(f"{group}/below", exist_ok=True)

    def move(pid, where=group):
        with open(f"{where}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))

    def forking():
        while True:
            time.sleep(0.05)
            if os.fork() == 0:
                os._exit(0)
            os.wait()

    with process() as inside, process() as below, process() as outside:
        later = child(forking_when_moved, group, forking)
        move(inside)
        move(below, f"{group}/below")
        with recorder("--cgroup", group) as started:
            move(later)
            ok(wait_until(lambda: len(tasks(OUT)) >= 8), "a process that moves in later is recorded, and its children",
               tasks(OUT))
            for pid in (inside, below, later):
                kill(pid)
            status, err, summary = result(started)
        equal((status, err, summary["is_complete"]), (0, "", True), "the recording ends when the cgroup is empty")
        found = {task.pid: task for task in tasks(OUT)}
        ok({inside, below, later} < set(found) and outside not in found, "the processes of the cgroup are recorded")
        equal({task.parent for task in found.values()} - {os.getpid()}, {later}, "the others are children of theirs")
        equal(statistics()["targets"], 0, "nothing is watched any more")
    os.rmdir(f"{group}/below")
    os.rmdir(group)


def forking_when_moved(group, forking):
    while os.path.basename(group) not in text_of("/proc/self/cgroup"):
        time.sleep(0.01)
    forking()


def everything():
    with process(burn_and_sleep) as pid:
        status, err, summary = run_to_end("-a", "-d", "500ms")
        equal((status, err), (0, ""), "-a records the whole machine")
        found = {task.pid for task in tasks(OUT)}
        kernel_threads = {1, 2}
        ok({pid, os.getpid(), *kernel_threads} <= found, "init, kernel threads and this process are in the recording",
           found)
        ok(summary["running"] > 5, "they are still running")
        equal(statistics()["targets"], 0, "nothing is watched any more")


def descendants_that_outlive_the_command():
    script = "(sleep 0.3; sleep 0.3) & exit 4"
    done, summary = recorded_command("--", "sh", "-c", script)
    equal((done, summary["running"] > 0, summary["is_complete"]), (4, True, True),
          "a command whose child outlives it: the child is running at the end")
    done, summary = recorded_command("--wait-all", "--", "sh", "-c", script)
    equal((done, summary["running"], summary["processes"], summary["is_complete"]), (4, 0, 3, True),
          "--wait-all: until the last descendant has ended, with the status of the command")


def recorded_command(*words):
    status, err, summary = run_to_end(*words)
    equal(err, "", f"record {words[0]}: no message")
    return status, summary


def a_command_that_runs_longer():
    begin = time.monotonic()
    status, summary = recorded_command("-d", "300ms", "--", "sh", "-c", "sleep 2; exit 9")
    ok(time.monotonic() - begin >= 2, "--duration: the command runs on, and taskmon waits for it")
    equal((status, summary["status"], summary["is_complete"]), (9, None, True), "the status is that of the command")
    equal(summary["running"], 2, "the recording has ended before")


def two_at_once():
    """Two recordings of the same process, at different intervals."""
    with process(burn_and_sleep) as pid:
        with recorder("-p", pid, "-i", "5ms", out="/tmp/fast") as fast:
            with recorder("-p", pid, "-i", "1s", out="/tmp/slow") as slow:
                wait_until(lambda: len(recorded_whole("/tmp/fast")) > 100)
                slow.terminate()
                status, err, summary = result(slow, "/tmp/slow")
            equal((status, err, summary["is_complete"]), (0, "", True), "the one that began later ends first")
            equal(statistics()["targets"], 1, "the process is still watched, because of the other one")
            fast.terminate()
            status, err, summary = result(fast, "/tmp/fast")
        equal((status, err, summary["is_complete"], statistics()["targets"]), (0, "", True, 0), "the other one ends")


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (a_server_and_its_workers, alone, some_time, ended_by_a_signal, watched_before, by_name, one_thread,
                     everything, descendants_that_outlive_the_command, a_command_that_runs_longer, two_at_once,
                     a_cgroup):
            test()
        equal(statistics()["targets"], 0, "at the end no task is watched")


run(main)
