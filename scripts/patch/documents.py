# SPDX-License-Identifier: GPL-2.0
"""The documents of the series. Their text is that of the manual page man/taskmonitor.4."""

import pathlib

import kernel_tree
import mdoc

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
NOTE = ("This page has the text of the manual page taskmonitor(4). Most people use the module "
        "through the program taskmon(1), which comes with that page.")
DATE, VERSION = "November 2026", "7.5"
CONTACT = "linux-kernel@vger.kernel.org"
PARAMETERS = ("pid", "tree", "period_ms", "max_samples", "max_kib", "max_targets", "rt_priority")
FOLDER_OF_PARAMETERS = "/sys/module/taskmonitor/parameters"
# Each file of Documentation/ABI, and what it describes.
ABI_FILES = {
    "debugfs-taskmonitor": ("/sys/kernel/debug/taskmonitor", "/sys/kernel/debug/taskmonitor_tasks",
                            "/sys/kernel/debug/taskmonitor_stats"),
    "sysfs-kernel-taskmonitor": ("/sys/kernel/taskmonitor",),
    "sysfs-module-taskmonitor": tuple(f"{FOLDER_OF_PARAMETERS}/{name}" for name in PARAMETERS),
}


def manual():
    return mdoc.Reader((CHECKOUT / "man/taskmonitor.4").read_text(encoding="utf-8"))


def add_document(tree):
    (tree / kernel_tree.DOCUMENT).write_text(mdoc.as_rst(manual(), NOTE), encoding="utf-8")


def description(page, what):
    """Returns the text that the manual has about a file: its item in a list."""
    folder, name = what.rsplit("/", maxsplit=1)
    if folder == FOLDER_OF_PARAMETERS:
        return page.section("Parameters").item(name).blocks
    blocks = list(page.section("Files").item(what).blocks)
    if what != "/sys/kernel/debug/taskmonitor_stats":
        blocks.append(mdoc.Paragraph(
            f"The samples and the commands are described in {kernel_tree.DOCUMENT}."))
    return blocks


def add_abi(tree):
    page = manual()
    for name, interfaces in ABI_FILES.items():
        entries = []
        for what in interfaces:
            text = mdoc.lines(description(page, what), 62)
            entries.append("\n".join([
                f"What:\t\t{what}", f"Date:\t\t{DATE}", f"KernelVersion:\t{VERSION}",
                f"Contact:\t{CONTACT}", "Description:",
                *(f"\t\t{line}" if line else "" for line in text)]) + "\n")
        (tree / kernel_tree.ABI).mkdir(parents=True, exist_ok=True)
        (tree / kernel_tree.ABI / name).write_text("\n".join(entries), encoding="utf-8")
