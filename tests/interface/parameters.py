#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# The parameters period_ms, max_samples, max_targets and rt_priority under /sys/module: a value is checked
# and takes effect at once; an invalid value changes nothing.
#
# kernels: uml x86_64
# on demand: matrix in-tree

import errno
import os
import time

from lib.module import PARAMETERS, loaded, parameter, read, set_parameter, statistics, write
from lib.processes import burn_and_sleep, process, wait_until
from lib.results import equal, fails_with, ok, run
from lib.samples import problems, samples

HOUR_MS = 3_600_000


def bad_values():
    before = {name: read(f"{PARAMETERS}/{name}") for name in
              ("period_ms", "max_samples", "max_targets", "rt_priority")}
    bad = {
        "period_ms": ("0", "-1", "3600001", "4294967396", "18446744073709551716", "1.5", "5ms", "five",
                      "", " ", "\n", "5 5", "5,5", "9" * 100),
        "max_samples": ("-1", "-0", "4294967296", "18446744073709551617", "x", "", "1 2", "9" * 3000),
        "rt_priority": ("-1", "100", "4294967297", "1 2", "fifo", ""),
        "max_targets": ("0", "-1", "4194305", "18446744073709551617", "x", "", "1 2"),
    }
    for name, values in bad.items():
        for value in values:
            # A write of zero bytes does not reach the module.
            if value:
                fails_with(errno.EINVAL, lambda: write(value, f"{PARAMETERS}/{name}"),
                           f"{name}: {value[:30]!r}")
    equal({name: read(f"{PARAMETERS}/{name}") for name in before}, before, "invalid values change nothing")
    for name in ("pid", "tree"):
        ok(not os.path.exists(f"{PARAMETERS}/{name}")
           or not os.stat(f"{PARAMETERS}/{name}").st_mode & 0o222, f"{name} cannot be written after the load")


def bounds():
    for name, values in (("period_ms", (1, 3_600_000, 100)), ("max_samples", (1, 2**32 - 1, 0, 100_000)),
                         ("max_targets", (1, 4_194_304, 16_384)), ("rt_priority", (1, 99, 0))):
        for value in values:
            set_parameter(name, value)
            equal(read(f"{PARAMETERS}/{name}"), f"{value}\n", f"{name}={value} is accepted and shown")


def gaps(history):
    return [after.time - before.time for before, after in zip(history, history[1:])]


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]


def quarter(numbers):
    """The lower quartile: some passes are on time even if a busy host makes most of them late."""
    return sorted(numbers)[len(numbers) // 4]


def period():
    with process() as one:
        set_parameter("period_ms", HOUR_MS)
        write(one)
        time.sleep(0.3)
        count = len(samples(pid=one))
        ok(count <= 2, "a period of one hour: no further sample", count)
        set_parameter("period_ms", 20)
        ok(wait_until(lambda: len(samples(pid=one)) > count + 30),
           "a shorter period ends the long sleep: samples are taken at once")
        short = gaps(samples(pid=one))[-25:]
        ok(15_000 < middle(short) and quarter(short) < 30_000, "20 ms: one sample in each period", short)
        set_parameter("period_ms", 100)
        time.sleep(0.05)
        last = samples(pid=one)[-1].num
        ok(wait_until(lambda: samples(pid=one)[-1].num > last + 12), "a longer period: samples are taken")
        longer = gaps(samples(pid=one))[-10:]
        ok(90_000 < middle(longer) and quarter(longer) < 130_000, "100 ms: one sample in each period", longer)
        # Frequent writes of the period neither cause samples nor prevent them.
        last, begin = samples(pid=one)[-1].num, statistics()["passes"]
        for _ in range(15_000):
            if statistics()["passes"] >= begin + 15:
                break
            set_parameter("period_ms", 100)
            time.sleep(0.004)
        meanwhile = [each for each in samples(pid=one) if each.num >= last]
        usual = gaps(meanwhile)
        ok(90_000 < middle(usual) and quarter(usual) < 130_000,
           "the period is kept while it is written again and again", usual)
        # The sample after a late one may follow soon, but no period has two.
        periods = (meanwhile[-1].time - meanwhile[0].time) / 100_000
        ok(len(meanwhile) <= periods + 2, "no period has two samples", (len(meanwhile), periods))
        equal(problems(samples(pid=one)), [], "the history is in order after all changes")
        set_parameter("period_ms", HOUR_MS)
        write(f"-{one}")
        set_parameter("period_ms", 5)


def max_samples():
    with process(burn_and_sleep) as one, process() as two, process() as three:
        write(f"{one} {two} {three}")
        wait_until(lambda: len(samples(pid=three)) > 300)
        os.kill(three, 9)
        os.waitpid(three, 0)
        wait_until(lambda: samples(pid=three)[-1].exit)
        write("stop")
        before = samples()
        for most in (200, 50, 1):
            set_parameter("max_samples", most)
            left = samples()
            for pid in (one, two, three):
                equal([each for each in left if each.pid == pid],
                      [each for each in before if each.pid == pid][-most:],
                      f"max_samples={most} while stopped: only the newest are left, at once")
            equal(statistics()["alive"], len(left), f"max_samples={most}: 'alive' counts those")
        write("start")
        set_parameter("max_samples", 30)
        ok(wait_until(lambda: len(samples(pid=one)) == 30), "a larger max_samples: the history grows")
        number = samples(pid=one)[-1].num
        wrong = []
        while samples(pid=one)[-1].num < number + 100:
            begin = statistics()["passes"]
            count = len(samples(pid=one))
            passes = statistics()["passes"] - begin
            # A read shows what was there when it began. Meanwhile each pass, also the current one, may
            # have evicted the oldest sample.
            if not 30 - passes - 1 <= count <= 30:
                wrong.append((count, passes))
        equal(wrong, [], "the history never has more than max_samples")
        write("stop")
        equal(len(samples(pid=one)), 30, "stopped: it has exactly max_samples")
        write("start")
        equal(problems(samples()), [], "the history is in order")
        set_parameter("max_samples", 0)
        ok(wait_until(lambda: len(samples(pid=one)) > 300), "max_samples=0: no limit")
        write(f"-{one} -{two} -{three}")
        set_parameter("max_samples", 100_000)


def max_targets():
    with process() as one, process() as two:
        write(f"{one} {two}")
        set_parameter("max_targets", 1)
        equal(statistics()["targets"], 2, "max_targets below the number of targets: the targets stay")
        with process() as three:
            fails_with(errno.ENOSPC, lambda: write(three), "no target can be added")
            write(f"-{one}")
            fails_with(errno.ENOSPC, lambda: write(three), "nor while the limit is still reached")
            write(f"-{two}")
            write(three)
            equal(statistics()["targets"], 1, "one can be added once fewer are watched")
            write(f"-{three}")
    set_parameter("max_targets", 16_384)


def main():
    with loaded():
        for part in (bad_values, bounds, period, max_samples, max_targets):
            part()
        equal(parameter("max_targets"), 16_384, "max_targets is 16,384 again")


run(main)
