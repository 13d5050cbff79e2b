# SPDX-License-Identifier: GPL-2.0
"""What following forks costs those who fork, and in memory."""

import contextlib
import subprocess
import time

from statistics import median

from load import Load
from measure import program
from module import Recorder

FORKS = 100
ROUNDS = 15
# No pass comes in between.
PERIOD_US = 3_600_000_000


class Forks:
    """A process that forks when it is told to; always the same one, as what a fork costs depends on
    where its memory lies."""

    def __init__(self, process):
        self.process = process
        self.pid = process.stdout.readline().strip()

    def cost(self):
        """Instructions of the system call: the median of some, as now and then the slab has to get
        memory, or an interrupt comes."""
        print(file=self.process.stdin, flush=True)
        return median(map(int, self.process.stdout.readline().split()))


@contextlib.contextmanager
def forks_on_demand():
    with subprocess.Popen([program("forks"), str(FORKS)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Forks(process)
        process.stdin.close()


def forks():
    with Recorder(PERIOD_US) as recorder, Load("processes", 1) as other, \
            forks_on_demand() as ours:
        alone, asked = [], []
        for _ in range(ROUNDS):
            alone.append(ours.cost())
            recorder.say(f"tree:{other.tasks[0]}")
            asked.append(ours.cost())
            recorder.say(f"-tree:{other.tasks[0]}")
            # A thread that may sleep takes the probes away.
            time.sleep(0.5)
        # With what the kernel takes itself to call who wants to know.
        yield "fork_probe_insns_unrelated", median(asked) - median(alone)
        before = recorder.statistics()
        recorder.say(f"tree:{ours.pid}")
        yield "fork_probe_insns_followed", ours.cost() - median(alone)
        after = recorder.statistics()
        segments = (after["bytes"] - before["bytes"]) / (after["targets"] - before["targets"])
        yield "target_bytes_short_lived", segments + recorder.target_size()
