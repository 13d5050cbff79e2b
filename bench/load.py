# SPDX-License-Identifier: GPL-2.0
"""The tasks to watch: they are made by programs/load.c."""

import os
import signal
import subprocess
import time

from measure import program


class Load:
    """Tasks that use up to that much CPU time in each period, after start_after_pass(): one after
    the other in a relay, or all at once in a herd."""

    def __init__(self, kind, count, period_us=0, user_us=0, system_us=0, order="relay"):
        self.period_us = period_us
        arguments = [kind, order, count, period_us, user_us, system_us]
        self.process = subprocess.Popen(
            [program("load"), *map(str, arguments)], text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.tasks = [int(self.process.stdout.readline()) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def work_watched_by(self, module, passes):
        """Watches the tasks, starts their work, and waits for that many passes."""
        module.watch(self.tasks)
        self.start_after_pass(module)
        module.wait_for_passes(passes)

    def start_after_pass(self, module):
        """Starts the work of the tasks, in each period a fixed time after the pass.

        So the timer interrupt of the load does not come during a pass and is not counted as part
        of its time.
        """
        module.wait_for_passes(2)
        start_us = module.last_pass_us() + self.period_us + self.period_us // 10
        print(start_us, file=self.process.stdin, flush=True)

    def pause(self):
        """Stops all tasks, and waits for a second so that each has stopped."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        time.sleep(1)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)
