# SPDX-License-Identifier: GPL-2.0
"""The programs in C, built by bench/run, and what they say."""

import os
import subprocess

BUILT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bench")


def program(name):
    return os.path.join(BUILT, name)


def output(name, *arguments, stdin=""):
    """What the program prints, as words."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()


def time_to_read(path, size):
    """Instructions for a line of the file, read in pieces of so many bytes: the least of three
    times, in which nothing else ran."""
    times = []
    for _ in range(3):
        spent, lines = map(int, output("meter", "read", path, size))
        times.append(spent / lines)
    return min(times)


def times_to_write(path, lines):
    """Instructions for each write of one of the lines."""
    return [int(word) for word in output("meter", "write", path,
                                         stdin="".join(f"{line}\n" for line in lines))]
