# SPDX-License-Identifier: GPL-2.0
"""For tests in Python: results in KTAP, the module and its files, processes to watch.

A test file defines functions, gives each result by ok(), equal() or fails_with(), and
ends with `run(first, second, …)`. An exception that leaves a function is a failure.
"""

import contextlib
import ctypes
import errno
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import NamedTuple

SYSFS = "/sys/kernel/taskmonitor"
DEBUGFS = "/sys/kernel/debug/taskmonitor"
STATISTICS = "/sys/kernel/debug/taskmonitor_stats"
PARAMETERS = "/sys/module/taskmonitor/parameters"
SHRINKERS = "/sys/kernel/debug/shrinker"


# --- Results ----------------------------------------------------------------

class _Tally:
    given = 0
    failed = 0


def note(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def ok(condition, name, explanation=""):
    """One result; the explanation is shown when it is a bad one."""
    _Tally.given += 1
    if condition:
        print(f"ok {_Tally.given} - {name}", flush=True)
    else:
        _Tally.failed += 1
        print(f"not ok {_Tally.given} - {name}", flush=True)
        note(explanation)
    return bool(condition)


def equal(got, expected, name):
    return ok(got == expected, name, f"     got: {got!r}\nexpected: {expected!r}")


def fails_with(number, action, name):
    """The action raises OSError with this error number."""
    wanted = errno.errorcode[number]
    try:
        result = action()
    except OSError as error:
        got = errno.errorcode.get(error.errno, error.errno)
        return ok(error.errno == number, name, f"{got}, not {wanted}")
    return ok(False, name, f"no error but {result!r}, instead of {wanted}")


def skip(name, reason):
    _Tally.given += 1
    print(f"ok {_Tally.given} - {name} # SKIP {reason}", flush=True)


def run(*functions):
    """Runs the test's functions, prints the plan and ends the program."""
    print("KTAP version 1", flush=True)
    for function in functions:
        try:
            function()
        except Exception:  # whatever it is, the others still run
            ok(False, f"{function.__name__} runs to its end", traceback.format_exc())
    print(f"1..{_Tally.given}", flush=True)
    sys.exit(1 if _Tally.failed else 0)


# --- The module -------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_FINIT_MODULE, _DELETE_MODULE = 313, 176  # x86_64


def _system_call(number, *arguments):
    if _libc.syscall(number, *arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def load(path=None, **parameters):
    """insmod; raises OSError with the kernel's own error."""
    words = " ".join(f"{name}={value}" for name, value in parameters.items())
    with open(path or os.environ["TASKMONITOR_KO"], "rb") as module:
        _system_call(_FINIT_MODULE, module.fileno(), words.encode(), 0)


def unload():
    """rmmod; raises OSError (EWOULDBLOCK when it is in use)."""
    _system_call(_DELETE_MODULE, b"taskmonitor", os.O_NONBLOCK)


def is_loaded():
    return os.path.exists("/sys/module/taskmonitor")


def unload_unless_busy():
    """Whether it could be unloaded now: it cannot while somebody has a file in debugfs open."""
    try:
        unload()
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def loaded(**parameters):
    """The module, loaded for the length of a `with` block."""
    load(**parameters)
    try:
        yield
    finally:
        unload()


# --- Its files --------------------------------------------------------------

class Sample(NamedTuple):
    pid: int
    num: int
    usr: int
    sys: int
    time: int
    exit: bool


_LINE = re.compile(r"pid:(\d+) num:(\d+) : usr (\d+) sys (\d+) time (\d+)( exit)?")


def parse(text):
    """The samples in a text read from either file; ValueError if a line is none."""
    if text and not text.endswith("\n"):
        raise ValueError(f"the last line is not whole: {text[-80:]!r}")
    samples = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if not match:
            raise ValueError(f"not a sample: {line!r}")
        *numbers, ended = match.groups()
        samples.append(Sample(*map(int, numbers), bool(ended)))
    return samples


def read(path=DEBUGFS, size=65536):
    """All of a file, by reads of that size."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(fd, size), b"")).decode("ascii")
    finally:
        os.close(fd)


def samples(path=DEBUGFS, size=65536, pid=None):
    """What a file tells, of all tasks or of one."""
    return [each for each in parse(read(path, size)) if pid in (None, each.pid)]


def write(words, path=SYSFS):
    """One write(); how many bytes of the words were obeyed. Raises OSError.

    Several words are ended by a newline, as `echo` does; bytes are written as they are."""
    text = words if isinstance(words, bytes) else str(words).encode()
    is_ended = isinstance(words, bytes) or len(text.split()) < 2 or text[-1:].isspace()
    fd = os.open(path, os.O_WRONLY)
    try:
        return min(os.write(fd, text if is_ended else text + b"\n"), len(text))
    finally:
        os.close(fd)


def statistics():
    """The statistics, by name."""
    return {name: int(value) for name, value in
            (line.split() for line in read(STATISTICS).splitlines())}


def parameter(name):
    return int(read(f"{PARAMETERS}/{name}"))


def set_parameter(name, value):
    write(f"{value}\n", f"{PARAMETERS}/{name}")


def shrinker():
    """The folder of the module's shrinker in debugfs."""
    name, = (each for each in os.listdir(SHRINKERS) if each.startswith("taskmonitor-"))
    return os.path.join(SHRINKERS, name)


def shrink(objects):
    """Has the shrinker asked to give up that many objects."""
    write(f"0 0 {objects}\n", f"{shrinker()}/scan")


def problems(history, may_be_overtaken=False):
    """What is wrong with samples that one reader saw: none twice, none out of order,
    no hole, nothing that falls, nothing after the end. A list of sentences.

    A reader whom eviction has overtaken goes on at the oldest sample that is left."""
    found = []
    order = [pid for pid, _ in itertools.groupby(history, key=lambda each: each.pid)]
    if len(order) != len(set(order)):
        found.append(f"samples of a task are not together: {order}")
    for before, after in itertools.pairwise(history):
        if before.pid != after.pid:
            continue
        is_next = after.num > before.num if may_be_overtaken else after.num == before.num + 1
        if not is_next:
            found.append(f"numbers do not rise by one: {before} {after}")
        if after.time < before.time or after.usr < before.usr or after.sys < before.sys:
            found.append(f"something falls: {before} {after}")
        if before.exit:
            found.append(f"a sample after the end: {before} {after}")
    return found


def all_have_ended():
    """Whether each task that has samples has its last one."""
    ended = {each.pid: each.exit for each in samples()}
    return bool(ended) and all(ended.values())


# --- Processes, time --------------------------------------------------------

@contextlib.contextmanager
def process(function=signal.pause):
    """A child that runs the function; killed and waited for at the end of the block."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        finally:
            os._exit(0)
    try:
        yield pid
    finally:
        # It may have been waited for already.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def child(function, *arguments):
    """A child that runs the function; to be waited for."""
    pid = os.fork()
    if pid == 0:
        try:
            function(*arguments)
        finally:
            os._exit(0)
    return pid


@contextlib.contextmanager
def program(*words, **options):
    """A program that runs; killed and waited for at the end of the block."""
    with subprocess.Popen(words, **options) as started:
        try:
            yield started
        finally:
            started.kill()


@contextlib.contextmanager
def idle_threads(number):
    """That many threads that do nothing, for the length of the block; their numbers."""
    leave = threading.Event()
    threading.stack_size(64 * 1024)
    threads = [threading.Thread(target=leave.wait, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield [thread.native_id for thread in threads]
    finally:
        leave.set()


def burn(seconds):
    """Uses that much CPU time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def burn_and_sleep():
    """Goes on for ever: some CPU time, some sleep."""
    while True:
        burn(0.02)
        time.sleep(0.02)


def wait_until(condition, seconds=120):
    """Waits for the condition to hold; whether it came to hold in time. What counts is the time that
    was to be slept, not the clock, which goes on while a busy computer keeps the machine waiting."""
    left = seconds
    begin = time.monotonic()
    while not condition():
        if left < 0:
            return False
        # At least as long as a look took, to leave a CPU to what is waited for.
        pause = max(0.01, time.monotonic() - begin)
        time.sleep(pause)
        # A look that takes long does so on such a computer.
        left -= min(pause, 1)
        begin = time.monotonic()
    return True
