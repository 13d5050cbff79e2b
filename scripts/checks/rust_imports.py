# SPDX-License-Identifier: GPL-2.0
"""Finds the imports between the files of a Rust crate.

An import is a path to an item of another file, in a `use` declaration or in the code:
`crate::a::B`, `super::B`, `self::a::B`, or `a::B` in the file that declares module a.
Paths in comments and strings do not count. If the other file has the item from a `use`
of its own, the import is one of the file that defines the item. Macros are not expanded.
`use a::*` is an import of the file of a.
"""

import dataclasses
import pathlib
import re

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*)
  | (?P<literal>[bc]?r(?P<hashes>\#*)"(?:.|\n)*?"(?P=hashes)
      | [bc]?"(?:\\(?:.|\n)|[^"\\])*"
      | b?'(?:\\u\{[^}]*\}|\\x..|\\.|[^\\'])')
  | (?P<token>'\w+|(?:r\#)?[A-Za-z_]\w*|\d\w*|::|\S)
""", re.VERBOSE)
NAME = re.compile(r"[A-Za-z_]\w*")


@dataclasses.dataclass(frozen=True)
class Path:
    """A path in the source."""
    line: int
    segments: tuple
    scope: tuple  # the module with the path; it can be a `mod` block in a file
    name: str | None = None  # the name that a `use` gives to the item; None: not in a `use`
    is_reexport: bool = False


@dataclasses.dataclass(frozen=True)
class Import:
    """One file imports an item of another one."""
    source: pathlib.PurePath
    line: int
    text: str
    target: pathlib.PurePath
    is_reexport: bool


def tokens(text):
    """Returns (line, token) for each token that is no comment and no string or character."""
    found, position, line = [], 0, 1
    while match := TOKEN.search(text, position):
        line += text.count("\n", position, match.start())
        position = match.end()
        if match[0] == "/*":
            position = end_of_comment(text, position)
        elif match["token"]:
            found.append((line, match["token"].removeprefix("r#")))
        line += text.count("\n", match.start(), position)
    return found


def end_of_comment(text, position):
    """Returns where a block comment ends. Block comments can be nested."""
    depth = 1
    while depth and (match := re.compile(r"/\*|\*/").search(text, position)):
        depth += 1 if match[0] == "/*" else -1
        position = match.end()
    return len(text) if depth else position


class Source:
    """The paths, macros and names in one file."""

    def __init__(self, text, module):
        self.tokens = tokens(text)
        self.paths = []
        self.macros = []
        self.mentions = {}  # name: line of its first use outside of `use` declarations
        # For each open brace: the name of the module if it begins one, or None.
        blocks = []
        index = 0
        while index < len(self.tokens):
            self.scope = (*module, *filter(None, blocks))
            token = self.at(index)
            if token == "mod" and self.at(index + 2) == "{":
                blocks.append(self.at(index + 1))
                index += 3
                continue
            if token == "{":
                blocks.append(None)
            elif token == "}" and blocks:
                blocks.pop()
            if token == "use" and self.at(index + 1) != "<":
                index = self.read_tree(index + 1, (), self.is_public(index))
            elif NAME.fullmatch(token):
                if token == "macro_rules":
                    self.macros.append(self.at(index + 2))
                index = self.read_path(index)
            else:
                index += 1

    def at(self, index):
        return self.tokens[index][1] if 0 <= index < len(self.tokens) else ""

    def is_public(self, index):
        """Whether `pub` or `pub(…)` precedes the token."""
        index -= 1
        if self.at(index) == ")":
            while index >= 0 and self.at(index) != "(":
                index -= 1
            index -= 1
        return self.at(index) == "pub"

    def read_tree(self, index, prefix, is_reexport):
        """Reads a tree of a `use` declaration. Returns the index of the next token."""
        line, segments = self.tokens[index][0], list(prefix)
        while (token := self.at(index)) == "::" or NAME.fullmatch(token) and token != "as":
            # A `::` at the beginning leads to another crate. In a group, `self` is the module
            # that precedes the group.
            if not segments or token != "::" and not (token == "self" and prefix):
                segments.append(token)
            index += 1
        if token == "{":
            index += 1
            while self.at(index) not in ("}", ""):
                index = self.read_tree(index, segments, is_reexport)
                if self.at(index) == ",":
                    index += 1
            return index + 1
        if token == "*":
            segments.append(token)
            index += 1
        name = segments[-1]
        if token == "as":
            name = self.at(index + 1)
            index += 2
        self.paths.append(Path(line, tuple(segments), self.scope, name, is_reexport))
        return index

    def read_path(self, index):
        """Reads a path or a name in the code. Returns the index of the next token."""
        line, first = self.tokens[index]
        start, segments = index, [first]
        index += 1
        while self.at(index) == "::" and NAME.fullmatch(self.at(index + 1)):
            segments.append(self.at(index + 1))
            index += 2
        before = self.at(start - 1)
        is_visibility = before == "in" and self.at(start - 3) == "pub"
        if before == "::" or is_visibility:
            return index
        if len(segments) > 1:
            self.paths.append(Path(line, tuple(segments), self.scope))
        if before not in (".", "fn", "mod") and self.at(index) != ":":
            self.mentions.setdefault(first, line)
        return index


class Crate:
    """The files of a crate and their imports."""

    def __init__(self, folder, root):
        self.folder = pathlib.Path(folder)
        self.files = {}  # by module: () is the root, ("a", "b") is a/b.rs or a/b/mod.rs
        for file in self.find_files(root):
            module = file.with_suffix("").parts
            if module == (root,):
                module = ()
            elif module[-1] == "mod":
                module = module[:-1]
            self.files[module] = file
        self.sources = {module: Source((self.folder / file).read_text(encoding="utf-8"), module)
                        for module, file in self.files.items()}
        self.macros = {name: module for module, source in self.sources.items()
                       for name in source.macros}
        self.imports = [found for module in self.files for found in self.imports_of(module)]

    def find_files(self, root):
        """Yields X.rs and X/mod.rs beside the root file, and the files in each folder X."""
        tops = sorted(self.folder.glob("*.rs")) + sorted(self.folder.glob("*/mod.rs"))
        for top in tops:
            yield top.relative_to(self.folder)
            below = top.parent if top.name == "mod.rs" else top.with_suffix("")
            if top.stem != root:
                yield from (file.relative_to(self.folder)
                            for file in sorted(below.rglob("*.rs")) if file != top)

    def imports_of(self, module):
        source = self.sources[module]
        for path in source.paths:
            target = self.target(path)
            if target is None or target == module:
                continue
            text = "::".join(path.segments)
            yield Import(self.files[module], path.line, text, self.files[target], path.is_reexport)
            # The file may also use the item that it re-exports.
            if path.is_reexport and path.name in source.mentions:
                yield Import(self.files[module], source.mentions[path.name], path.name,
                             self.files[target], False)

    def absolute(self, path):
        """Returns the path from the crate's root, or None for an item of another crate."""
        scope, segments = list(path.scope), list(path.segments)
        if segments[0] == "crate":
            return tuple(segments[1:])
        if segments[0] not in ("self", "super"):
            return (*scope, *segments) if (*scope, segments[0]) in self.files else None
        while segments and segments[0] in ("self", "super"):
            if segments.pop(0) == "super":
                scope = scope[:-1]
        return (*scope, *segments)

    def target(self, path, seen=()):
        """Returns the key in `files` of the module that defines the item, or None as above."""
        absolute = self.absolute(path)
        if absolute is None:
            return None
        if len(absolute) == 1 and absolute not in self.files and absolute[0] in self.macros:
            return self.macros[absolute[0]]
        length = max(length for length in range(len(absolute) + 1)
                     if absolute[:length] in self.files)
        module, names = absolute[:length], absolute[length:]
        if names and names[0] != "*" and path not in seen:
            for other in self.sources[module].paths:
                if other.name == names[0] and other.scope == module and other != path:
                    return self.target(other, (*seen, path))
        return module
