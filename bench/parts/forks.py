# SPDX-License-Identifier: GPL-2.0
"""What following forks costs: instructions of a fork, and memory."""

import contextlib
import subprocess
import time

from statistics import median

from load import Load
from measure import program
from module import Module

FORKS = 100
ROUNDS = 15
# So long that no pass is made meanwhile.
PERIOD_US = 3_600_000_000


class Forks:
    """A process that forks on request. All figures are from one process, because the cost of a fork
    depends on where its memory is."""

    def __init__(self, process):
        self.process = process
        self.pid = process.stdout.readline().strip()

    def cost(self):
        """Median instructions of the system call. Sometimes the slab allocator needs a new slab, or an
        interrupt comes."""
        print(file=self.process.stdin, flush=True)
        return median(map(int, self.process.stdout.readline().split()))


@contextlib.contextmanager
def forks_on_demand():
    with subprocess.Popen([program("forks"), str(FORKS)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Forks(process)
        process.stdin.close()


def forks():
    with Module(PERIOD_US) as module, Load("processes", 1) as other, \
            forks_on_demand() as ours:
        without_probe, unrelated = [], []
        for _ in range(ROUNDS):
            without_probe.append(ours.cost())
            module.send(f"tree:{other.tasks[0]}")
            unrelated.append(ours.cost())
            module.send(f"-tree:{other.tasks[0]}")
            # Deferred work removes the probes.
            time.sleep(0.5)
        # Includes the kernel's own cost of calling a probe.
        yield "fork_probe_insns_unrelated", median(unrelated) - median(without_probe)
        before = module.statistics()
        module.send(f"tree:{ours.pid}")
        yield "fork_probe_insns_followed", ours.cost() - median(without_probe)
        after = module.statistics()
        segments = (after["bytes"] - before["bytes"]) / (after["targets"] - before["targets"])
        yield "target_bytes_short_lived", segments + module.target_size()
