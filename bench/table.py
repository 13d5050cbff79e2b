#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: table.py FIGURES [JSON]

Reads `name value` lines, prints them as a table with the goals and the cost of other ways,
and writes them to the JSON file.
"""

import json
import os
import sys

# Each section: its heading and its rows. Each row: the name of the figure, its description, the
# goal, and what it is compared with. A goal is the largest value, (`>=`, the smallest value)
# or (factor, the name of another figure). It is compared with another figure.
SECTIONS = (
    ("Instructions for a sample", (
        ("sample_busy_thread_insns", "a busy thread", 200, "proc_stat_open_insns"),
        ("sample_busy_process_insns", "a busy single-threaded process", 215,
         "proc_stat_open_insns"),
        ("sample_idle_insns", "an idle process", 50, "proc_stat_open_insns"),
        ("pass_sample_insns_100", "one of 100, half of them busy", None, None),
        ("pass_sample_insns_10000", "one of 10,000, half of them busy",
         (1.3, "pass_sample_insns_100"), "pass_sample_insns_100"),
        ("peer_sample_insns", "the usual way: one object a sample", None,
         "proc_stat_open_insns"),
        ("schedstat_insns", "/proc/PID/schedstat kept open (run time alone)", None, None),
        ("taskstats_insns", "taskstats over netlink", None, None),
        ("proc_stat_open_insns", "/proc/PID/stat kept open", None, None),
        ("proc_stat_insns", "/proc/PID/stat opened each time", None, None),
    )),
    ("Bytes for a sample", (
        ("bytes_per_sample_busy", "a busy thread, 10 ms periods", 2.6, "peer_bytes_per_sample"),
        ("bytes_per_sample_herd", "the same, all wake at once", None, "peer_bytes_per_sample"),
        ("bytes_per_sample_heavy", "a thread that uses tens of ms, 100 ms periods", 7,
         "peer_bytes_per_sample"),
        ("bytes_per_sample_idle", "an idle process", 0.01, "peer_bytes_per_sample"),
        ("peer_bytes_per_sample", "the usual way: one object a sample", None, None),
    )),
    ("Instructions to read a line of debugfs", (
        ("read_line_insns_100k", "100,000 samples, 4 KiB reads", 540,
         "peer_read_line_insns_100k"),
        ("read_line_insns_100k_64k_buffer", "100,000 samples, 64 KiB reads", 540, None),
        ("read_line_insns_400k", "400,000 samples, 4 KiB reads",
         (1.05, "read_line_insns_100k"), "peer_read_line_insns_400k"),
        ("read_memory_kib", "KiB for a reader in the middle of 1,000,000", 64, None),
    )),
    ("Eviction", (
        ("pages_back_ratio", "part of the pages freed with half the samples", (">=", 0.48),
         None),
        ("evict_segment_insns", "instructions for a segment, 100 targets", 400, None),
        ("evict_segment_insns_100", "the same, few samples", 400, None),
        ("evict_segment_insns_10000", "instructions for a segment, 10,000 targets", 400,
         "evict_segment_insns_100"),
    )),
    ("Extra instructions of a fork while tree: is used", (
        ("fork_probe_insns_unrelated", "of a process that is not watched", 40, None),
        ("fork_probe_insns_followed", "of one that is followed", None, None),
        ("short_life_insns", "fork and exit of one that is followed", None, None),
        ("short_life_displacing_insns", "the same, at max_targets", None, None),
        ("target_bytes_short_lived", "bytes of a process that exits at once", 512, None),
    )),
    ("A whole machine, 2,000 processes", (
        ("machine_insns_1s", "instructions a second, 1 s periods", 400_000, None),
        ("machine_mib_day_1s", "MiB a day, 1 s periods", 32, None),
        ("machine_insns_100ms", "instructions a second, 100 ms periods", 3_000_000, None),
        ("machine_mib_day_100ms", "MiB a day, 100 ms periods", None, None),
    )),
    ("Instructions of tree: for processes that live already", (
        ("tree_1_of_2000_insns", "tree:1 with 2,000 processes", 20_000_000, None),
    )),
    ("Instructions to add or remove a target", (
        ("add_target_insns_100", "add, 100 there, a write for each", None, None),
        ("add_target_insns_10000", "add, 10,000 there", (2, "add_target_insns_100"),
         "add_target_insns_100"),
        ("remove_target_insns_100", "remove, 100 there", None, None),
        ("remove_target_insns_10000", "remove, 10,000 there", (2, "remove_target_insns_100"),
         "remove_target_insns_100"),
        ("add_target_batch_insns_100", "add, 100 there, 400 in a write", None, None),
        ("add_target_batch_insns_10000", "add, 10,000 there, 400 in a write",
         (2, "add_target_batch_insns_100"), "add_target_batch_insns_100"),
    )),
)


# The loads whose mean times are printed below the table.
LOADS = (("busy", "Busy threads"), ("herd", "Busy threads that wake at once"),
         ("heavy", "Threads that use tens of ms"))


def read_figures(path):
    with open(path, encoding="ascii") as file:
        return {name: float(value) for name, value in map(str.split, file)}


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def judged(value, goal, figures):
    """The goal as text, and the verdict."""
    if goal is None:
        return "", ""
    if isinstance(goal, tuple) and goal[0] == ">=":
        return f">= {number(goal[1])}", "ok" if value >= goal[1] else "MISSED"
    if isinstance(goal, tuple):
        factor, other = goal
        if other not in figures:
            return "", ""
        goal = factor * figures[other]
    return f"<= {number(goal)}", "ok" if value <= goal else "MISSED"


def ratio(value, other, figures):
    """How many times the value the other one is, as text."""
    other = figures.get(other)
    if other is None or not value:
        return ""
    return f"{number(other)} = {number(other / value)} x"


def print_table(figures):
    for heading, rows in SECTIONS:
        rows = [row for row in rows if row[0] in figures]
        if not rows:
            continue
        print(f"\n{heading:<47}{'':>10} {'goal':>10} {'':<7}the other = ratio")
        for name, what, goal, other in rows:
            value = figures[name]
            limit, verdict = judged(value, goal, figures)
            line = (f"  {what:<45}{number(value):>10} {limit:>10} {verdict:<7}"
                    f"{ratio(value, other, figures)}")
            print(line.rstrip())


def print_notes(figures):
    print()
    if "clock_insns_per_ns" in figures:
        print(f"One nanosecond of the machine is {figures['clock_insns_per_ns']:.4f} instructions,"
              " by a loop of a known number of them.")
    for name, what in LOADS:
        if f"{name}_usr_us" in figures:
            usr, sys_, wait = (figures[f"{name}_{part}_us"] for part in ("usr", "sys", "wait"))
            print(f"{what}, in a period on average: usr {usr:.1f} us, sys {sys_:.1f} us,"
                  f" wait {wait:.1f} us.")


def main():
    figures = read_figures(sys.argv[1])
    print_table(figures)
    print_notes(figures)
    if len(sys.argv) > 2:
        with open(sys.argv[2] + ".new", "w", encoding="ascii") as file:
            json.dump(figures, file, indent=1)
            file.write("\n")
        os.replace(sys.argv[2] + ".new", sys.argv[2])


if __name__ == "__main__":
    main()
