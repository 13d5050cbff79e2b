#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# taskmon's commands for the control words, by number and by name; what it says when something is
# missing; what it does to pipes and terminals.
#
# kernels: uml
# needs: taskmon

import contextlib
import ctypes
import ctypes.util
import json
import os
import re
import shutil
import signal
import subprocess
import time

from lib.clone import free_pid
from lib.module import DEBUGFS, loaded, statistics, write
from lib.proc import stat
from lib.processes import child, process, program, wait_until
from lib.results import equal, note, ok, run
from lib.run_as import in_user_namespace
from lib.samples import samples
from lib.taskmon import TASKMON, complaint, on_terminal, taskmon

NAME = "watch-me"
LONG_NAME = "a-name-that-the-kernel-cuts"

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def sleepers(name, count):
    """Processes of that name."""
    path = f"/tmp/{name}"
    shutil.copy("/bin/sleep", path)
    started = [subprocess.Popen([path, "1000"]) for _ in range(count)]
    try:
        # Until exec has given them the name.
        wait_until(lambda: all(os.readlink(f"/proc/{each.pid}/exe") == path for each in started))
        yield sorted(each.pid for each in started)
    finally:
        for each in started:
            each.kill()
            each.wait()


def watched():
    done = taskmon("list", "--json")
    return [row["pid"] for row in json.loads(done.stdout)]


def sampled(count):
    wait_until(lambda: len({each.pid for each in samples()}) == count)


def by_number():
    with process() as one, process() as two:
        equal(taskmon("add", one, two).returncode, 0, "add takes numbers")
        sampled(2)
        equal(watched(), [one, two], "list names them in the order in which they were added")
        gone = free_pid()
        done = taskmon("add", one, gone, 0, "nobody-has-this-name")
        equal(complaint(done),
              f"taskmon: {one} is already watched; {gone}: no such task; 0 is not a valid PID or thread ID; "
              "no process is named nobody-has-this-name", "each that cannot be added is named")
        equal(taskmon("remove", one).returncode, 0, "remove takes a number")
        equal(complaint(taskmon("remove", one)), f"taskmon: {one} is not watched", "but not twice")
        equal(watched(), [two], "the other stays")
        equal(taskmon("remove", "--all").returncode, 0, "remove --all")
        equal(watched(), [], "leaves none")


def by_name():
    with sleepers(NAME, 3) as pids, sleepers(LONG_NAME, 1) as long:
        equal(taskmon("add", NAME).returncode, 0, "add takes a name")
        sampled(3)
        equal(watched(), pids, "and watches all processes of that name")
        equal(complaint(taskmon("add", NAME)),
              f"taskmon: all processes named {NAME} are already watched", "only once")
        equal(taskmon("add", LONG_NAME).returncode, 0, "a name that the kernel has cut is found whole")
        sampled(4)
        equal(watched(), pids + long, "by its program's file")
        rows = json.loads(taskmon("list", "--json").stdout)
        equal([row["command"] for row in rows], [NAME] * 3 + [LONG_NAME[:15]], "list says the names")
        equal({row["state"] for row in rows}, {stat(long[0]).state}, "and states")
        equal(taskmon("remove", NAME).returncode, 0, "remove takes a name")
        equal(watched(), long, "and leaves others")
        taskmon("remove", LONG_NAME)


def scripts_by_name():
    """The kernel has the name of the script, cut; its command line begins with the interpreter."""
    path = f"/tmp/{LONG_NAME}"
    for head in ("#!/bin/sh", "#!/bin/sh -e"):
        with open(path, "w", encoding="ascii") as script:
            script.write(f"{head}\nread forever\n")
        os.chmod(path, 0o755)
        with program(path, stdin=subprocess.PIPE) as started:
            wait_until(lambda pid=started.pid: LONG_NAME.encode() in read_bytes(f"/proc/{pid}/cmdline"))
            equal(taskmon("add", LONG_NAME).returncode, 0, f"{head}: a script is found by its long name")
            sampled(1)
            equal(watched(), [started.pid], f"{head}: and no other process")
            taskmon("remove", LONG_NAME)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def trees_and_ends():
    with process() as idle:
        pid = child(lambda: (os.read(begin[0], 1), os.waitpid(child(lambda: None), 0)))
        equal(taskmon("add", "--tree", pid).returncode, 0, "add --tree")
        taskmon("add", idle)
        os.write(begin[1], b"x")
        os.waitpid(pid, 0)
        ok(wait_until(lambda: sum(each.exit for each in samples()) == 2), "two are followed to their end")
        equal(len(watched()), 3, "and stay listed")
        equal(taskmon("remove", "--ended").returncode, 0, "remove --ended")
        equal(watched(), [idle], "leaves those that live")
        taskmon("remove", "--all")


