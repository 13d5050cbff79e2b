# SPDX-License-Identifier: GPL-2.0
"""The module's source as it is after each patch of the series.

The files of a Rust module X are added with the patch that has X. Until the last one has been
added, the crate's root file, taskmonitor.rs, declares the modules that exist and loads a
module that does nothing; and abstractions.rs declares the wrappers that exist.
"""

import re
import shutil

ROOT = "taskmonitor.rs"
ABSTRACTIONS = "abstractions.rs"
DECLARATION = re.compile(r"(?:pub\(crate\) )?mod (\w+);\n")

ALLOWED = """
// The patches that follow use what is unused here.
#![allow(dead_code, unused_imports, unused_macros)]
"""
INIT = """/// The module, which does nothing before it has its files.
pub(crate) struct TaskMonitor;

impl kernel::Module for TaskMonitor {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
"""


def declared(text):
    """The names of the modules that the text declares."""
    return DECLARATION.findall(text)


def copy_module(source, target, name):
    """Copies the file X.rs and the folder X/, if there is one."""
    shutil.copy(source / f"{name}.rs", target / f"{name}.rs")
    if (source / name).is_dir():
        shutil.copytree(source / name, target / name, dirs_exist_ok=True)


def keep_declared(text, names):
    """Returns the text without the declarations of other modules."""
    def kept(match):
        return match.group() if match.group(1) in names else ""
    # An attribute belongs to the declaration below it.
    return DECLARATION.sub(kept, text)


class Crate:
    """The source, from which the patches take one part after the other into the folder `target`."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.root = (source / ROOT).read_text(encoding="utf-8")
        self.abstractions = (source / ABSTRACTIONS).read_text(encoding="utf-8")
        self.wrappers, self.modules = [], ["abstractions"]

    def missing(self):
        """The modules and wrappers that no patch has added."""
        return [name for text, added in ((self.root, self.modules), (self.abstractions, self.wrappers))
                for name in declared(text) if name not in added]

    def add(self, wrappers, modules):
        """Adds the wrappers of abstractions/ and the modules."""
        (self.target / "abstractions").mkdir(parents=True, exist_ok=True)
        for name in wrappers:
            copy_module(self.source / "abstractions", self.target / "abstractions", name)
        for name in modules:
            copy_module(self.source, self.target, name)
        self.wrappers += wrappers
        self.modules += modules
        is_whole = not self.missing()
        (self.target / ROOT).write_text(self.root if is_whole else self.partial_root(), encoding="utf-8")
        has_wrappers = all(name in self.wrappers for name in declared(self.abstractions))
        (self.target / ABSTRACTIONS).write_text(
            self.abstractions if has_wrappers else self.partial_abstractions(), encoding="utf-8")

    def partial_root(self):
        lint = "#![deny(unsafe_code)]\n"
        head, rest = self.root.split(lint)
        declarations = rest[:rest.index("\nuse ")]
        metadata = rest[rest.index("module! {"):]
        metadata = metadata[:metadata.index("\n}\n") + 3]
        return "".join([head, lint, ALLOWED, keep_declared(declarations, self.modules),
                        "\nuse kernel::prelude::*;\n\n", metadata, "\n", INIT])

    def partial_abstractions(self):
        """Without the check at the end of the file, which names all the wrappers."""
        text = self.abstractions
        last = max(match.end() for match in DECLARATION.finditer(text))
        return keep_declared(text[:last], self.wrappers)
