# SPDX-License-Identifier: GPL-2.0
"""The selftests of the series: those tests of tests/ that the selftests' Makefile names.

They are side by side in one folder, with lib/ below it: Python finds `lib` beside the test.
"""

import pathlib
import re
import shutil

import kernel_tree

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
# The lines of a head comment that only tests/run reads, with the empty comment above them.
FOR_RUNNER = re.compile(r"(?:^#\n)?(?:^# (?:kernels|on demand|boot|needs|alone)\b.*\n)+", re.MULTILINE)
HELPERS = re.compile(r"^from lib\.(\w+) import", re.MULTILINE)


def names(makefile):
    """The tests that the Makefile has in TEST_PROGS."""
    return re.findall(r"^TEST_PROGS \+= (\S+)$", makefile.read_text(encoding="utf-8"), re.MULTILINE)


def helpers(text):
    """The names of the files in lib/ from which the text imports, also indirectly."""
    found, unseen = set(), set(HELPERS.findall(text))
    while unseen:
        found |= unseen
        unseen = {other for name in unseen for other in HELPERS.findall(
            (CHECKOUT / f"tests/lib/{name}.py").read_text(encoding="utf-8"))} - found
    return found


def add(tree):
    kernel_tree.add_files(tree, kernel_tree.SELFTESTS)
    folder = tree / kernel_tree.SELFTESTS
    used = set()
    for name in names(folder / "Makefile"):
        test, = CHECKOUT.glob(f"tests/*/{name}")
        text = FOR_RUNNER.sub("", test.read_text(encoding="utf-8"))
        used |= helpers(text)
        (folder / name).write_text(text, encoding="utf-8")
        shutil.copymode(test, folder / name)
    (folder / "lib").mkdir()
    for name in sorted(used):
        shutil.copy(CHECKOUT / f"tests/lib/{name}.py", folder / "lib")