begin = os.pipe()


def pauses():
    with process() as pid:
        write(pid)
        equal(taskmon("stop").returncode, 0, "stop")
        passes = statistics()["passes"]
        equal(taskmon("start").returncode, 0, "start")
        ok(wait_until(lambda: statistics()["passes"] > passes), "samples come again")
        taskmon("stop")
        equal(taskmon("clear").returncode, 0, "clear")
        equal((statistics()["alive"], statistics()["targets"]), (0, 1), "frees the samples")
        told = json.loads(taskmon("stats", "--json").stdout)
        equal(told, statistics(), "stats --json is what the file says")
        told = dict(line.split()[:2] for line in taskmon("stats").stdout.splitlines())
        equal({name: int(value) for name, value in told.items()}, statistics(), "and so is stats")
        write(f"start -{pid}")


def without_samples():
    """A task of which nothing is kept stands in no file."""
    with process() as seen, process() as unseen:
        write(seen)
        sampled(1)
        write(f"stop {unseen}")
        done = taskmon("list")
        equal((watched(), done.stderr), ([seen], "taskmon: 1 more watched task has no samples\n"),
              "list says that there is another one")
        ok(complaint(taskmon("remove", "--all")).startswith("taskmon: watched tasks without samples remain: 1;"),
           "remove --all says that it stays")
        equal((watched(), statistics()["targets"]), ([], 1), "the others go")
        equal(taskmon("remove", unseen).returncode, 0, "by its number it can be removed")
        equal((taskmon("remove", "--all").returncode, taskmon("list").stderr), (0, ""), "then there is none")
        write("start")


def wrong_usage():
    for words in (["add"], ["remove"], ["plot"], ["export"], ["record"], ["nonsense"], ["top", "-d", "0"],
                  ["record", "-p", "0", "--", "true"], ["list", "x"], ["remove", "--all", "1"]):
        done = taskmon(*words)
        ok(done.returncode == 2 and done.stdout == "" and "rror: " in done.stderr,
           f"taskmon {' '.join(words)}: status 2 and why", done)
    ok("taskmon record" in taskmon("record", "--help").stdout, "--help says how it is meant")
    ok(re.fullmatch(r"taskmon \d+\.\d+\.\d+\n", taskmon("--version").stdout), "--version")


READING = (["list"], ["stats"], ["export", "-f", "csv"], ["plot", "-o", "/tmp/x.svg"])
WRITING = (["add", "1"], ["remove", "1"], ["start"], ["stop"], ["clear"])


def each_says(wanted, all_words, name):
    for words in all_words:
        equal(complaint(taskmon(*words)), f"taskmon: {wanted}", f"{name}: {' '.join(words)}")


def without_module():
    each_says("the module is not loaded: run `modprobe taskmonitor`", READING + WRITING, "not loaded")
    done = taskmon("record", "--", "true")
    equal((done.returncode, done.stderr),
          (125, "taskmon: the module is not loaded: run `modprobe taskmonitor`\n"), "record: status 125")


def without_rights():
    # Where everybody can get at it.
    program_for_all = shutil.copy(TASKMON, "/tmp/taskmon")

    def as_nobody(words):
        return subprocess.run([program_for_all, *words], user=65534, group=65534, extra_groups=[],
                              capture_output=True, text=True, check=False)
    for words in READING + WRITING:
        done = complaint(as_nobody(words))
        ok(isinstance(done, str) and "run taskmon with sudo or as root" in done,
           f"not root: {' '.join(words)}", done)
        done = in_user_namespace(lambda words=words: complaint(taskmon(*words)), 0)
        ok(isinstance(done, str) and "not permitted, even for root" in done,
           f"root of a user namespace: {' '.join(words)}", done)


def without_debugfs():
    if _libc.umount(b"/sys/kernel/debug") < 0:
        raise OSError(ctypes.get_errno(), "umount")
    try:
        each_says("debugfs is not mounted: run `mount -t debugfs none /sys/kernel/debug`", READING,
                  "no debugfs")
        with process() as pid:
            equal(taskmon("add", pid).returncode, 0, "add works without it")
            equal(taskmon("remove", pid).returncode, 0, "and so does remove")
    finally:
        subprocess.run(["mount", "-t", "debugfs", "none", "/sys/kernel/debug"], check=True)
    ok(os.path.exists(DEBUGFS), "debugfs is back")


