# SPDX-License-Identifier: GPL-2.0
"""Makes allocations fail, by the kernel's fault injection."""

import contextlib
import os

from lib.results import need

DEBUG = "/sys/kernel/debug"


def put(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def prepare():
    """Lets allocations that may sleep, and those of any order, fail as well, without a message in the log."""
    need(os.path.isdir(f"{DEBUG}/failslab"), "no CONFIG_FAILSLAB")
    for kind in ("failslab", "fail_page_alloc", "fail_usercopy", "fail_mempool_alloc"):
        if os.path.isdir(f"{DEBUG}/{kind}"):
            put(f"{DEBUG}/{kind}/verbose", 0)
    for name in ("failslab/ignore-gfp-wait", "fail_page_alloc/ignore-gfp-wait",
                 "fail_page_alloc/ignore-gfp-highmem", "fail_page_alloc/min-order"):
        put(f"{DEBUG}/{name}", 0)


class NthFailure:
    """Makes the n-th operation fail that can fail in the next system call of this thread."""

    def __init__(self):
        self.fd = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def run(self, number, action):
        """(whether there was an n-th, the action's result, its error number or None)."""
        result = error = None
        os.pwrite(self.fd, str(number).encode(), 0)
        try:
            result = action()
        except OSError as problem:
            error = problem.errno
        return self._disarm(), result, error

    def _disarm(self):
        """Whether the failure has happened. Also this function's own system calls can be the n-th."""
        try:
            happened = os.pread(self.fd, 16, 0).strip() == b"0"
        except OSError:
            happened = False
        try:
            os.pwrite(self.fd, b"0", 0)
        except OSError:
            os.pwrite(self.fd, b"0", 0)
        return happened

    def close(self):
        os.close(self.fd)


@contextlib.contextmanager
def _slab_fails(filter_name, switches):
    """For the length of the block, slab allocations fail that pass the filter. The files of `switches` turn
    the filter on for a thread or a cache."""
    folder = f"{DEBUG}/failslab"
    for path in switches:
        put(path, 1)
    put(f"{folder}/{filter_name}", "Y")
    put(f"{folder}/times", -1)
    put(f"{folder}/probability", 100)
    try:
        yield
    finally:
        put(f"{folder}/probability", 0)
        put(f"{folder}/{filter_name}", "N")
        for path in switches:
            # The thread may have ended.
            if os.path.exists(path):
                put(path, 0)


def slab_fails_for(thread):
    """For the length of the block, all slab allocations of that thread fail."""
    return _slab_fails("task-filter", [f"/proc/{thread}/make-it-fail"])


def caches_fail(*names):
    """For the length of the block, all allocations from those slab caches fail."""
    return _slab_fails("cache-filter", [f"/sys/kernel/slab/{name}/failslab" for name in names])
