// SPDX-License-Identifier: GPL-2.0

//! The man pages: taskmon(1), and one for each subcommand.

use super::examples::examples_of;
use crate::cli::Cli;
use anyhow::Result;
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
    let see_also = "\n.SH SEE ALSO\n.BR taskmon (1),\n.BR taskmonitor (4)\n";
    pages
        .chain([taskmon.clone()])
        .map(|page| {
            let name = page.get_name().to_string();
            let mut text = Vec::new();
            clap_mangen::Man::new(page)
                .section("1")
                .date("2026-11-30")
                .manual("taskmonitor")
                .render(&mut text)?;
            text.extend(examples_section(&name).into_bytes());
            text.extend_from_slice(see_also.as_bytes());
            Ok((format!("{name}.1"), text))
        })
        .collect()
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

/// Returns text in which roff takes no character for a request or an escape.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(escaped(".a -b \\"), "\\&.a \\-b \\e");
        assert_eq!(examples_section("taskmon-none"), "");
    }
}
