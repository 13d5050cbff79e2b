// SPDX-License-Identifier: GPL-2.0

//! What a recording says of the machine, of itself and of its command line.

use crate::{
    cli::Record,
    history::{machine, Metadata},
    procfs,
    wall_clock::Clock,
};
use std::ffi::OsString;

/// Returns the present time.
pub fn clock() -> Clock {
    Clock::now(procfs::now_us())
}

/// Returns what a recording says of the machine and of its command line.
pub fn metadata(arguments: &Record) -> Metadata {
    Metadata {
        command: Some(command_line(arguments)),
        ..machine()
    }
}

/// Returns the command line of the command or, if running tasks are recorded, that of taskmon.
/// Arguments are not quoted.
fn command_line(arguments: &Record) -> String {
    let own: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words = if arguments.command.is_empty() {
        std::iter::once("taskmon".into()).chain(own).collect()
    } else {
        arguments.command.clone()
    };
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
