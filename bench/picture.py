#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: picture.py JSON SVG

Draws the cost of a sample in instructions and bytes, from the figures of a run, beside other
ways to get one. The colours follow the reader's light or dark theme.
"""

import json
import math
import os
import sys

from html import escape

WIDTH = 760
LABELS = 268
ROW = 25
BAR = 15
VALUES = 72

STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif;
         fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .note, .tick { font-size: 11px; fill: #656d76 }
  .label { text-anchor: end }
  .tick { text-anchor: middle }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .ours { fill: #1a7f64 }
  .other { fill: #9aa4ae }
  .value { font-weight: 600; font-variant-numeric: tabular-nums }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note, .tick { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .ours { fill: #3fb98f }
    .other { fill: #6b7681 }
  }
"""


def bars(figures):
    """The two charts: title, note, scale, and rows of (label, value, whether it is ours)."""
    cost = [
        ("taskmonitor, an idle process", figures["sample_idle_insns"], True),
        ("taskmonitor, a busy thread", figures["sample_busy_thread_insns"], True),
        ("taskmonitor, a busy process", figures["sample_busy_process_insns"], True),
        ("a C module, one object a sample", figures["peer_sample_insns"], False),
        ("/proc/PID/schedstat (run time alone)", figures["schedstat_insns"], False),
        ("taskstats over netlink", figures["taskstats_insns"], False),
        ("/proc/PID/stat, kept open", figures["proc_stat_open_insns"], False),
        ("/proc/PID/stat, opened each time", figures["proc_stat_insns"], False),
    ]
    size = [
        ("taskmonitor, an idle process", figures["bytes_per_sample_idle"], True),
        ("taskmonitor, a busy thread", figures["bytes_per_sample_busy"], True),
        ("taskmonitor, tens of ms each time", figures["bytes_per_sample_heavy"], True),
        ("a C module, one object a sample", figures["peer_bytes_per_sample"], False),
    ]
    return (
        ("What it costs to take a sample", "instructions, logarithmic scale",
         Logarithmic(10, 30000), cost),
        ("What it takes to keep one", "bytes of kernel memory", Linear(0, 70, 20), size),
    )


class Logarithmic:
    """A logarithmic scale with a tick for each power of ten."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def place(self, value):
        """The position of the value, from 0 to 1."""
        return math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)

    def ticks(self):
        power = self.low
        while power <= self.high:
            yield power
            power *= 10


class Linear:
    """A linear scale."""

    def __init__(self, low, high, step):
        self.low, self.high, self.step = low, high, step

    def place(self, value):
        """The position of the value, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def ticks(self):
        return range(self.low, self.high + 1, self.step)


def shown(value):
    """The value with two digits, so that another run gives the same picture."""
    digits = 1 - math.floor(math.log10(value))
    rounded = round(value, digits)
    return f"{rounded:,.0f}" if digits <= 0 else f"{rounded:.{digits}f}"


def draw_text(x, y, text, kind):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(text)}</text>'


def draw_chart(top, chart):
    """One chart that begins at `top`: its elements, and the position of its end."""
    title, note, scale, rows = chart
    span = WIDTH - LABELS - VALUES
    first = top + 44
    bottom = first + ROW * len(rows)
    elements = [draw_text(16, top + 18, title, "title"), draw_text(16, top + 35, note, "note")]
    for tick in scale.ticks():
        x = LABELS + span * scale.place(tick)
        elements.append(f'<line x1="{x:.0f}" y1="{first}" x2="{x:.0f}" y2="{bottom}"'
                        ' class="grid"/>')
        elements.append(draw_text(round(x), bottom + 14, f"{tick:,}", "tick"))
    for number, (label, value, ours) in enumerate(rows):
        y = first + ROW * number + (ROW - BAR) / 2
        text = shown(value)
        length = max(span * scale.place(float(text.replace(",", ""))), 2)
        elements += [
            draw_text(LABELS - 8, y + 12, label, "label"),
            f'<rect x="{LABELS}" y="{y:g}" width="{length:.0f}" height="{BAR}" rx="2"'
            f' class="{"ours" if ours else "other"}"/>',
            draw_text(round(LABELS + length + 6), y + 12, text, "value"),
        ]
    return elements, bottom + 30


def draw(figures):
    elements, top = [], 8
    for chart in bars(figures):
        more, top = draw_chart(top, chart)
        elements += more
    elements.append(draw_text(16, top + 8, "All figures are from one run of make bench.", "note"))
    height = top + 20
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img"'
        ' aria-label="Instructions and bytes for a sample, beside other ways">',
        f"<style>{STYLE}</style>", *elements, "</svg>", ""])


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        figures = json.load(file)
    with open(sys.argv[2] + ".new", "w", encoding="ascii") as file:
        file.write(draw(figures))
    os.replace(sys.argv[2] + ".new", sys.argv[2])


if __name__ == "__main__":
    main()
