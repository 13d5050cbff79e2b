# SPDX-License-Identifier: GPL-2.0
"""The record that the kernel sends when a task exits, by taskstats over netlink."""

import os
import socket
import struct
import threading

NETLINK_GENERIC = 16
CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
CMD_GET, REGISTER_CPUMASK = 1, 3
AGGR_PID, STATS = 4, 3
SO_RCVBUFFORCE = 33
# Offsets in struct taskstats.
RUN_TIME_NS, PID, PARENT = 72, 128, 132


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


class ExitRecords:
    """Collects exit records for the length of a `with` block."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.missed, self.used, self.parents = 0, {}, {}
        self.received = threading.Condition()

    def _ask(self, family, command, data):
        payload = struct.pack("BBH", command, 1, 0) + data
        self.socket.send(struct.pack("IHHII", 16 + len(payload), family, 5, 1, 0) + payload)

    def __enter__(self):
        self._ask(CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, b"TASKSTATS\0"))
        found = attributes(self.socket.recv(65536)[20:])
        self.socket.recv(65536)
        family, = struct.unpack("H", found[CTRL_ATTR_FAMILY_ID])
        cpus = f"0-{os.cpu_count() - 1}\0".encode()
        self._ask(family, CMD_GET, attribute(REGISTER_CPUMASK, cpus))
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        pass  # the kernel removes a listener whose process has exited

    def _listen(self):
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                self.missed += 1
                continue
            while len(data) >= 16:
                length, kind = struct.unpack_from("IH", data)
                if kind > CTRL:
                    self._store(attributes(data[20:length]))
                data = data[(length + 3) & ~3:]

    def _store(self, found):
        record = attributes(found.get(AGGR_PID, b"")).get(STATS)
        if record is None:
            return
        pid, parent = struct.unpack_from("II", record, PID)
        run_time, = struct.unpack_from("Q", record, RUN_TIME_NS)
        with self.received:
            self.used[pid], self.parents[pid] = run_time / 1000, parent
            self.received.notify_all()

    def wait_for(self, pid):
        """Waits until the record of that process has arrived."""
        with self.received:
            return self.received.wait_for(lambda: pid in self.used, 30)

    def descendants_of(self, root):
        """The CPU time of the process and all its descendants when they began to exit: {pid: us}."""
        def is_descendant(pid):
            while pid in self.parents and pid != root:
                pid = self.parents[pid]
            return pid == root
        return {pid: used for pid, used in self.used.items() if is_descendant(pid)}
