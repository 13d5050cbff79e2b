#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon record: a command and all its descendants are recorded from start to end, and their totals are those of
# wait4(). Other tasks, the period and other recordings are not affected.
#
# kernels: uml x86_64 debian
# needs: taskmon

import os
import subprocess
import sys
import time

from lib.module import loaded, parameter, statistics, write
from lib.proc import boottime_us, microseconds, text_of
from lib.processes import process, wait_until
from lib.results import equal, note, ok, run
from lib.samples import problems, samples
from lib.taskmon import OUT, PERIOD_MS, TASKMON, names, record, recorded, remarks, tasks

ROUNDING_US = 2

# A parent that runs children of different kinds, and writes what wait4() reports of each.
PARENT = """
import os, signal, threading, time
from lib.system_calls import exit_thread

def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

def many_threads():
    threads = [threading.Thread(target=burn, args=(0.01,)) for _ in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

def leader_exits_first():
    threading.Thread(target=burn, args=(0.05,)).start()
    exit_thread()

kinds = [
    lambda: None,
    lambda: burn(0.03),
    lambda: os._exit(3),
    lambda: os.execvp("true", ["true"]),
    lambda: (burn(0.01), os.kill(os.getpid(), signal.SIGKILL)),
    many_threads,
    leader_exits_first,
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


def totals_are_exact():
    report = "/tmp/report"
    done, summary = record("-i", 5, "--", sys.executable, "-c", PARENT % report)
    equal((done.returncode, done.stderr), (0, ""), "a command with children of different kinds is recorded")
    history = recorded(OUT)
    equal(problems(sorted(history)), [], "each history is in order")
    last = {each.pid: each for each in history}
    used = [tuple(map(int, line.split())) for line in open(report, encoding="ascii")]
    equal(len(used), 21, "their parent has waited for all of them")
    wrong = [(pid, last.get(pid), usr, sys_) for pid, usr, sys_ in used
             if pid not in last or not last[pid].exit
             or abs(last[pid].usr - usr) > ROUNDING_US or abs(last[pid].sys - sys_) > ROUNDING_US]
    equal(wrong, [], "exit samples have the totals of wait4()")
    first = {each.pid: each.num for each in reversed(history)}
    equal(set(first.values()), {0}, "each process has sample 0")
    equal((summary["usr_us"], summary["sys_us"]),
          (sum(each.usr for each in last.values()), sum(each.sys for each in last.values())),
          "the summary has the sum of all processes")
    equal((summary["processes"], summary["running"], summary["lost"]), (len(last), 0, 0),
          "the summary counts all processes")
    cost = [each["usr_us"] + each["sys_us"] for each in summary["costliest"]]
    equal((len(cost), cost), (10, sorted(cost, reverse=True)),
          "it lists the ten processes with the most CPU time, in order")
    equal(cost[0], max(each.usr + each.sys for each in last.values()), "the first has the most CPU time of all")
    spent = summary["usr_us"] + summary["sys_us"]
    ok(abs(summary["mean_share"] - spent / summary["wall_us"]) < 1e-6, "the mean share is CPU time / wall time")
    ok(0 < summary["mean_share"] <= summary["peak_share"] * 1.05 + 0.01, "the peak share is above the mean",
       summary)
    ok("true" in names(OUT).values(), "a process that ended at once has its name", names(OUT))


def descendants():
    script = "(sleep 0.01; sleep 0.02) & sh -c 'true; true' & wait"
    record("--", "sh", "-c", script)
    whole = names(OUT)
    ok(sum(name == "sleep" for name in whole.values()) >= 2, "grandchildren are recorded", whole)
    record("--alone", "--", "sh", "-c", script)
    equal((len(names(OUT)), len({each.pid for each in recorded(OUT)})), (1, 1),
          "--alone: only the command is recorded")
    keywords = [keyword for keyword, _ in remarks(OUT)]
    equal(keywords[:8], ["taskmon", "host", "kernel", "cpus", "boot_id", "period_ms", "clock", "command"],
          "a recording begins with what it is")
    said, machine = dict(remarks(OUT)[:8]), os.uname()
    equal((said["taskmon"], said["host"], said["kernel"], said["cpus"], said["boot_id"]),
          ("3", machine.nodename, machine.release, str(os.cpu_count()),
           text_of("/proc/sys/kernel/random/boot_id").strip()), "it says on which machine it was made")
    boot, unix = map(int, said["clock"].split())
    offset = time.time_ns() // 1000 - boottime_us()
    ok(abs(unix - boot - offset) < 1_000_000, "it says which wall-clock time a time since boot is", (unix - boot, offset))
    ok(boot <= recorded(OUT)[0].time, "at a moment before the first sample")


def many_ended_targets():
    """More targets have ended than the sysfs file has lines for. taskmon still notices the command's end at
    once."""
    def time_taken():
        begin = time.monotonic()
        _, summary = record("--", "/bin/true")
        equal((summary["processes"], summary["is_complete"]), (1, True), "one more is recorded to its end")
        return time.monotonic() - begin

    without_others = [time_taken() for _ in range(3)]
    shell = subprocess.Popen(["sh", "-c", "read go; for i in $(seq 100); do /bin/true; done; :"],
                             stdin=subprocess.PIPE)
    write(f"tree:{shell.pid}")
    shell.communicate(b"go\n")
    ok(wait_until(lambda: sum(each.exit for each in samples()) >= 101), "a hundred targets have ended")
    took = [time_taken() for _ in range(3)]
    # If taskmon did not notice the end, it would wait for five seconds.
    ok(min(took) < min(without_others) + 4, "beside them, taskmon record ends as soon", (without_others, took))
    write(f"-tree:{shell.pid}")


def module_as_it_was():
    with process() as other:
        write(other)
        ok(wait_until(lambda: samples(pid=other)), "another task is watched")
        before = {each for each in samples(pid=other)}
        record("-i", 3, "--", "sh", "-c", "sleep 0.05 & wait")
        equal(dict(remarks(OUT))["period_ms"], "3", "a recording with an interval of its own")
        equal(parameter("period_ms"), PERIOD_MS, "afterwards the period is the old one")
        equal(statistics()["targets"], 1, "afterwards the other task is the only target")
        ok(before <= set(samples(pid=other)), "the other task has kept its samples")
        ok(other not in {each.pid for each in recorded(OUT)}, "the other task is not in the recording")
        write(f"-{other}")


def several_at_once():
    """Several recordings end at the same time, when the pipe that all commands read is closed."""
    files = [f"/tmp/{number}" for number in range(4)]
    script = "for i in 1 2 3 4 5; do sleep 0.03; done; read go"
    held, go = os.pipe()
    recorders = [subprocess.Popen([TASKMON, "record", "-o", file, "--", "sh", "-c", script],
                                  stdin=held, stderr=subprocess.DEVNULL) for file in files]
    os.close(held)
    ok(wait_until(lambda: all(os.path.exists(file) and len(tasks(file)) == 6 for file in files)),
       "several commands are recorded at the same time")
    os.close(go)
    # `read` of the shell gives status 1 at the end of its input.
    equal([each.wait() for each in recorders], [1] * len(files), "all commands and recordings end")
    pids = [{each.pid for each in recorded(file)} for file in files]
    equal((list(map(len, pids)), len(set.union(*pids))), ([6] * len(files), 6 * len(files)),
          "each recording has only the processes of its command")


def agrees_with_rusage():
    """wait4() reports the CPU time of taskmon and the command together: at least that of the recording."""
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 2)
        os.execv(TASKMON, [TASKMON, "record", "-o", OUT, "--", sys.executable, "-c",
                           "import time\nwhile time.process_time() < 0.5: pass"])
    used = os.wait4(pid, 0)[2]
    last = recorded(OUT)[-1]
    both = microseconds(used.ru_utime) + microseconds(used.ru_stime)
    note(f"{last.usr + last.sys} us recorded, {both} including taskmon's own")
    ok(last.usr + last.sys >= 500_000, "a command that uses half a second: the recording shows it")
    ok(last.usr + last.sys <= both + ROUNDING_US, "the recording shows no more than wait4() reports")


def main():
    with loaded(period_ms=PERIOD_MS):
        for test in (several_at_once, totals_are_exact, descendants, module_as_it_was, many_ended_targets,
                     agrees_with_rusage):
            test()
        equal(statistics()["targets"], 0, "at the end no task is watched")


run(main)
