// SPDX-License-Identifier: GPL-2.0

//! The man pages: taskmon(1), and one for each subcommand.

use super::{
    examples::examples_of,
    synopsis::{escaped, synopsis},
};
use crate::cli::Cli;
use anyhow::{Context, Result};
use clap::CommandFactory;

/// Returns the names and the contents of the pages.
pub fn man_pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut taskmon = Cli::command();
    taskmon.build();
    // Hidden subcommands are only for the build and for other programs.
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
    let see_also = "\n.SH \"SEE ALSO\"\n.BR taskmon (1),\n.BR taskmonitor (4)\n";
    pages
        .chain([taskmon.clone()])
        .map(|page| {
            let name = page.get_name().to_string();
            let synopsis = synopsis(&page);
            let mut text = Vec::new();
            clap_mangen::Man::new(page)
                .section("1")
                .date("2026-11-30")
                .manual("taskmonitor")
                .render(&mut text)?;
            let text = String::from_utf8(text)?;
            let text = with_synopsis(&text, &synopsis)? + &examples_section(&name) + see_also;
            Ok((format!("{name}.1"), text.into_bytes()))
        })
        .collect()
}

/// Replaces the line of the section SYNOPSIS, in which clap_mangen leaves out the values of options.
fn with_synopsis(page: &str, synopsis: &str) -> Result<String> {
    let (before, after) = page
        .split_once("\n.SH SYNOPSIS\n")
        .context("a man page has no section SYNOPSIS")?;
    let (_, after) = after.split_once('\n').unwrap_or((after, ""));
    Ok(format!("{before}\n.SH SYNOPSIS\n{synopsis}\n{after}"))
}

/// Returns the section EXAMPLES of a page, empty if there are none.
fn examples_section(page: &str) -> String {
    let mut section = String::new();
    for (index, (description, command)) in examples_of(page).enumerate() {
        if index == 0 {
            section.push_str("\n.SH EXAMPLES\n");
        } else {
            section.push_str(".PP\n");
        }
        let (description, command) = (escaped(description), escaped(command));
        section.push_str(&format!(
            "{description}\n.PP\n.RS 4\n.nf\n{command}\n.fi\n.RE\n"
        ));
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections() {
        for (name, page) in man_pages().unwrap() {
            let text = String::from_utf8(page).unwrap();
            assert_eq!(text.matches("\n.SH SYNOPSIS\n").count(), 1, "{name}");
            assert_eq!(text.matches("\n.SH \"SEE ALSO\"\n").count(), 1, "{name}");
        }
        assert_eq!(examples_section("taskmon-none"), "");
    }
}
