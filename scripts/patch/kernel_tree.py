# SPDX-License-Identifier: GPL-2.0
"""Edits the files of the kernel's tree to which the series adds lines."""

import pathlib
import shutil

FOLDER = "drivers/misc/taskmonitor"
DOCUMENT = "Documentation/admin-guide/taskmonitor.rst"
ABI = "Documentation/ABI/testing"
SELFTESTS = "tools/testing/selftests/taskmonitor"
MAINTAINERS_TITLE = "TASKMONITOR CPU TIME FLIGHT RECORDER"
# The existing files that the series changes.
CHANGED = (
    "drivers/misc/Kconfig", "drivers/misc/Makefile", "Documentation/admin-guide/index.rst",
    "tools/testing/selftests/Makefile", "MAINTAINERS",
)


class TreeError(Exception):
    """A file of the kernel's tree is not as this program expects it."""


def add_files(tree, folder):
    """Adds a folder of files/, which has files as they are in the kernel's tree."""
    files = pathlib.Path(__file__).resolve().parent / "files"
    shutil.copytree(files / folder, tree / folder, dirs_exist_ok=True)


def insert(tree, path, new, before):
    """Inserts a line before the first line for which `before` is true."""
    file = tree / path
    old = file.read_text(encoding="utf-8").splitlines(keepends=True)
    place = next((number for number, line in enumerate(old) if before(line)), None)
    if place is None:
        raise TreeError(f"{path} has no place for the line: {new.strip()}")
    file.write_text("".join([*old[:place], new, *old[place:]]), encoding="utf-8")


def append(tree, path, new):
    with open(tree / path, "a", encoding="utf-8") as file:
        file.write(new)


def add_folder(tree):
    """drivers/misc includes the module's folder."""
    add_files(tree, FOLDER)
    insert(tree, "drivers/misc/Kconfig", f'source "{FOLDER}/Kconfig"\n',
           lambda line: line == "endmenu\n")
    append(tree, "drivers/misc/Makefile", "obj-$(CONFIG_TASKMONITOR)\t+= taskmonitor/\n")


def hook_up_document(tree):
    """The admin guide lists the document with the core-kernel subsystems."""
    insert(tree, "Documentation/admin-guide/index.rst", "   taskmonitor\n",
           lambda line: line.startswith("Support for non-native binary formats"))
    # The line goes to the end of the list, before the empty line that ends it.
    file = tree / "Documentation/admin-guide/index.rst"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n\n   taskmonitor\n", "\n   taskmonitor\n\n"), encoding="utf-8")


def hook_up_selftests(tree):
    """The list of selftests, which is sorted, has the folder."""
    insert(tree, "tools/testing/selftests/Makefile", "TARGETS += taskmonitor\n",
           lambda line: line.startswith("TARGETS +=") and line > "TARGETS += taskmonitor\n")


def add_maintainers_entry(tree, author):
    """Adds the entry in MAINTAINERS, which has no `F:` line yet, at its place in the alphabet."""
    path = "MAINTAINERS"
    entry = (f"{MAINTAINERS_TITLE}\nM:\t{author}\nL:\tlinux-kernel@vger.kernel.org\n"
             "L:\trust-for-linux@vger.kernel.org\nS:\tMaintained\n\n")
    lines = (tree / path).read_text(encoding="utf-8").splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith("3C59X")), None)
    if begin is None:
        raise TreeError(f"{path} has no list of maintainers")
    titles = (line for above, line in zip(lines[begin - 1:], lines[begin:])
              if not above and line[:1].isalnum())
    # A few entries are out of order.
    after = min(title for title in titles if title > MAINTAINERS_TITLE)
    insert(tree, path, entry, lambda line: line == f"{after}\n")


def set_maintained_files(tree, patterns):
    """Makes these the `F:` lines of the entry."""
    file = tree / "MAINTAINERS"
    before, rest = file.read_text(encoding="utf-8").split(f"{MAINTAINERS_TITLE}\n")
    entry, after = rest.split("\n\n", maxsplit=1)
    kept = [line for line in entry.splitlines() if not line.startswith("F:")]
    kept += [f"F:\t{pattern}" for pattern in sorted(patterns)]
    file.write_text("\n".join([f"{before}{MAINTAINERS_TITLE}", *kept, "", after]), encoding="utf-8")
