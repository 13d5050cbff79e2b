#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of `layers` and rust_imports.py with small made-up crates.

Usage: layers_test.py
"""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True


def load(name):
    """Loads a program of this folder as a Python module, although its name has no `.py`."""
    loader = importlib.machinery.SourceFileLoader(name, str(HERE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.modules[name] = module
    loader.exec_module(module)
    return module


layers = load("layers")
LAYERS = (("top",), ("left", "right"), ("middle",), ("bottom",))


class LayersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # Each module of the table exists.
        for name in ("top", "left", "right", "middle", "bottom"):
            self.write(f"{name}.rs", "")

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def breaches(self, **rules):
        rules = {"folder": ".", "root": "top", "layers": LAYERS} | rules
        return layers.Check(layers.Rules(**rules), self.folder).run()

    def assert_imports(self, text, *targets, file="middle.rs"):
        """A file with that text imports those files."""
        self.write(file, text)
        crate = layers.Crate(self.folder, "top")
        found = [str(each.target) for each in crate.imports if str(each.source) == file]
        self.assertEqual(found, list(targets))

    # Tests of the rules.

    def test_lower_layers_may_be_imported(self):
        self.write("top.rs", "mod left;\nuse left::Left;\nuse bottom::Bottom;\n")
        self.write("left.rs", "use crate::middle::Middle;\nuse crate::bottom::{self, Bottom};\n")
        self.assertEqual(self.breaches(), [])

    def test_a_higher_layer(self):
        self.write("middle.rs", "use core::fmt;\nuse crate::left::Left;\n")
        self.assertEqual(self.breaches(), [
            "middle.rs:2: crate::left::Left: "
            "middle (layer 3) imports left (layer 2), which is above it"])

    def test_the_same_layer(self):
        self.write("left.rs", "use crate::right::Right;\n")
        self.assertEqual(self.breaches(), [
            "left.rs:1: crate::right::Right: "
            "left (layer 2) imports right (layer 2), which is in the same layer"])

    def test_files_of_a_folder_belong_to_its_module(self):
        self.write("middle/part.rs", "use super::super::left::Left;\nuse super::other::Other;\n")
        self.write("middle/other.rs", "")
        self.write("bottom/mod.rs", "use crate::middle::part::Part;\n")
        (self.folder / "bottom.rs").unlink()
        self.assertEqual(self.breaches(), [
            "middle/part.rs:1: super::super::left::Left: "
            "middle (layer 3) imports left (layer 2), which is above it",
            "bottom/mod.rs:1: crate::middle::part::Part: "
            "bottom (layer 4) imports middle (layer 3), which is above it"])

    def test_an_item_of_the_root_file(self):
        self.write("left.rs", "use crate::Owner;\n")
        self.write("middle.rs", "fn f() -> crate::Owner {}\n")
        self.assertEqual(self.breaches(root_items={("left", "Owner"): "reason"}), [
            "middle.rs:1: crate::Owner: middle (layer 3) imports top (layer 1), which is above it"])

    def test_unit_tests_count(self):
        self.write("middle.rs", "#[cfg(test)]\nmod tests {\n    use crate::left::Left;\n}\n")
        self.assertEqual(self.breaches(), [
            "middle.rs:3: crate::left::Left: "
            "middle (layer 3) imports left (layer 2), which is above it"])

    def test_the_table_is_complete(self):
        self.write("new.rs", "")
        (self.folder / "middle.rs").unlink()
        self.assertEqual(self.breaches(), [
            "new.rs:1: new: the module has no layer in scripts/checks/layers",
            "middle.rs: scripts/checks/layers has this module, but there is no such file"])

    def test_a_circle_of_files(self):
        self.write("middle/a.rs", "use super::b::B;\n")
        self.write("middle/b.rs", "\nuse crate::middle::c::C;\n")
        self.write("middle/c.rs", "fn f() {\n    super::a::f();\n}\n")
        self.assertEqual(self.breaches(), [
            "middle/a.rs:1: super::b::B: circle of imports: "
            "middle/a.rs:1 -> middle/b.rs:2 -> middle/c.rs:2 -> middle/a.rs:1"])

    def test_a_circle_that_the_table_allows(self):
        self.write("middle/a.rs", "use super::b::B;\n")
        self.write("middle/b.rs", "use super::a::A;\n")
        self.assertEqual(self.breaches(circles={("middle/b.rs", "middle/a.rs"): "reason"}), [])

    def test_an_exception_that_is_not_needed(self):
        self.assertEqual(self.breaches(root_items={("left", "Owner"): "reason"}), [
            "no import needs this exception any more: left, Owner"])

    def test_a_submodule_and_its_root_file(self):
        self.write("middle.rs", "mod part;\nuse part::Part;\nstruct Whole(Part);\n")
        self.write("middle/part.rs", "use super::Whole;\n")
        self.assertEqual(self.breaches(), [
            "middle.rs:2: part::Part: circle of imports: "
            "middle.rs:2 -> middle/part.rs:1 -> middle.rs:2"])

    def test_a_reexport_is_no_import(self):
        self.write("middle.rs", "mod part;\npub(crate) use part::Part;\nstruct Whole;\n")
        self.write("middle/part.rs", "use super::Whole;\n")
        self.assertEqual(self.breaches(), [])

    def test_a_reexport_that_the_root_file_uses(self):
        self.write("middle.rs", "mod part;\npub(crate) use part::Part;\nstruct Whole(Part);\n")
        self.write("middle/part.rs", "use super::Whole;\n")
        self.assertEqual(self.breaches(), [
            "middle.rs:3: Part: circle of imports: middle.rs:3 -> middle/part.rs:1 -> middle.rs:3"])

    def test_a_circle_through_reexports(self):
        self.write("middle.rs", "pub(crate) use a::A;\npub(crate) use self::b::B;\n")
        self.write("middle/a.rs", "use super::B;\n")
        self.write("middle/b.rs", "use crate::middle::A;\n")
        self.assertEqual(self.breaches(), [
            "middle/a.rs:1: super::B: circle of imports: "
            "middle/a.rs:1 -> middle/b.rs:1 -> middle/a.rs:1"])

    def test_a_circle_of_modules_without_layers(self):
        self.write("left.rs", "use crate::right::part::Part;\n")
        self.write("right/part.rs", "use crate::left::Left;\n")
        self.assertEqual(self.breaches(layers=()), [
            "left.rs:1: crate::right::part::Part: circle of imports: "
            "left.rs:1 -> right/part.rs:1 -> left.rs:1"])

    # Tests of rust_imports.py.

    def test_groups(self):
        self.assert_imports(
            "use crate::{\n    left::Left,\n    right::{self, Right as Other},\n    bottom::*,\n};\n",
            "left.rs", "right.rs", "right.rs", "bottom.rs")

    def test_code(self):
        self.assert_imports(
            "fn f(a: &'static crate::left::Left) -> crate::right::R<crate::bottom::B> {}\n"
            "impl From<u8> for Part { fn g() { $crate::left::g(b'\\'', '\"', 'a'); } }\n",
            "left.rs", "right.rs", "bottom.rs", "left.rs")

    def test_comments_and_strings(self):
        self.assert_imports(
            "//! crate::left::Left\n/* crate::left /* nested */ crate::left::Left */\n"
            "const A: &str = \"\\\" crate::left::Left\";\nconst B: &str = r#\"\" crate::left::A\"#;\n"
            "use crate::right::Right; // crate::left::Left\n",
            "right.rs")

    def test_visibility(self):
        self.assert_imports("pub(in crate::left) fn f() {}\nfor a in crate::right::all() {}\n",
                            "right.rs")

    def test_other_crates(self):
        self.assert_imports("use kernel::prelude::*;\nuse core::fmt;\nleft::f();\n")
        self.assert_imports("use ::left::Left;\nuse kernel::left;\n", file="top.rs")

    def test_own_items(self):
        self.assert_imports("use self::Kind::One;\n"
                            "mod tests {\n    use super::*;\n    use super::Kind;\n}\n")

    def test_inline_modules_of_other_files(self):
        self.write("left.rs", "mod tests { pub fn f() {} }\n")
        self.assert_imports("mod tests { use crate::left::tests::f; use super::super::right; }\n",
                            "left.rs", "right.rs")

    def test_names_that_a_parent_imports(self):
        self.write("middle.rs", "use crate::bottom::Bottom;\nuse kernel::prelude::Result;\nmod part;\n")
        self.assert_imports("use super::Bottom;\nuse super::Result;\nuse super::Middle;\n",
                            "bottom.rs", "middle.rs", file="middle/part.rs")

    def test_macros(self):
        self.write("bottom.rs", "#[macro_export]\nmacro_rules! number { () => {} }\n")
        self.assert_imports("crate::number!();\n", "bottom.rs")


if __name__ == "__main__":
    unittest.main()
