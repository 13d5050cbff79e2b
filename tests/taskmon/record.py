#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: a command and its descendants, of whatever kind, from first to last; their totals
# are those of wait4(); the command has terminal, signals and status as without it.
#
# kernels: uml x86_64
# needs: taskmon

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

from lib.module import loaded, parameter, set_parameter, statistics, write
from lib.proc import microseconds, text_of
from lib.processes import process, program, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.taskmon import TASKMON, names, recorded, remarks, taskmon

PERIOD_MS = 40
ROUNDING_US = 2
OUT = "/tmp/recording"

# A parent that has children of all kinds, and tells what wait4() told it of each.
PARENT = """
import os, signal, threading, time

def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

def thread_happy():
    threads = [threading.Thread(target=burn, args=(0.01,)) for _ in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

def leader_first():
    threading.Thread(target=burn, args=(0.05,)).start()
    ctypes_exit()

def ctypes_exit():
    import ctypes
    ctypes.CDLL(None).syscall(60, 0)

kinds = [
    lambda: None,
    lambda: burn(0.03),
    lambda: os._exit(3),
    lambda: os.execvp("true", ["true"]),
    lambda: (burn(0.01), os.kill(os.getpid(), signal.SIGKILL)),
    thread_happy,
    leader_first,
]
with open("%s", "w") as out:
    for number in range(21):
        pid = os.fork()
        if pid == 0:
            try:
                kinds[number %% len(kinds)]()
            finally:
                os._exit(0)
        _, status, used = os.wait4(pid, 0)
        print(pid, round(used.ru_utime * 1e6), round(used.ru_stime * 1e6), file=out)
"""


def record(*words, **options):
    """Records; its status, and the summary."""
    summary = "/tmp/summary"
    done = taskmon("record", "-o", OUT, "--json", "--summary", summary, *words, **options)
    with open(summary, encoding="utf-8") as file:
        return done, json.load(file)


def totals_are_exact():
    told = "/tmp/told"
    done, summary = record("-p", 5, "--", sys.executable, "-c", PARENT % told)
    equal((done.returncode, done.stderr), (0, ""), "a command with children of all kinds is recorded")
    history = recorded(OUT)
    equal(problems(history), [], "each history is in order")
    last = {each.pid: each for each in history}
    used = [tuple(map(int, line.split())) for line in open(told, encoding="ascii")]
    equal(len(used), 21, "its parent has waited for all")
    wrong = [(pid, last.get(pid), usr, sys_) for pid, usr, sys_ in used
             if pid not in last or not last[pid].exit
             or abs(last[pid].usr - usr) > ROUNDING_US or abs(last[pid].sys - sys_) > ROUNDING_US]
    equal(wrong, [], "and was told by wait4() what their last samples say")
    first = {each.pid: each.num for each in reversed(history)}
    equal(set(first.values()), {0}, "each is there from its first sample")
    equal((summary["usr_us"], summary["sys_us"]),
          (sum(each.usr for each in last.values()), sum(each.sys for each in last.values())),
          "the summary is the sum of all")
    equal((summary["processes"], summary["running"], summary["lost"]), (len(last), 0, 0),
          "of all processes")
    cost = [each["usr_us"] + each["sys_us"] for each in summary["costliest"]]
    equal((len(cost), cost), (10, sorted(cost, reverse=True)), "it names the ten that cost most")
    equal(cost[0], max(each.usr + each.sys for each in last.values()), "beginning with that one")
    spent = summary["usr_us"] + summary["sys_us"]
    ok(abs(summary["mean_share"] - spent / summary["wall_us"]) < 1e-6, "mean share is cost by time")
    ok(0 < summary["mean_share"] <= summary["peak_share"] * 1.05 + 0.01, "the peak is above the mean",
       summary)
    ok("true" in names(OUT).values(), "a process that lived for moments has its name", names(OUT))


