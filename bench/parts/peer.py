# SPDX-License-Identifier: GPL-2.0
"""What the usual way costs: a C module with an object for each sample (peer/)."""

from measure import output
from parts.history import PERIOD_US, busy_threads
from peer_module import FILE, Peer

READS = 100


def peer():
    with Peer(PERIOD_US) as module, busy_threads() as load:
        load.work_watched_by(module, 100)
        yield "peer_sample_insns", module.sample_cost(100)
        yield "peer_bytes_per_sample", module.sample_size()
        # What the samples contain does not matter from here on.
        load.pause()
        module.take(100_000)
        spent, lines, size = read_lines()
        yield "peer_read_line_insns_100k", spent / lines
        module.take(400_000)
        # A line costs more the further it is from the beginning, so the mean of all lines is the
        # cost in the middle. To read all would take a minute.
        spent, lines, _ = read_lines(size * 4 // 2, READS)
        yield "peer_read_line_insns_400k", spent / lines


def read_lines(*part):
    """Reads the file, or a part of it, by 4 KiB: nanoseconds, lines and bytes."""
    return map(int, output("meter", "read", FILE, 4096, *part))
