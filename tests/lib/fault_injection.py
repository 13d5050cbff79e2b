# SPDX-License-Identifier: GPL-2.0
"""For tests in Python: allocations that fail, by the kernel's fault injection."""

import contextlib
import os

DEBUG = "/sys/kernel/debug"


def put(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def prepare():
    """Also what may sleep can fail, of any order, without a word in the log."""
    for kind in ("failslab", "fail_page_alloc", "fail_usercopy", "fail_mempool_alloc"):
        if os.path.isdir(f"{DEBUG}/{kind}"):
            put(f"{DEBUG}/{kind}/verbose", 0)
    for name in ("failslab/ignore-gfp-wait", "fail_page_alloc/ignore-gfp-wait",
                 "fail_page_alloc/ignore-gfp-highmem", "fail_page_alloc/min-order"):
        put(f"{DEBUG}/{name}", 0)


class NthFailure:
    """Has the n-th thing that can fail in the next system call of this thread fail."""

    def __init__(self):
        self.fd = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def run(self, number, action):
        """Whether there was an n-th; what the action gave; the error it failed with."""
        result = error = None
        os.pwrite(self.fd, str(number).encode(), 0)
        try:
            result = action()
        except OSError as problem:
            error = problem.errno
        return self._disarm(), result, error

    def _disarm(self):
        """Whether it happened before this call, which may well be hit itself."""
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
def slab_fails_for(thread):
    """For the length of the block, each slab allocation of that thread fails."""
    folder = f"{DEBUG}/failslab"
    put(f"{folder}/task-filter", "Y")
    put(f"{folder}/times", -1)
    put(f"{folder}/probability", 100)
    put(f"/proc/{thread}/make-it-fail", 1)
    try:
        yield
    finally:
        put(f"{folder}/probability", 0)
        put(f"{folder}/task-filter", "N")
        if os.path.exists(f"/proc/{thread}"):
            put(f"/proc/{thread}/make-it-fail", 0)


@contextlib.contextmanager
def caches_fail(*names):
    """For the length of the block, each allocation from those slab caches fails."""
    folder = f"{DEBUG}/failslab"
    for name in names:
        put(f"/sys/kernel/slab/{name}/failslab", 1)
    put(f"{folder}/cache-filter", "Y")
    put(f"{folder}/times", -1)
    put(f"{folder}/probability", 100)
    try:
        yield
    finally:
        put(f"{folder}/probability", 0)
        put(f"{folder}/cache-filter", "N")
        for name in names:
            put(f"/sys/kernel/slab/{name}/failslab", 0)
