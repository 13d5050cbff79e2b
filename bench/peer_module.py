# SPDX-License-Identifier: GPL-2.0
"""The C module that keeps the history in the usual way (peer/), with the interface of Module."""

from measure import program
from sampler import Sampler, object_size, read, wait_for_phase, write

FILE = "/sys/kernel/debug/bench_peer/samples"
STATISTICS = "/sys/kernel/debug/bench_peer/stats"
STOPPED = "/sys/module/bench_peer/parameters/stopped"


class Peer(Sampler):
    """The module, loaded for the length of a `with` block."""

    def __init__(self, period_us):
        super().__init__(program("peer/bench_peer.ko"), "bench_peer", STATISTICS, period_us)

    @staticmethod
    def watch(tasks):
        wait_for_phase()
        for task in tasks:
            write(FILE, str(task))

    @staticmethod
    def start():
        write(STOPPED, "0")

    @staticmethod
    def stop():
        write(STOPPED, "1")

    def last_pass_us(self):
        """The time at which the last pass began."""
        return self.statistics()["last_pass_us"]

    @staticmethod
    def sample_size():
        """The bytes of one sample."""
        return object_size("bench_peer_sample")
