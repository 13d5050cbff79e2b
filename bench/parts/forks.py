# SPDX-License-Identifier: GPL-2.0
"""What following forks costs: instructions of a fork and of a short life, and memory."""

import contextlib
import functools
import subprocess
import time

from statistics import median

from load import Load
from measure import program
from module import Module
from sampler import cpu_time_ns

FORKS = 100
ROUNDS = 15
# When the targets that were displaced have been freed.
FREED_AFTER_S = 2
# So long that no pass is made meanwhile.
PERIOD_US = 3_600_000_000


class Forks:
    """A process that forks on request. All figures are from one process, because the cost of a fork
    depends on where its memory is."""

    def __init__(self, process):
        self.process = process
        self.pid = process.stdout.readline().strip()

    def costs(self):
        """Median instructions of the system call, and of the time until the child was reaped.
        Sometimes the slab allocator needs a new slab, or an interrupt comes."""
        print(file=self.process.stdin, flush=True)
        times = list(map(int, self.process.stdout.readline().split()))
        return median(times[::2]), median(times[1::2])


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
            without_probe.append(ours.costs()[0])
            module.send(f"tree:{other.tasks[0]}")
            unrelated.append(ours.costs()[0])
            module.send(f"-tree:{other.tasks[0]}")
            # Deferred work removes the probes.
            time.sleep(0.5)
        # Includes the kernel's own cost of calling a probe.
        yield "fork_probe_insns_unrelated", median(unrelated) - median(without_probe)
        before = module.statistics()
        module.send(f"tree:{ours.pid}")
        yield "fork_probe_insns_followed", ours.costs()[0] - median(without_probe)
        after = module.statistics()
        segments = (after["bytes"] - before["bytes"]) / (after["targets"] - before["targets"])
        yield "target_bytes_short_lived", segments + module.target_size()
    yield from short_life().items()


@functools.cache
def short_life():
    """Additional instructions for the life of a followed process, fork and exit, without passes.
    Displacing: at max_targets, so that a work item frees the target of one that ended before, a
    second later and together with others. The part `machine` uses this too."""
    with Module(PERIOD_US, max_targets=FORKS + 1) as module, forks_on_demand() as ours:
        without, followed, displacing, left, freeing = [], [], [], [], []
        for _ in range(ROUNDS):
            without.append(ours.costs()[1])
            module.send(f"tree:{ours.pid}")
            followed.append(ours.costs()[1])
            left.append(share_of_cpu_time())
            make_pass(module)
            displacing.append(ours.costs()[1])
            freeing.append(share_of_cpu_time())
            module.send(f"-tree:{ours.pid}")
            time.sleep(0.5)
        if module.statistics()["lost"]:
            raise SystemExit("bench: not all forks were followed")
        # What the kernel leaves to others is in both, and the freeing of the targets in one.
        freed = median(freeing) - median(left)
        return {"short_life_insns": median(followed) - median(without),
                "short_life_displacing_insns": median(displacing) - median(without) + freed}


def share_of_cpu_time():
    """One process's share of the CPU time of all tasks, until displaced targets have been freed."""
    before = cpu_time_ns()
    time.sleep(FREED_AFTER_S)
    return (cpu_time_ns() - before) / FORKS


def make_pass(module):
    """Makes some passes, so that the exit samples of all ended targets are taken."""
    module.set("period_ms", 10)
    time.sleep(0.1)
    module.set("period_ms", PERIOD_US // 1000)
