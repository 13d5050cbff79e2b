#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The completions of bash, zsh and fish: subcommands, commands after `record`, PIDs, names, units and cgroups.
#
# kernels: uml
# needs: taskmon

import os
import shutil
import subprocess

from lib.module import loaded, write
from lib.processes import child, kill, process, sleep_as, wait_until
from lib.results import equal, need, ok, run
from lib.taskmon import TASKMON, Screen, taskmon

FOLDER = "/tmp/completions"
NAME = "Complete-me"
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
# Sets what bash sets for a completion function, calls it, and prints what it found.
BASH = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_taskmon taskmon "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
os.environ["PATH"] = f"{os.path.dirname(TASKMON)}:{os.environ['PATH']}"


def bash(*words, before=""):
    """What bash completes the last of the words to."""
    done = subprocess.run(["bash", "--norc", "-c", before + BASH, "bash", f"{FOLDER}/taskmon", "taskmon",
                           *map(str, words)], capture_output=True, text=True, check=False, cwd=FOLDER)
    return done.stdout.split("\n")[:-1]


def fish(line):
    """What fish completes the line to, without descriptions."""
    done = subprocess.run(["fish", "--no-config", "-c", f"source {FOLDER}/taskmon.fish; complete -C '{line}'"],
                          capture_output=True, text=True, check=False, cwd=FOLDER)
    return [each.split("\t")[0] for each in done.stdout.splitlines()]


def in_bash():
    equal(bash("re"), ["record", "report", "remove"], "bash completes subcommands")
    equal(bash("c"), ["clear"], "bash does not complete hidden subcommands")
    for words in (("record",), ("record", "--"), ("record", "-o", "f", "--json"), ("record", "--output", "=", "f"),
                  ("record", "-i", "10ms", "--")):
        ok("sleep" in bash(*words, "slee"), f"bash completes a command after {' '.join(words)}", bash(*words, "slee"))
    ok("sleep" not in bash("record", "-o", "slee"), "bash completes no command as the value of an option")
    ok("--output" in bash("record", "--"), "bash completes options of record")
    known = "_command_offset() { COMPREPLY=(\"from $1\"); }\n"
    equal(bash("record", "-o", "f", "make", "-", before=known), ["from 4"],
          "bash-completion completes the arguments of the command")
    with process(lambda: sleep_as(NAME.encode())) as pid, process() as other:
        wait_until(lambda: NAME in taskmon("candidates", "names").stdout.split("\n"))
        for words in (("add",), ("add", "--name"), ("record", "--name"), ("add", "--name", "="), ("remove", "--name")):
            write(pid)
            equal(bash(*words, NAME[:6]), [NAME], f"bash completes a name after {' '.join(words)}")
            write(f"-{pid}")
        ok(str(pid) in bash("add", "-p", str(pid)[:-1]), "bash completes a PID")
        ok(f"{other},{pid}" in bash("record", "--pid", f"{other},{str(pid)[:-1]}"), "bash completes a PID of a list")
        write(pid)
        equal(bash("remove", ""), [NAME], "bash completes the names of watched tasks")
        equal(bash("remove", "-p", ""), [str(pid)], "bash completes the PIDs of watched tasks")
        ok(bash("remove", "--id", "")[0].isdigit(), "bash completes ids of watched tasks")
        write(f"-{pid}")


def units_and_cgroups():
    folders = [f"/sys/fs/cgroup/{path}" for path in
               ("system.slice", "system.slice/completed.service", "system.slice/_cpu.service")]
    for folder in folders:
        os.mkdir(folder)
    try:
        equal(bash("add", "--unit", "comp"), ["completed.service"], "bash completes units")
        equal(bash("add", "--unit", "cpu"), ["cpu.service"], "bash completes a unit as systemd names it")
        equal(bash("add", "--cgroup", "sys"), ["system.slice"], "bash completes cgroups")
        equal(bash("record", "--cgroup", "system.slice/com"), ["system.slice/completed.service"],
              "bash completes cgroups below")
        equal(bash("add", "--cgroup", "/sys/fs/cgroup/sys"), ["/sys/fs/cgroup/system.slice"],
              "bash completes the folders of cgroups")
    finally:
        for folder in reversed(folders):
            os.rmdir(folder)


def with_bash_completion():
    need(os.path.exists(BASH_COMPLETION), "no bash-completion")
    ok("sleep" in bash("record", "-o", "f", "slee", before=f". {BASH_COMPLETION}\n"),
       "with bash-completion, bash completes the command")


def in_fish():
    need(shutil.which("fish"), "no fish")
    ok({"record", "remove", "report"} <= set(fish("taskmon re")), "fish completes subcommands")
    for words in ("record", "record --", "record -o f --json", "record -i 10ms --"):
        ok("sleep" in fish(f"taskmon {words} slee"), f"fish completes a command after {words}",
           fish(f"taskmon {words} slee"))
    pid = child(sleep_as, NAME.encode())
    try:
        wait_until(lambda: NAME in fish("taskmon add Compl"))
        equal(fish("taskmon add --name Compl"), [NAME], "fish completes a name")
        ok(f"1,{pid}" in fish(f"taskmon record -p 1,{str(pid)[:-1]}"), "fish completes a PID of a list")
    finally:
        kill(pid)


def in_zsh():
    need(shutil.which("zsh"), "no zsh")
    screen = Screen(100, 40)
    screen.run("zsh -f")
    screen.run(f"cd {FOLDER}; fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -u -D; PS1='ready> '")
    ok(screen.until("^ready> $|^ready>$"), "zsh has started", screen.lines())
    pid = child(sleep_as, NAME.encode())
    try:
        for typed, expected in (("record slee", "record sleep"), ("record -o f -- slee", "record -o f -- sleep"),
                                ("add Compl", f"add {NAME}"), ("add --name Compl", f"add --name {NAME}"),
                                ("rem", "remove")):
            screen.type(f"taskmon {typed}")
            screen.press("Tab")
            ok(screen.until(f"^ready> taskmon {expected}"), f"zsh completes taskmon {typed}", screen.lines())
            screen.press("C-c")
    finally:
        kill(pid)
        screen.close()


def main():
    equal(taskmon("generate", "completions", FOLDER).returncode, 0, "the completions are generated")
    with loaded(period_ms=100):
        for part in (in_bash, units_and_cgroups):
            part()


run(main, with_bash_completion, in_fish, in_zsh)
