# SPDX-License-Identifier: GPL-2.0
"""What following forks costs those who fork, and in memory."""

import subprocess
import time

from load import Load
from programs import program
from recorder import Recorder

FORKS = 1000
ROUNDS = 3
# No pass comes in between.
PERIOD_US = 3_600_000_000


def forks():
    with Recorder(PERIOD_US) as recorder, Load("processes", 1) as other:
        alone, asked = [], []
        for _ in range(ROUNDS):
            alone.append(cost_of_fork())
            recorder.say(f"tree:{other.tasks[0]}")
            asked.append(cost_of_fork())
            recorder.say(f"-tree:{other.tasks[0]}")
            # A thread that may sleep takes the probes away.
            time.sleep(0.5)
        yield "fork_probe_insns_unrelated", min(asked) - min(alone)
        before = recorder.statistics()
        yield "fork_probe_insns_followed", cost_of_fork(recorder) - min(alone)
        after = recorder.statistics()
        segments = (after["bytes"] - before["bytes"]) / (after["targets"] - before["targets"])
        yield "target_bytes_short_lived", segments + recorder.target_size()


def cost_of_fork(recorder=None):
    """Instructions of the system call, the least of many: what a fork takes where the slab has
    all at hand. `recorder`: it follows who forks."""
    with subprocess.Popen([program("forks"), str(FORKS)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        pid = process.stdout.readline().strip()
        if recorder:
            recorder.say(f"tree:{pid}")
        times, _ = process.communicate("\n")
    return min(map(int, times.split()))
