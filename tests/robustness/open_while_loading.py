#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Loads that fail or succeed while another process tries to open each debugfs file at the moment at which it is
# created: no file is open when the module's memory is freed.
#
# kernels: uml

import contextlib
import ctypes
import errno
import os
import struct
import time

from lib.fault_injection import DEBUG, caches_fail, prepare, put
from lib.kernel_state import hurry_grace_periods, remains
from lib.module import DEBUGFS, STATISTICS, is_loaded, load, statistics, unload_unless_busy
from lib.processes import child, kill, wait_until
from lib.results import equal, note, ok, run

LOADS = 60
IN_CREATE = 0x100
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


def open_at_once(report):
    """Opens each file as soon as it is created. The kernel sends the event during the creation; this is a
    real-time task on the only CPU, so it runs before the creation continues."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    events = _libc.inotify_init()
    _libc.inotify_add_watch(events, DEBUG.encode(), IN_CREATE)
    os.write(report, b"ready\n")
    while True:
        held = []
        data = os.read(events, 4096)
        while data:
            length = _EVENT.unpack_from(data)[3]
            name = data[_EVENT.size:_EVENT.size + length].rstrip(b"\0").decode()
            data = data[_EVENT.size + length:]
            if f"{DEBUG}/{name}" not in (DEBUGFS, STATISTICS):
                continue
            try:
                held.append(os.open(f"{DEBUG}/{name}", os.O_RDONLY))
                os.write(report, b"opened\n")
            except OSError as error:
                os.write(report, f"{errno.errorcode[error.errno]}\n".encode())
        # Keeps the file open until the load has failed.
        time.sleep(0.3 if held else 0)
        for fd in held:
            with contextlib.suppress(OSError):
                os.read(fd, 100)
            os.close(fd)


def main():
    prepare()
    hurry_grace_periods()
    begin, report = os.pipe()
    opener = child(open_at_once, report)
    os.read(begin, 100)
    refused, wrong = 0, []
    with caches_fail("debugfs_inode_cache"):
        for number in range(LOADS):
            # The creation of none, one or both of the files fails.
            put(f"{DEBUG}/failslab/probability", 40)
            try:
                load()
            except OSError as error:
                refused += 1
                if error.errno != errno.ENOMEM:
                    wrong.append((number, error))
            put(f"{DEBUG}/failslab/probability", 0)
            if is_loaded():
                wrong += [] if "created" in statistics() else [(number, "no statistics")]
                wait_until(unload_unless_busy)
            if left := remains():
                wrong.append((number, left))
            time.sleep(0.05)
    kill(opener)
    os.set_blocking(begin, False)
    answers = os.read(begin, 65536).decode().split()
    counts = {each: answers.count(each) for each in sorted(set(answers))}
    note(f"{refused} of {LOADS} loads failed; results of open(): {counts}")
    ok(LOADS // 4 < refused < LOADS, "some loads fail and some succeed", refused)
    equal((len(wrong), wrong[:5]), (0, []), "each load succeeds completely or leaves nothing")
    ok(len(answers) > LOADS // 4, "files are opened while they are created", counts)
    equal(counts.get("opened", 0), 0, "no file can be opened before the load has succeeded")


run(main)
