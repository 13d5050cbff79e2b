// SPDX-License-Identifier: GPL-2.0

//! `taskmon generate`, a hidden subcommand: writes the man pages and the shell completions from the
//! definitions in `cli`.

use crate::{
    cli::{Cli, Generate, Generated},
    output::write_file,
};
use anyhow::{Context, Result};
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use std::{fs, path::Path};

/// Runs `taskmon generate`.
pub fn generate(arguments: &Generate) -> Result<()> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    match arguments.what {
        Generated::Man => man_pages(directory),
        Generated::Completions => completions(directory),
    }
}

fn man_pages(directory: &Path) -> Result<()> {
    let mut taskmon = Cli::command();
    taskmon.build();
    // Hidden subcommands are only for the build.
    let commands = taskmon
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let pages = commands.cloned().map(|command| {
        let name = format!("taskmon-{}", command.get_name());
        command
            .display_name(name.clone())
            .bin_name(name.replace('-', " "))
            .name(name)
    });
    let see_also = "\n.SH SEE ALSO\n.BR taskmon (1),\n.BR taskmonitor (4)\n";
    for page in pages.chain([taskmon.clone()]) {
        let name = format!("{}.1", page.get_name());
        let mut text = Vec::new();
        clap_mangen::Man::new(page)
            .section("1")
            .date("2026-11-25")
            .manual("taskmonitor")
            .render(&mut text)?;
        text.extend_from_slice(see_also.as_bytes());
        write_file(&directory.join(name), &text)?;
    }
    Ok(())
}

fn completions(directory: &Path) -> Result<()> {
    for shell in Shell::value_variants() {
        // Each shell expects another file name.
        let name = match shell {
            Shell::Bash => "taskmon",
            Shell::Zsh => "_taskmon",
            Shell::Fish => "taskmon.fish",
            _ => continue,
        };
        let mut text = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "taskmon", &mut text);
        write_file(&directory.join(name), &text)?;
    }
    Ok(())
}