def ends():
    for command, status in [(["true"], 0), (["false"], 1), (["sh", "-c", "exit 77"], 77),
                            (["sh", "-c", "kill -KILL $$"], 128 + 9),
                            (["sh", "-c", "kill -TERM $$"], 128 + 15)]:
        done, summary = record("--", *command)
        equal(done.returncode, status, f"{' '.join(command)}: status {status}")
        equal(summary["is_complete"], True, "recorded to its end")
    for command, status in [("/no/such", 127), ("/etc/passwd", 126)]:
        done = taskmon("record", "-o", OUT, "--", command)
        equal((done.returncode, done.stderr.count("\n")), (status, 1), f"{command}: status {status}, a line")
    done = taskmon("record", "-o", "/no/such/file", "--", "touch", "/tmp/was_run")
    equal((done.returncode, done.stderr), (125, "taskmon: /no/such/file: No such file or directory\n"),
          "where nothing can be written, status 125")
    ok(not os.path.exists("/tmp/was_run"), "and the command is not run")


def streams():
    text = "passed on\n" * 1000
    done = subprocess.run([TASKMON, "record", "-o", OUT, "--summary", "/tmp/summary", "--",
                           "sh", "-c", "cat; echo said >&2"], input=text, capture_output=True,
                          text=True, check=False)
    equal((done.stdout == text, done.stderr), (True, "said\n"), "input and outputs are the command's")
    done = taskmon("record", "-o", OUT, "--", "sh", "-c", "for i in 1 2 3; do true | cat; done")
    ok(all(word in done.stderr for word in ("user", "system", "wall", "mean", "peak", "COMMAND")),
       "the summary for people is on standard error", done.stderr)
    ok(any(block in done.stderr for block in "▁▂▃▄▅▆▇█"), "with a sparkline")
    equal(done.stdout, "", "nothing else is on standard output")


def family():
    script = "(sleep 0.01; sleep 0.02) & sh -c 'true; true' & wait"
    record("--", "sh", "-c", script)
    whole = names(OUT)
    ok(sum(name == "sleep" for name in whole.values()) >= 2, "grandchildren are recorded", whole)
    record("--alone", "--", "sh", "-c", script)
    equal((len(names(OUT)), len({each.pid for each in recorded(OUT)})), (1, 1), "--alone: the command only")
    equal([keyword for keyword, _ in remarks(OUT)], ["taskmon", "period_ms", "command", "task"],
          "the recording says what it is")


def what_makes_room():
    """More processes than the module keeps: those that ended first are gone as a whole."""
    limit = parameter("max_targets")
    set_parameter("max_targets", 10)
    script = "for i in 0 1 2 3; do for j in 0 1 2 3 4 5 6 7; do /bin/true; done; done; echo done"
    _, summary = record("--", "sh", "-c", script)
    told = taskmon("record", "-o", OUT, "--", "sh", "-c", script).stderr
    set_parameter("max_targets", limit)
    ok(summary["processes"] <= 10 and summary["evicted_elsewhere"] >= 23, "processes had to make room", summary)
    equal((summary["is_ended"], summary["is_complete"]), (True, False), "so the recording is not complete")
    ok(summary["missing_us"] > 0, "nor is what the parent was told of", summary)
    ok("processes that are missing here" in told and "s of CPU time are missing here" in told, "which is said", told)
    _, summary = record("--", "sh", "-c", script)
    equal((summary["processes"], summary["evicted_elsewhere"], summary["missing_us"], summary["is_complete"]),
          (33, 0, 0, True), "with room for all it is complete")


def cannot_be_watched():
    write("stop")
    done = taskmon("record", "-o", OUT, "--", "touch", "/tmp/was_run")
    equal((done.returncode, done.stderr),
          (125, "taskmon: sampling is stopped, so nothing would be recorded: run `taskmon start`\n"),
          "while sampling is stopped, status 125")
    write("start")
    # The shell follows itself, and what it starts.
    done = subprocess.run(["sh", "-c", f"echo tree:$$ > /sys/kernel/taskmonitor; {TASKMON} record -o {OUT} -- "
                           "touch /tmp/was_run; code=$?; echo -tree:$$ > /sys/kernel/taskmonitor; exit $code"],
                          capture_output=True, text=True, check=False)
    ok(done.returncode == 125 and done.stderr.startswith("taskmon: touch is already watched, because the module follows"),
       "in a tree that is followed already it says so", done)
    ok(not os.path.exists("/tmp/was_run"), "the command is not run")
    equal(statistics()["targets"], 0, "and nothing is watched")


