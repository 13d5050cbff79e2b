# SPDX-License-Identifier: GPL-2.0
"""The module as its users see it: loading, its files, its parameters, its statistics."""

import contextlib
import os
import subprocess

from lib.processes import wait_until
from lib.results import need, ok, skip_all
from lib.system_calls import system_call

SYSFS = "/sys/kernel/taskmonitor"
DEBUGFS = "/sys/kernel/debug/taskmonitor"
TASKS = "/sys/kernel/debug/taskmonitor_tasks"
STATISTICS = "/sys/kernel/debug/taskmonitor_stats"
PARAMETERS = "/sys/module/taskmonitor/parameters"
SHRINKERS = "/sys/kernel/debug/shrinker"
# A sysfs file passes at most so many bytes on.
PAGE = os.sysconf("SC_PAGE_SIZE")


# --- Loading and unloading -----------------------------------------------------

_COMPRESSED = 4  # MODULE_INIT_COMPRESSED_FILE


def module_path():
    """The path of the module: that of scripts/vm, or else that which is installed."""
    if "TASKMONITOR_KO" in os.environ:
        return os.environ["TASKMONITOR_KO"]
    found = subprocess.run(["modinfo", "--field", "filename", "taskmonitor"], text=True,
                           capture_output=True, check=False).stdout.strip()
    return found if found.startswith("/") else skip_all("the kernel has no module taskmonitor")


def load(path=None, **parameters):
    """Loads the module, as insmod does; raises OSError with the kernel's error."""
    text = " ".join(f"{name}={value}" for name, value in parameters.items())
    path = path or module_path()
    flags = 0 if path.endswith(".ko") else _COMPRESSED
    with open(path, "rb") as module:
        system_call("finit_module", module.fileno(), text.encode(), flags)


def unload():
    """Unloads the module, as rmmod does; raises OSError (EWOULDBLOCK if it is in use)."""
    system_call("delete_module", b"taskmonitor", os.O_NONBLOCK)


def is_loaded():
    return os.path.exists("/sys/module/taskmonitor")


def unload_unless_busy():
    """Tries to unload the module. False if a process has one of its debugfs files open."""
    try:
        unload()
    except BlockingIOError:
        return False
    return True


def is_built_in():
    """Whether the module is part of the kernel. It cannot be loaded and unloaded then."""
    return is_loaded() and not os.path.exists("/sys/module/taskmonitor/initstate")


@contextlib.contextmanager
def loaded(**parameters):
    """Loads the module for the length of a `with` block. If it is built in, its parameters are set for that
    length; those that can only be given at a load cannot. At the end it watches nothing."""
    if is_built_in():
        before = {name: parameter(name) for name in parameters}
        for name, value in parameters.items():
            set_parameter(name, value)
    else:
        load(**parameters)
    try:
        yield
    finally:
        if is_built_in():
            for name, value in before.items():
                set_parameter(name, value)
            for pid in {line.split()[0].removeprefix("pid:") for line in read(DEBUGFS).splitlines()}:
                write(f"-{pid}")
        else:
            unload()


# --- Files ---------------------------------------------------------------------

def read_bytes(path, size=65536):
    """All bytes of a file, read in pieces of that size."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(fd, size), b""))
    finally:
        os.close(fd)


def read(path=DEBUGFS, size=65536):
    """The whole text of a file, read in pieces of that size."""
    return read_bytes(path, size).decode("ascii")


def write(commands, path=SYSFS):
    """Writes the commands by one write(). Returns the number of bytes that were executed.

    Raises OSError. A text of several commands gets a newline at its end, as `echo` writes it;
    bytes are written as they are."""
    text = commands if isinstance(commands, bytes) else str(commands).encode()
    is_ended = isinstance(commands, bytes) or len(text.split()) < 2 or text[-1:].isspace()
    fd = os.open(path, os.O_WRONLY)
    try:
        return min(os.write(fd, text if is_ended else text + b"\n"), len(text))
    finally:
        os.close(fd)


def parameter(name):
    return int(read(f"{PARAMETERS}/{name}"))


def set_parameter(name, value):
    write(f"{value}\n", f"{PARAMETERS}/{name}")


# --- Statistics ----------------------------------------------------------------

def statistics():
    """The statistics, by name."""
    return {name: int(value) for name, value in
            (line.split() for line in read(STATISTICS).splitlines())}


def adds_up(numbers):
    """Whether created = alive + evicted + removed in these statistics."""
    return numbers["created"] == numbers["alive"] + numbers["evicted"] + numbers["removed"]


def wait_for_passes(count, seconds=120):
    """Waits until that many more passes have been made, and reports it as a result."""
    begin = statistics()["passes"]
    ok(wait_until(lambda: statistics()["passes"] >= begin + count, seconds), f"{count} passes are made")


# --- The shrinker --------------------------------------------------------------

def shrinkers():
    """The names of the module's shrinkers in debugfs. None on a kernel without CONFIG_SHRINKER_DEBUG."""
    if not os.path.isdir(SHRINKERS):
        return []
    return [name for name in os.listdir(SHRINKERS) if name.startswith("taskmonitor-")]


def shrinker():
    """The folder of the module's shrinker in debugfs; FileNotFoundError if it has none now."""
    need(os.path.isdir(SHRINKERS), "no CONFIG_SHRINKER_DEBUG")
    names = shrinkers()
    if not names:
        raise FileNotFoundError(f"{SHRINKERS}/taskmonitor-*")
    return os.path.join(SHRINKERS, names[0])


def shrink(objects):
    """Asks the shrinker to free that many objects. A kernel without CONFIG_SHRINKER_DEBUG is asked to free all
    objects of all shrinkers."""
    if os.path.isdir(SHRINKERS):
        write(f"0 0 {objects}\n", f"{shrinker()}/scan")
    else:
        # "4": without a message in the log.
        for value in ("4\n", "2\n"):
            write(value, "/proc/sys/vm/drop_caches")


def shrinkable():
    """The number of objects that the shrinker reports as reclaimable, on all nodes."""
    return sum(int(number) for line in read(f"{shrinker()}/count").splitlines()
               for number in line.split()[1:])
