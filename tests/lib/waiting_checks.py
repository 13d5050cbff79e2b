# SPDX-License-Identifier: GPL-2.0
"""Threads that compete for a CPU; checks of `wait` that several tests share."""

import hashlib
import threading

from lib.processes import wait_until
from lib.results import equal, note, ok
from lib.samples import exit_samples, problems, samples, wait_for_exit_samples


def keep_busy(rounds=300):
    """Is busy for a short time, without the interpreter's lock, so that other threads can run at the same time."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", rounds)


def in_threads(number, function):
    """Runs the function in that many threads at the same time."""
    threads = [threading.Thread(target=function) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _not_as_recorded(exits, last, pids):
    """Those of the exit samples whose `wait` is not what the exit records of these processes allow."""
    wrong = []
    for pid in pids:
        records = exits.threads_of(pid)
        # Each record is sent after its thread was added to the sum of the process, which only grows by that. The last
        # thread can send the sum before another one, which is exiting too, is added.
        most = sum(each.run_delay_us for each in records)
        least = exits.process_delays_us.get(pid, most)
        if pid in exits.process_delays_us:
            allowed = int(least) <= last[pid].wait <= most
        else:
            # Of the only thread, it is what it has waited until it left the CPU for ever.
            allowed = int(least) <= last[pid].wait
        if not records or not allowed:
            wrong.append((last[pid], least, most, len(records)))
    return wrong


def _are_complete(exits, pids):
    """Whether the records of all threads have come. A thread that is killed can send its own after the last one has sent
    that of the process, which has it in its sum."""
    return all(sum(each.run_delay_us for each in exits.threads_of(pid)) + 1 >= exits.process_delays_us.get(pid, 0)
               for pid in pids)


def check_waits(exits, pids, name):
    """Waits until these processes have exit samples, and compares them with the exit records."""
    ok(wait_for_exit_samples(len(pids)), f"{name}: each process has an exit sample")
    wait_until(lambda: exits.missed or {each.pid for each in exits.threads} >= set(pids))
    wait_until(lambda: exits.missed or _are_complete(exits, pids))
    equal(exits.missed, 0, f"{name}: no exit record is missing")
    last = exit_samples()
    several = sum(pid in exits.process_delays_us for pid in pids)
    note(f"{name}: {len(pids)} processes, {several} with several threads; "
         f"wait {sum(last[pid].wait for pid in pids)} us")
    equal(_not_as_recorded(exits, last, pids)[:3], [], f"{name}: 'wait' is what the exit records say")
    ok(any(last[pid].wait for pid in pids), f"{name}: there were waits")
    equal(problems(samples()), [], f"{name}: no number falls")
