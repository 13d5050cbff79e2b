# SPDX-License-Identifier: GPL-2.0
"""What the kernel says of tasks by taskstats over netlink: of living processes, and of each task that exits."""

import os
import socket
import struct
import threading
from typing import NamedTuple

from lib.results import Missing, need

NETLINK_GENERIC = 16
CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
CMD_GET, ASK_PROCESS, REGISTER_CPUMASK = 1, 2, 3
AGGR_PID, AGGR_TGID, STATS = 4, 5, 3
NLMSG_ERROR = 2
SO_RCVBUFFORCE = 33
# Offsets in struct taskstats.
RUN_DELAY_NS, RUN_TIME_NS, PID, PARENT, PROCESS = 24, 72, 128, 132, 368


def attribute(kind, data):
    length = 4 + len(data)
    return struct.pack("HH", length, kind) + data + b"\0" * (-length % 4)


def attributes(data):
    """The attributes of a message or of a nested attribute: {kind: data}."""
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("HH", data, at)
        found[kind & 0x3fff] = data[at + 4:at + length]
        at += (length + 3) & ~3
    return found


def is_error(message):
    return struct.unpack_from("IH", message)[1] == NLMSG_ERROR


class Connection:
    """A socket to taskstats. Without CONFIG_TASKSTATS it skips the rest of the function that is given to run()."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.ask(CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, b"TASKSTATS\0"))
        answer = self.socket.recv(65536)
        need(not is_error(answer), "no CONFIG_TASKSTATS")
        found = attributes(answer[20:])
        self.socket.recv(65536)
        self.family, = struct.unpack("H", found[CTRL_ATTR_FAMILY_ID])

    def ask(self, family, command, data):
        payload = struct.pack("BBH", command, 1, 0) + data
        self.socket.send(struct.pack("IHHII", 16 + len(payload), family, 5, 1, 0) + payload)

    def process_delay_us(self, pid):
        """The run delay of a process: of its threads, and of those that have ended. A thread that is just ending
        can be in it twice."""
        self.ask(self.family, CMD_GET, attribute(ASK_PROCESS, struct.pack("I", pid)))
        answer = self.socket.recv(65536)
        if is_error(answer):
            raise ProcessLookupError(f"taskstats: {pid}")
        self.socket.recv(65536)
        stats = attributes(attributes(answer[20:])[AGGR_TGID])[STATS]
        return struct.unpack_from("Q", stats, RUN_DELAY_NS)[0] / 1000


def is_available():
    """Whether the kernel has taskstats."""
    try:
        Connection()
    except Missing:
        return False
    return True


class ExitRecord(NamedTuple):
    """What the kernel says of a thread while it exits."""
    pid: int
    process: int
    parent: int
    run_time_us: float
    run_delay_us: float


class ExitRecords:
    """Collects exit records for the length of a `with` block."""

    def __init__(self):
        self.connection = Connection()
        self.connection.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        # The records of all threads; and of processes that had several threads, their run delay when the last one
        # exited, by PID.
        self.missed, self.threads, self.process_delays_us = 0, [], {}
        self.used, self.parents = {}, {}
        self.received = threading.Condition()

    def __enter__(self):
        cpus = f"0-{os.cpu_count() - 1}\0".encode()
        self.connection.ask(self.connection.family, CMD_GET, attribute(REGISTER_CPUMASK, cpus))
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        pass  # the kernel removes a listener whose process has exited

    def _listen(self):
        while True:
            try:
                data = self.connection.socket.recv(1 << 20)
            except OSError:
                self.missed += 1
                continue
            while len(data) >= 16:
                length, kind = struct.unpack_from("IH", data)
                if kind > CTRL:
                    self._store(attributes(data[20:length]))
                data = data[(length + 3) & ~3:]

    def _store(self, found):
        stats = attributes(found.get(AGGR_PID, b"")).get(STATS)
        if stats is None:
            return
        pid, parent = struct.unpack_from("II", stats, PID)
        process, = struct.unpack_from("I", stats, PROCESS)
        run_time, = struct.unpack_from("Q", stats, RUN_TIME_NS)
        run_delay, = struct.unpack_from("Q", stats, RUN_DELAY_NS)
        of_process = attributes(found.get(AGGR_TGID, b""))
        with self.received:
            self.used[pid], self.parents[pid] = run_time / 1000, parent
            self.threads.append(ExitRecord(pid, process, parent, run_time / 1000, run_delay / 1000))
            if STATS in of_process:
                self.process_delays_us[process] = struct.unpack_from("Q", of_process[STATS], RUN_DELAY_NS)[0] / 1000
            self.received.notify_all()

    def wait_for(self, pid):
        """Waits until the record of that process has arrived."""
        with self.received:
            return self.received.wait_for(lambda: pid in self.used, 30)

    def threads_of(self, pid):
        """The records of the threads of a process."""
        return [each for each in self.threads if each.process == pid]

    def descendants_of(self, root):
        """The CPU time of the process and all its descendants when they began to exit: {pid: us}."""
        def is_descendant(pid):
            while pid in self.parents and pid != root:
                pid = self.parents[pid]
            return pid == root
        return {pid: used for pid, used in self.used.items() if is_descendant(pid)}
