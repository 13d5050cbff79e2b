#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: samples are in the file soon after they were taken. So neither max_targets, nor max_samples, nor
# a recorder that is killed, nor a full disk costs what was recorded before; and a recording says whether anything
# is missing in it.
#
# kernels: uml x86_64
# needs: taskmon

import contextlib
import json
import os
import random
import signal
import subprocess
import time

from lib.module import loaded, parameter, set_parameter, statistics, wait_for_passes, write
from lib.proc import text_of
from lib.processes import burn_and_sleep, process, program, wait_until
from lib.results import equal, ok, run
from lib.samples import problems, samples
from lib.taskmon import OUT, PERIOD_MS, TASKMON, ending, record, recorded, remarks, rows_of_csv, taskmon, tasks
from lib.workers import SEED

SUMMARY = f"{OUT}.json"


@contextlib.contextmanager
def recorder(*words):
    """`taskmon record` in the background, once the recording has samples."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(OUT)
    with program(TASKMON, "record", "-o", OUT, "--json", "--summary", SUMMARY, *map(str, words),
                 stderr=subprocess.PIPE, text=True) as started:
        ok(wait_until(lambda: os.path.exists(OUT) and count_samples() > 3), f"record {' '.join(map(str, words))} begins")
        yield started


def count_samples():
    return text_of(OUT).count("\npid:")


def result(started):
    """Waits for the recorder. (exit status, message, summary)."""
    _, err = started.communicate()
    with open(SUMMARY, encoding="utf-8") as file:
        return started.returncode, err, json.load(file)


@contextlib.contextmanager
def paused(started):
    """The recorder does not read for the length of the block."""
    started.send_signal(signal.SIGSTOP)
    wait_until(lambda: text_of(f"/proc/{started.pid}/stat").rpartition(")")[2].split()[0] == "T")
    try:
        yield
    finally:
        started.send_signal(signal.SIGCONT)


def read_meanwhile():
    with process(burn_and_sleep) as pid:
        with recorder("-p", pid) as started:
            counts = []
            for _ in range(3):
                before = count_samples()
                ok(wait_until(lambda: count_samples() > before), "the file grows while it is recorded")
                done = taskmon("export", "-f", "csv", OUT)
                counts.append(len(rows_of_csv(done.stdout)))
                ok(done.returncode == 0 and done.stderr.count("\n") == 1 and "cut off" in done.stderr,
                   "it can be read meanwhile; one line says that it has no end", done.stderr)
            ok(counts == sorted(counts) and counts[0] > 3, "each time it has more samples", counts)
            started.terminate()
            equal(result(started)[2]["is_complete"], True, "the recording is complete at the end")
        done = taskmon("export", "-f", "csv", OUT)
        equal((done.returncode, done.stderr, len(rows_of_csv(done.stdout))), (0, "", len(recorded(OUT))),
              "it can be read at the end, without a message")


def killed():
    """Recorders that are killed at random moments. What they have written is what the module has."""
    random.seed(SEED)
    with process(burn_and_sleep) as pid:
        for _ in range(5):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(OUT)
            with program(TASKMON, "record", "-o", OUT, "-i", "2", "-p", str(pid), stderr=subprocess.DEVNULL) as started:
                wait_until(lambda: statistics()["targets"] == 1)
                time.sleep(random.random())
                started.kill()
                started.wait()
            check_cut_recording()
            write(f"-tree:{pid}")
    equal(parameter("period_ms"), PERIOD_MS, "the period of the module is as before")


def check_cut_recording():
    if not os.path.exists(OUT) or not text_of(OUT):
        return
    whole = [line for line in text_of(OUT).splitlines(keepends=True) if line.startswith("pid:") and line[-1] == "\n"]
    kept = {str(each) for each in samples()}
    with open(f"{OUT}.whole", "w", encoding="ascii") as file:
        file.writelines(whole)
    history = recorded(f"{OUT}.whole")
    ok({str(each) for each in history} <= kept and not problems(history), "what a killed recorder has written is right")
    done = taskmon("export", "-f", "csv", OUT)
    equal((done.returncode, len(rows_of_csv(done.stdout))), (0, len(history)), "all of it can be read")
    ok(done.stderr.count("\n") == 1 and "cut off" in done.stderr, "one line says that it was cut off", done.stderr)


def full_disk():
    folder = "/tmp/small"
    path = f"{folder}/recording"
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], check=True)
    try:
        with program(TASKMON, "record", "-i", "1", "-o", path, "--json", "--summary", SUMMARY, "--", "sh", "-c",
                     "read line; exit 7", stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
            message = started.stderr.readline()
            ok(message.startswith(f"taskmon: {path}: No space left on device: free some space, or "),
               "a full disk: one line says what to do, while the command runs", message)
            status, err, summary = result(started)
        equal((status, err), (7, ""), "the command goes on, and its status is returned")
        equal((summary["is_complete"], ending(path) in (None, "incomplete")), (False, True),
              "the recording is not complete")
        history = recorded(path)
        ok(len(history) > 100 and not problems(history), "it has what fitted", len(history))
        equal(taskmon("export", "-f", "csv", path).returncode, 0, "it can be read")
        equal(statistics()["targets"], 0, "nothing is watched any more")
    finally:
        subprocess.run(["umount", folder], check=True)


def many_processes():
    """More processes than max_targets. All of them are recorded."""
    limit = parameter("max_targets")
    set_parameter("max_targets", 64)
    try:
        script = ("for i in 0 1 2 3 4 5 6 7 8 9; do for j in 0 1 2 3 4 5 6 7 8 9; do "
                  "/bin/true & /bin/true; /bin/true; done; wait; done")
        done, summary = record("--", "sh", "-c", script)
    finally:
        set_parameter("max_targets", limit)
    equal((done.returncode, summary["processes"], summary["lost"], summary["missing"], summary["is_complete"]),
          (0, 301, 0, [], True), "with max_targets 64, a command with 300 processes is recorded completely")
    found = tasks(OUT)
    equal((len(found), {task.status for task in found}, {task.name for task in found}), (301, {0}, {"sh", "true"}),
          "each has its name and its status")
    exits = [each for each in recorded(OUT) if each.exit]
    equal(len(exits), 301, "each has its exit sample")
    equal(statistics()["targets"], 0, "nothing is watched any more")


def few_samples():
    limit = parameter("max_samples")
    set_parameter("max_samples", 100)
    try:
        with process(burn_and_sleep) as pid:
            with recorder("-p", pid, "-i", 20) as started:
                wait_until(lambda: count_samples() > 250)
                started.terminate()
                _, _, summary = result(started)
            equal((summary["evicted"], summary["is_complete"], ending(OUT)), (0, True, "complete"),
                  "with max_samples 100, more than 250 samples are recorded")
            equal(problems(recorded(OUT)), [], "without a hole")
            with recorder("-p", pid, "-i", 10) as started:
                with paused(started):
                    wait_for_passes(130)
                started.terminate()
                _, _, summary = result(started)
            history = recorded(OUT)
            holes = history[-1].num + 1 - len(history)
            ok(holes > 0, "a recorder that did not read for longer: samples are missing")
            equal((summary["evicted"], summary["is_complete"], ending(OUT)), (holes, False, "incomplete"),
                  "the recording says how many, and is not complete")
    finally:
        set_parameter("max_samples", limit)


def cleared():
    with process(burn_and_sleep) as pid:
        with recorder("-p", pid) as started:
            with paused(started):
                wait_for_passes(4)
                write("clear")
            before = count_samples()
            wait_until(lambda: count_samples() > before)
            started.terminate()
            _, _, summary = result(started)
        history = recorded(OUT)
        equal((summary["evicted"], summary["is_complete"], ending(OUT)),
              (history[-1].num + 1 - len(history), False, "incomplete"), "somebody's `clear` makes it incomplete")
        ok(summary["evicted"] >= 4, "it says how many samples are missing", summary)


def removed():
    with process(burn_and_sleep) as one, process(burn_and_sleep) as two:
        with recorder("-p", f"{one},{two}") as started:
            write(f"-{one}")
            ok(wait_until(lambda: "missing" in dict(remarks(OUT))), "somebody's `-PID` is noted")
            started.terminate()
            _, _, summary = result(started)
        ok(summary["missing"] and f"PID {one}" in summary["missing"][0] and not summary["is_complete"],
           "it makes the recording incomplete, which names the process", summary["missing"])
        with recorder("-p", one) as started:
            write(f"-{one}")
            status, _, summary = result(started)
        equal((status, summary["is_complete"]), (0, False), "nothing is left to record: the recording ends")


def stopped():
    with process(burn_and_sleep) as pid:
        with recorder("-p", pid) as started:
            write("stop")
            time.sleep(2)
            write("start")
            before = count_samples()
            wait_until(lambda: count_samples() > before + 2)
            started.terminate()
            _, _, summary = result(started)
        equal((summary["evicted"], summary["is_complete"], ending(OUT)), (0, False, "incomplete"),
              "somebody's `stop` makes it incomplete")
        ok(any("sampling was stopped" in why for why in summary["missing"]), "it says why", summary["missing"])


def in_a_tree_of_somebody_else():
    """The shell follows itself and its children."""
    script = (f"echo tree:$$ > /sys/kernel/taskmonitor; {TASKMON} record -o {OUT} --json --summary {SUMMARY} -- "
              "sh -c '/bin/true; /bin/true; exit 6'; code=$?; grep -c . /sys/kernel/debug/taskmonitor_tasks; "
              "echo -tree:$$ > /sys/kernel/taskmonitor; exit $code")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    with open(SUMMARY, encoding="utf-8") as file:
        summary = json.load(file)
    equal((done.returncode, done.stderr, summary["processes"], summary["is_complete"]), (6, "", 3, True),
          "in a tree that is followed already, the command and its descendants are recorded")
    # The shell, taskmon, the three recorded processes, and grep.
    equal(done.stdout, "6\n", "they stay watched")
    equal(statistics()["targets"], 0, "nothing is watched any more")


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (read_meanwhile, killed, full_disk, many_processes, few_samples, cleared, removed, stopped,
                     in_a_tree_of_somebody_else):
            test()
        equal(statistics()["targets"], 0, "at the end no task is watched")


run(main)
