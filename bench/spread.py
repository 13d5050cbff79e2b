#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: spread.py FIGURES FIGURES

Compares the figures of two runs: prints those that differ by 1 % or more.
"""

import sys

from table import number, read_figures

LIMIT = 0.01


def difference(one, other):
    """How much larger the larger value is, as a part of it."""
    largest = max(abs(one), abs(other))
    return abs(one - other) / largest if largest else 0


def main():
    first, second = map(read_figures, sys.argv[1:])
    common = [name for name in first if name in second]
    differing = [name for name in common if difference(first[name], second[name]) >= LIMIT]
    print(f"\n{'Figures that differ by 1 % or more':<47}{'first':>10} {'second':>10}")
    for name in differing:
        one, other = first[name], second[name]
        print(f"  {name:<45}{number(one):>10} {number(other):>10} {difference(one, other):>7.1%}")
    print(f"{len(common) - len(differing)} of {len(common)} figures differ by less than 1 %.")


if __name__ == "__main__":
    main()
