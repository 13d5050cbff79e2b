#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# period_ms, max_samples, max_targets and rt_priority: checked, in force at once, nothing changed by a bad value.
#
# kernels: uml x86_64

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
            # A write of no bytes at all does not reach the module.
            if value:
                fails_with(errno.EINVAL, lambda: write(value, f"{PARAMETERS}/{name}"),
                           f"{name}: {value[:30]!r}")
    equal({name: read(f"{PARAMETERS}/{name}") for name in before}, before, "nothing is changed")
    for name in ("pid", "tree"):
        ok(not os.path.exists(f"{PARAMETERS}/{name}")
           or not os.stat(f"{PARAMETERS}/{name}").st_mode & 0o222, f"{name} is for loading only")


def bounds():
    for name, values in (("period_ms", (1, 3_600_000, 100)), ("max_samples", (1, 2**32 - 1, 0, 100_000)),
                         ("max_targets", (1, 4_194_304, 16_384)), ("rt_priority", (1, 99, 0))):
        for value in values:
            set_parameter(name, value)
            equal(read(f"{PARAMETERS}/{name}"), f"{value}\n", f"{name}={value} is taken and told")


def gaps(history):
    return [after.time - before.time for before, after in zip(history, history[1:])]


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]


def quarter(numbers):
    """At most that large is a quarter of them: where a busy computer lets most passes come late, some
    are on time."""
    return sorted(numbers)[len(numbers) // 4]


def period():
    with process() as one:
        set_parameter("period_ms", HOUR_MS)
        write(one)
        time.sleep(0.3)
        count = len(samples(pid=one))
        ok(count <= 2, "an hour's period: no sample for now", count)
        set_parameter("period_ms", 20)
        ok(wait_until(lambda: len(samples(pid=one)) > count + 30),
           "made shorter, in the long sleep: samples come at once")
        short = gaps(samples(pid=one))[-25:]
        ok(15_000 < middle(short) and quarter(short) < 30_000, "one in each period", short)
        set_parameter("period_ms", 100)
        time.sleep(0.05)
        last = samples(pid=one)[-1].num
        ok(wait_until(lambda: samples(pid=one)[-1].num > last + 12), "made longer")
        longer = gaps(samples(pid=one))[-10:]
        ok(90_000 < middle(longer) and quarter(longer) < 130_000, "one in each period", longer)
        # Written over and over, it neither takes samples at every write nor starves.
        last, begin = samples(pid=one)[-1].num, statistics()["passes"]
        for _ in range(15_000):
            if statistics()["passes"] >= begin + 15:
                break
            set_parameter("period_ms", 100)
            time.sleep(0.004)
        meanwhile = [each for each in samples(pid=one) if each.num >= last]
        usual = gaps(meanwhile)
        ok(90_000 < middle(usual) and quarter(usual) < 130_000,
           "written over and over, the period is kept", usual)
        # Where one comes late, the next may come soon after, but no period has two.
        periods = (meanwhile[-1].time - meanwhile[0].time) / 100_000
        ok(len(meanwhile) <= periods + 2, "and none is taken twice", (len(meanwhile), periods))
        equal(problems(samples(pid=one)), [], "numbers are in order through all of it")
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
                      f"max_samples={most} while stopped: the newest stay, at once")
            equal(statistics()["alive"], len(left), "and count as alive")
        write("start")
        set_parameter("max_samples", 30)
        ok(wait_until(lambda: len(samples(pid=one)) == 30), "made larger, the history grows")
        number = samples(pid=one)[-1].num
        wrong = []
        while samples(pid=one)[-1].num < number + 100:
            begin = statistics()["passes"]
            count = len(samples(pid=one))
            passes = statistics()["passes"] - begin
            # What a read shows was there when it began: the oldest may have gone meanwhile, one in
            # each pass, and in one under way.
            if not 30 - passes - 1 <= count <= 30:
                wrong.append((count, passes))
        equal(wrong, [], "to that, and no more")
        write("stop")
        equal(len(samples(pid=one)), 30, "and once at rest, is just that long")
        write("start")
        equal(problems(samples()), [], "in order")
        set_parameter("max_samples", 0)
        ok(wait_until(lambda: len(samples(pid=one)) > 300), "0: no bound")
        write(f"-{one} -{two} -{three}")
        set_parameter("max_samples", 100_000)


def max_targets():
    with process() as one, process() as two:
        write(f"{one} {two}")
        set_parameter("max_targets", 1)
        equal(statistics()["targets"], 2, "made lower than there are: they stay")
        with process() as three:
            fails_with(errno.ENOSPC, lambda: write(three), "but none is added")
            write(f"-{one}")
            fails_with(errno.ENOSPC, lambda: write(three), "nor in the place of one of them")
            write(f"-{two}")
            write(three)
            equal(statistics()["targets"], 1, "until there is room")
            write(f"-{three}")
    set_parameter("max_targets", 16_384)


def main():
    with loaded():
        for part in (bad_values, bounds, period, max_samples, max_targets):
            part()
        equal(parameter("max_targets"), 16_384, "back where it was")


run(main)
