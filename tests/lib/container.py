# SPDX-License-Identifier: GPL-2.0
"""A container: processes with PID, mount and cgroup namespaces, /proc, /sys and a cgroup of their own."""

import ast
import contextlib
import os
import signal
import subprocess
import traceback

from lib.processes import child
from lib.run_as import CLONE_NEWCGROUP, CLONE_NEWNS, CLONE_NEWPID, unshare

CGROUP = "/sys/fs/cgroup/container"


class Container:
    """`init` is the PID of its first process, as numbered outside; `parent` that of the process that has
    forked it."""

    def __init__(self, parent, init, questions, answers):
        self.parent, self.init, self._questions, self._answers = parent, init, questions, answers

    def ask(self, name):
        """The result of the function of that name, called by the first process."""
        self._questions.write(f"{name}\n")
        self._questions.flush()
        return ast.literal_eval(self._answers.readline())


def _mount():
    subprocess.run(("mount", "--make-rprivate", "/"), check=True)
    # The same file system cannot be mounted there twice.
    subprocess.run(("umount", "--lazy", "/sys"), check=True)
    for kind, folder in (("proc", "/proc"), ("sysfs", "/sys"), ("debugfs", "/sys/kernel/debug"),
                         ("cgroup2", "/sys/fs/cgroup")):
        subprocess.run(("mount", "-t", kind, kind, folder), check=True)


def _run_init(functions, questions, answers):
    _mount()
    by_name = {function.__name__: function for function in functions}
    # Not by lines that are read ahead: a child would have them, too.
    for line in iter(questions.readline, ""):
        try:
            answer = repr(by_name[line.strip()]())
        except BaseException:  # the answer is not a literal, which the one who asks reports
            answer = repr(traceback.format_exc())
        print(answer, file=answers, flush=True)


@contextlib.contextmanager
def container(*functions):
    """A container for the length of the block. Its first process calls the functions when it is asked."""
    (ask_end, ask), (answer_end, answer), (pid_end, pid) = os.pipe(), os.pipe(), os.pipe()
    os.mkdir(CGROUP)

    def runtime():
        with open(f"{CGROUP}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWCGROUP)
        os.close(ask)
        init = child(_run_init, functions, os.fdopen(ask_end), os.fdopen(answer, "w"))
        os.write(pid, f"{init}\n".encode())
        os.waitpid(init, 0)

    parent = child(runtime)
    os.close(ask_end)
    os.close(answer)
    with os.fdopen(pid_end) as line, os.fdopen(ask, "w") as questions, os.fdopen(answer_end) as answers:
        init = int(line.readline())
        os.close(pid)
        try:
            yield Container(parent, init, questions, answers)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(init, signal.SIGKILL)
            os.waitpid(parent, 0)
            os.rmdir(CGROUP)