def pipes_and_terminals():
    with process() as pid:
        write(pid)
        ok(wait_until(lambda: statistics()["alive"] > 5), "there are samples")
        for words in ("export -f csv", "export -f json", "export -f perfetto", "export -f openmetrics",
                      "list", "list --json", "stats"):
            done = subprocess.run(["bash", "-c", f"{TASKMON} {words} | true; echo ${{PIPESTATUS[0]}}"],
                                  capture_output=True, text=True, check=False)
            equal((done.stdout, done.stderr), ("0\n", ""), f"{words}: a closed pipe is no error")
        done = subprocess.run(["bash", "-c", f"{TASKMON} add 0 2>&1 | true; echo ${{PIPESTATUS[0]}}"],
                              capture_output=True, text=True, check=False)
        equal(done.stdout, "1\n", "a complaint that nobody reads is no panic")
        full = os.open("/dev/full", os.O_WRONLY)
        done = taskmon("export", "-f", "csv", stdout=full)
        os.close(full)
        ok(done.returncode == 1 and done.stderr.count("\n") == 1, "a full disk is one", done)
        equal("\x1b[" in taskmon("list").stdout, False, "no colours in a pipe")
        plain = {**os.environ, "TERM": "xterm"}
        plain.pop("NO_COLOR", None)
        equal("\x1b[" in on_terminal(["list"], environment=plain)[1], True, "some on a terminal")
        equal("\x1b[" in on_terminal(["list"], environment={"NO_COLOR": "1"})[1], False, "none with NO_COLOR")
        device = os.stat("/dev/null")
        equal(taskmon("export", "-f", "csv", "-o", "/dev/null").returncode, 0, "-o /dev/null")
        equal(os.stat("/dev/null").st_rdev, device.st_rdev, "leaves it what it is")
        note(taskmon("list").stdout)
        write(f"-{pid}")


def leaves_nothing():
    """However it ends in the middle: it waits for more of what it reads, with files of its own open."""
    os.mkdir("/tmp/spools")
    os.mkdir("/tmp/outputs")
    os.mkfifo("/tmp/unending")
    for words in (["export", "-f", "csv", "-o", "/tmp/outputs/x.csv"], ["plot", "-o", "/tmp/outputs/x.svg"]):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen([TASKMON, *words, "/tmp/unending"],
                                  env={**os.environ, "TMPDIR": "/tmp/spools"}) as reader:
                with open("/tmp/unending", "w", encoding="ascii") as unending:
                    unending.write("pid:1 num:0 : usr 1 sys 2 time 3\n" * 9)
                    unending.flush()
                    time.sleep(0.2)
                    reader.send_signal(number)
                    equal(reader.wait(), -number, f"{words[0]} ends by {number.name}")
            equal(os.listdir("/tmp/outputs") + os.listdir("/tmp/spools"), [], "and leaves nothing behind")


RECORDING = """# taskmon 1
# period_ms 1
# command the title
# task 7 one
pid:7 num:0 : usr 0 sys 0 time 1000
pid:7 num:1 : usr 500 sys 0 time 2000
# task 8 other
pid:8 num:0 : usr 0 sys 0 time 3000
pid:8 num:1 : usr 500 sys 0 time 4000 exit
"""


def drawn_from_a_pipe():
    """Reading twice is what a picture takes; a pipe can be read once."""
    with open("/tmp/recording", "w", encoding="ascii") as file:
        file.write(RECORDING)
    pictures = []
    for what, text in (("/tmp/recording", None), ("/dev/stdin", RECORDING)):
        done = subprocess.run([TASKMON, "plot", "-o", "/tmp/x.svg", what], input=text, capture_output=True,
                              text=True, check=False)
        equal((done.returncode, done.stderr), (0, ""), f"plot {what}")
        with open("/tmp/x.svg", encoding="utf-8") as file:
            pictures.append(file.read())
    ok("the title" in pictures[0] and "other (8)" in pictures[0], "a picture is drawn of it")
    ok(pictures[0] == pictures[1], "and the same one of a pipe")


def main():
    without_module()
    wrong_usage()
    leaves_nothing()
    drawn_from_a_pipe()
    with loaded(period_ms=20):
        for test in (by_number, by_name, scripts_by_name, trees_and_ends, pauses, without_samples,
                     without_rights, without_debugfs, pipes_and_terminals):
            test()


run(main)
