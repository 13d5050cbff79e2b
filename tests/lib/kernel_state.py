# SPDX-License-Identifier: GPL-2.0
"""What the kernel itself shows of the module: threads, slab caches, files, log messages."""

import os
from typing import NamedTuple

from lib.module import DEBUGFS, STATISTICS, SYSFS, TASKS, shrinkers
from lib.proc import text_of
from lib.processes import wait_until

NAME = "taskmonitor"


def sanitized():
    """Whether this kernel has sanitizers or checks locks, which takes time, and memory for each object."""
    return any(os.path.exists(path) for path in ("/sys/kernel/debug/kmemleak", "/sys/kernel/debug/kcsan",
                                                 "/proc/lockdep"))


def hurry_grace_periods(hurry=True):
    """Makes synchronize_rcu() interrupt the other CPUs instead of waiting for them. An unload is then
    three times as fast."""
    with open("/sys/kernel/rcu_expedited", "w", encoding="ascii") as file:
        file.write(str(int(hurry)))


def kernel_threads():
    """The PIDs of the module's threads, by name."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                name = text_of(f"/proc/{entry}/comm").strip()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            if name.startswith(NAME):
                found[name] = int(entry)
    return found


def sampler_thread():
    """The PID of the thread that samples."""
    return kernel_threads()[NAME]


class Slab(NamedTuple):
    name: str
    active: int
    objects: int
    object_size: int
    objects_per_slab: int
    pages_per_slab: int
    slabs: int


def slabs():
    """The module's slab caches, as /proc/slabinfo shows them."""
    found = []
    for line in text_of("/proc/slabinfo").splitlines():
        if line.startswith(NAME):
            words = line.split()
            found.append(Slab(words[0], *map(int, words[1:6]), int(words[14])))
    return found


def sample_slabs():
    """The slab caches of samples and timestamps: all but the cache of targets."""
    return [slab for slab in slabs() if not slab.name.endswith("_target")]


def shrink_slabs():
    """Makes the slab allocator free all empty slabs of the module's caches."""
    for slab in slabs():
        with open(f"/sys/kernel/slab/{slab.name}/shrink", "w", encoding="ascii") as file:
            file.write("1")


def visible():
    """All parts of the module that user space can see."""
    found = [f"thread {name}" for name in kernel_threads()]
    found += [f"slab cache {slab.name}" for slab in slabs()]
    found += [path for path in (SYSFS, DEBUGFS, TASKS, STATISTICS, f"/sys/module/{NAME}")
              if os.path.exists(path)]
    found += [f"shrinker {name}" for name in shrinkers()]
    return found


def remains():
    """What is left of the module although it is not loaded. A thread that has just been stopped may
    take a moment to leave /proc."""
    wait_until(lambda: not visible(), 10)
    return visible()


def kernel_log():
    """The messages in the kernel's log, oldest first."""
    messages = []
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            record = os.read(log, 8192).decode(errors="replace")
            messages.append(record.partition(";")[2].partition("\n")[0])
    except BlockingIOError:
        return messages
    finally:
        os.close(log)
