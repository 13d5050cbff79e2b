# SPDX-License-Identifier: GPL-2.0
"""Runs the C programs, which bench/run has built, and returns what they have measured."""

import os
import subprocess

BUILT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bench")


def program(name):
    return os.path.join(BUILT, name)


def output(name, *arguments, stdin=""):
    """Runs the program. Its output, split at white space."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()


def time_to_read(path, size):
    """Instructions for one line of the file, read in pieces of `size` bytes: the least of three
    measurements, because other work adds to the time."""
    times = []
    for _ in range(3):
        spent, lines, _ = map(int, output("meter", "read", path, size))
        times.append(spent / lines)
    return min(times)


def times_to_write(path, lines):
    """Instructions for each of the writes, one for each line."""
    return [int(word) for word in output("meter", "write", path,
                                         stdin="".join(f"{line}\n" for line in lines))]
