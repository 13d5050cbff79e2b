# SPDX-License-Identifier: GPL-2.0
"""Child processes, threads and programs that a test watches; waiting for a condition."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

from lib.results import need


def child(function, *arguments):
    """Forks a child that runs the function. The caller waits for it."""
    pid = os.fork()
    if pid == 0:
        try:
            function(*arguments)
        finally:
            os._exit(0)
    return pid


def kill(pid):
    """Kills a child and waits for it. It may have been waited for already."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextlib.contextmanager
def process(function=signal.pause):
    """A child that runs the function; it is killed and waited for at the end of the block."""
    pid = child(function)
    try:
        yield pid
    finally:
        kill(pid)


def sleep_as(name, told=None):
    """Gives this process that command name, which is any bytes, and never returns. Writes a byte to the descriptor
    `told` in between."""
    with open("/proc/self/comm", "wb") as file:
        file.write(name)
    if told is not None:
        os.write(told, b"x")
    signal.pause()


@contextlib.contextmanager
def program(*words, **options):
    """A program with its arguments; it is killed and waited for at the end of the block."""
    with subprocess.Popen(words, **options) as started:
        try:
            yield started
        finally:
            started.kill()


def compiled(name):
    """Builds programs/NAME.c. The path of the program."""
    source = os.path.join(os.path.dirname(os.path.realpath(__file__)), "programs", f"{name}.c")
    return compile_program(source, f"/tmp/{name}", "-O2", "-pthread")


def compile_program(source, path, *options):
    """Builds that program; returns its path."""
    need(shutil.which("gcc"), "no gcc in the machine")
    subprocess.run(["gcc", "-Wall", "-Wextra", *options, "-o", path, source], check=True)
    return path


@contextlib.contextmanager
def idle_threads(number):
    """That many sleeping threads of this process, for the length of the block; their thread IDs."""
    leave = threading.Event()
    threading.stack_size(64 * 1024)
    threads = [threading.Thread(target=leave.wait, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield [thread.native_id for thread in threads]
    finally:
        leave.set()


@contextlib.contextmanager
def idle_children(number):
    """A sleeping process with that many sleeping children, for the length of the block: (its PID, theirs)."""
    end, begin = os.pipe()

    def parent():
        pids = [child(signal.pause) for _ in range(number)]
        os.write(begin, (" ".join(map(str, pids)) + "\n").encode())
        signal.pause()

    with process(parent) as pid, os.fdopen(end) as pipe:
        os.close(begin)
        pids = [int(word) for word in pipe.readline().split()]
        try:
            yield pid, pids
        finally:
            for each in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)


def burn(seconds):
    """Uses that much CPU time of the process."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def burn_and_sleep():
    """Uses CPU time and sleeps by turns, and never returns."""
    while True:
        burn(0.02)
        time.sleep(0.02)


def consume_little(seconds=0.00001):
    """Uses that little CPU time about once in a millisecond, and never returns."""
    while True:
        burn(seconds)
        time.sleep(0.001)


def wait_until(condition, seconds=120):
    """Waits until the condition holds; whether it held in time.

    The limit is the sum of the sleeps, not the clock: the clock also advances while a busy host does
    not run the machine."""
    left = seconds
    begin = time.monotonic()
    while not condition():
        if left < 0:
            return False
        # At least as long as the check took, so that the process that is waited for gets a CPU.
        pause = max(0.01, time.monotonic() - begin)
        time.sleep(pause)
        # A check takes long only on a busy host.
        left -= min(pause, 1)
        begin = time.monotonic()
    return True
