// SPDX-License-Identifier: GPL-2.0

//! Man pages and completions, from the command line's own description.

use crate::cli::{Cli, Generate, Generated};
use anyhow::{Context, Result};
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use std::{fs, path::Path};

pub fn generate(command: &Generate) -> Result<()> {
    fs::create_dir_all(&command.folder).with_context(|| command.folder.display().to_string())?;
    match command.what {
        Generated::Man => man_pages(&command.folder),
        Generated::Completions => completions(&command.folder),
    }
}

fn man_pages(folder: &Path) -> Result<()> {
    let mut taskmon = Cli::command();
    taskmon.build();
    // What is hidden is for the build alone.
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
            .date("November 2026")
            .manual("taskmonitor")
            .render(&mut text)?;
        text.extend_from_slice(see_also.as_bytes());
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn completions(folder: &Path) -> Result<()> {
    for shell in Shell::value_variants() {
        // Each shell looks for a name of its own.
        let name = match shell {
            Shell::Bash => "taskmon",
            Shell::Zsh => "_taskmon",
            Shell::Fish => "taskmon.fish",
            _ => continue,
        };
        let mut text = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "taskmon", &mut text);
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
