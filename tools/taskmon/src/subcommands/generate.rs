// SPDX-License-Identifier: GPL-2.0

//! `taskmon generate`, a hidden subcommand: writes the man pages and the shell completions from the
//! definitions in `cli`.

mod completions;
mod examples;
mod man_pages;
mod synopsis;

use crate::{
    cli::{Generate, Generated},
    output::write_file,
};
use anyhow::{Context, Result};
use std::fs;

/// Runs `taskmon generate`.
pub fn generate(arguments: &Generate) -> Result<()> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let files = match arguments.what {
        Generated::Man => man_pages::man_pages()?,
        Generated::Completions => completions::completions()?,
    };
    files
        .iter()
        .try_for_each(|(name, text)| write_file(&directory.join(name), text))
}
