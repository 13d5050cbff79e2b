# SPDX-License-Identifier: GPL-2.0
"""What the usual way costs: a C module with an object for each sample (peer/)."""

from measure import time_to_read
from parts.history import PERIOD_US, busy_threads
from peer_module import FILE, Peer


def peer():
    with Peer(PERIOD_US) as module, busy_threads() as load:
        module.watch(load.tasks)
        load.start_after_pass(module)
        module.wait_for_passes(100)
        yield "peer_sample_insns", module.sample_cost(100)
        yield "peer_bytes_per_sample", module.sample_size()
        # What the samples contain does not matter from here on.
        load.pause()
        module.take(100_000)
        yield "peer_read_line_insns_100k", time_to_read(FILE, 4096, rounds=1)
        module.take(400_000)
        yield "peer_read_line_insns_400k", time_to_read(FILE, 4096, rounds=1)