def no_room_for_it():
    """What was recorded is not lost where it cannot be written."""
    done = taskmon("record", "-o", "/dev/full", "--", "true")
    told = re.fullmatch(r"taskmon: /dev/full: .*; the recording is kept in (/tmp/\S+\.out)\n", done.stderr)
    ok(done.returncode == 125 and told, "a full disk: it says where the recording is", done)
    ok(told and recorded(told[1])[-1].exit, "which is whole")
    equal(statistics()["targets"], 0, "and nothing is watched")
    done = taskmon("record", "-o", OUT, "--", "sh", "-c", "/bin/true; /bin/true; :",
                   env={**os.environ, "TMPDIR": "/no/such"})
    told = re.search(r"`taskmon export` reads them, `taskmon (remove --tree \d+)` frees them\n$", done.stderr)
    ok(done.returncode == 125 and told and done.stderr.count("\n") == 1,
       "no room for a copy either: it says where the samples are", done)
    ok(samples()[-1].exit and statistics()["targets"] == 3, "in the module", (samples(), statistics()))
    taskmon(*told[1].split())
    equal(statistics()["targets"], 0, "until they are removed, as it says")


def among_many():
    """More have ended than the short file has lines for: the end is found all the same, and at once."""
    def time_taken():
        begun = time.monotonic()
        _, summary = record("--", "/bin/true")
        equal((summary["processes"], summary["is_complete"]), (1, True), "one more is recorded to its end")
        return time.monotonic() - begun

    among_few = [time_taken() for _ in range(3)]
    shell = subprocess.Popen(["sh", "-c", "read go; for i in $(seq 100); do /bin/true; done; :"],
                             stdin=subprocess.PIPE)
    write(f"tree:{shell.pid}")
    shell.communicate(b"go\n")
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= 101), "a hundred have ended")
    took = [time_taken() for _ in range(3)]
    # It would wait for five seconds.
    ok(min(took) < min(among_few) + 4, "without waiting for long", (among_few, took))
    write(f"-tree:{shell.pid}")


def module_as_it_was():
    with process() as other:
        write(other)
        ok(wait_until(lambda: samples(pid=other)), "another task is watched")
        before = {each for each in samples(pid=other)}
        record("-p", 3, "--", "sh", "-c", "sleep 0.05 & wait")
        equal(dict(remarks(OUT))["period_ms"], "3", "recorded with its own period")
        equal(parameter("period_ms"), PERIOD_MS, "afterwards the period is as it was")
        equal(statistics()["targets"], 1, "and what is watched")
        ok(before <= set(samples(pid=other)), "the other task's samples are all there")
        ok(other not in {each.pid for each in recorded(OUT)}, "and not in the recording")
        write(f"-{other}")


def one_period_at_a_time():
    with program(TASKMON, "record", "-p", "5", "-o", "/tmp/long", "--", "sleep", "1000",
                 stderr=subprocess.DEVNULL) as long:
        ok(wait_until(lambda: statistics()["targets"] == 1 and parameter("period_ms") == 5), "one has its period")
        done = taskmon("record", "-p", "3", "-o", OUT, "--", "touch", "/tmp/was_run")
        ok(done.returncode == 125 and done.stderr.startswith("taskmon: another `taskmon record --period` is running"),
           "meanwhile nobody else can have another", done)
        ok(not os.path.exists("/tmp/was_run"), "and the command is not run")
        record("--", "true")
        equal(parameter("period_ms"), 5, "one that takes it as it is leaves it so")
        set_parameter("period_ms", 7)
        long.terminate()
        long.wait()
    equal(parameter("period_ms"), 7, "what was set by hand meanwhile stays")
    set_parameter("period_ms", 200)
    record("-p", "5", "--", "true")
    record("--", "true")
    equal(parameter("period_ms"), 200, "a longer one is put back too")
    set_parameter("period_ms", PERIOD_MS)


