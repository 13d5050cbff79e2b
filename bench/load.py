# SPDX-License-Identifier: GPL-2.0
"""Tasks to watch: the program load."""

import os
import signal
import subprocess
import time

from measure import program


class Load:
    """Tasks that burn up to so much time in each period, once they are told to start."""

    def __init__(self, kind, count, period_us=0, user_us=0, system_us=0):
        self.period_us = period_us
        arguments = [kind, count, period_us, user_us, system_us]
        self.process = subprocess.Popen(
            [program("load"), *map(str, arguments)], text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.tasks = [int(self.process.stdout.readline()) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def start_after_pass(self, recorder):
        """From now on work, at first after a pass in each period.

        So the load's timer does not go off in a pass, whose time it would be counted into.
        """
        recorder.wait_for_passes(2)
        start_us = recorder.last_pass_us() + self.period_us + self.period_us // 10
        print(start_us, file=self.process.stdin, flush=True)

    def pause(self):
        """Returns once all tasks have stopped, which takes each of them some time."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        time.sleep(1)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)