def several_at_once():
    """They end together, once the pipe that is the input of all is closed."""
    files = [f"/tmp/{number}" for number in range(4)]
    script = "for i in 1 2 3 4 5; do sleep 0.03; done; read go"
    held, go = os.pipe()
    recorders = [subprocess.Popen([TASKMON, "record", "-o", file, "--", "sh", "-c", script],
                                  stdin=held, stderr=subprocess.DEVNULL) for file in files]
    os.close(held)
    ok(wait_until(lambda: statistics()["targets"] == 6 * len(files)), "several commands are recorded at once")
    time.sleep(0.5)
    os.close(go)
    # `read` fails at the end of what it reads.
    equal([each.wait() for each in recorders], [1] * len(files), "and end at once")
    pids = [{each.pid for each in recorded(file)} for file in files]
    equal((list(map(len, pids)), len(set.union(*pids))), ([6] * len(files), 6 * len(files)),
          "each recording has its own family only")


def interrupted():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        with program(TASKMON, "record", "-o", OUT, "--", "sleep", "1000",
                     stderr=subprocess.DEVNULL) as taskmon_process:
            ok(wait_until(lambda: statistics()["targets"] == 1), "a command runs")
            passes = statistics()["passes"]
            wait_until(lambda: statistics()["passes"] > passes + 3)
            taskmon_process.send_signal(number)
            equal(taskmon_process.wait(), 128 + number, f"{number.name} is passed on to it")
        history = recorded(OUT)
        ok(len(history) > 3 and history[-1].exit, "what was recorded is written, to the end")
    early = subprocess.Popen([TASKMON, "record", "-o", OUT, "--", "sleep", "1000"],
                             stderr=subprocess.DEVNULL)
    # It catches signals before it starts the command.
    wait_until(lambda: int(re.search(r"SigCgt:\s*(\w+)", text_of(f"/proc/{early.pid}/status"))[1], 16)
               & 1 << signal.SIGTERM - 1)
    early.terminate()
    equal(early.wait(), 128 + signal.SIGTERM, "a signal that comes early is not lost")
    done, summary = record("--", "sh", "-c", "exit 5",
                           preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    equal((done.returncode, summary["status"]), (5, 5), "it does not matter that SIGCHLD was ignored")
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(TASKMON, [TASKMON, "record", "-o", OUT, "--", "sleep", "1000"])
    ok(wait_until(lambda: statistics()["targets"] == 1), "a command runs on a terminal")
    # Only once it sleeps has it left the shell of its start behind.
    time.sleep(0.2)
    os.write(fd, b"\x03")
    text = b""
    try:
        while data := os.read(fd, 4096):
            text += data
    except OSError:
        pass
    os.close(fd)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 128 + signal.SIGINT, "Ctrl-C ends it")
    ok(recorded(OUT)[-1].exit, "what was recorded is written")
    ok("ended by signal 2" in text.decode(), "and summed up", text.decode())
    equal(statistics()["targets"], 0, "nothing is watched any more")


def agrees_with_rusage():
    """The parent of taskmon is told by wait4() of both: no less than the recording says."""
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 2)
        os.execv(TASKMON, [TASKMON, "record", "-o", OUT, "--", sys.executable, "-c",
                           "import time\nwhile time.process_time() < 0.5: pass"])
    used = os.wait4(pid, 0)[2]
    last = recorded(OUT)[-1]
    both = microseconds(used.ru_utime) + microseconds(used.ru_stime)
    note(f"{last.usr + last.sys} us recorded, {both} with taskmon's own")
    ok(last.usr + last.sys >= 500_000, "a command that takes half a second is recorded to take it")
    ok(last.usr + last.sys <= both + ROUNDING_US, "and no more than wait4() says")


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (several_at_once, totals_are_exact, ends, streams, family, what_makes_room,
                     cannot_be_watched, no_room_for_it, module_as_it_was, one_period_at_a_time, among_many, interrupted,
                     agrees_with_rusage):
            test()
        equal(statistics()["targets"], 0, "in the end nothing is watched")


run(main)
