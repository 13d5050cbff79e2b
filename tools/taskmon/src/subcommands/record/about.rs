// SPDX-License-Identifier: GPL-2.0

//! What a recording says of the machine, of itself and of its command line.

use crate::{
    cli::Record,
    history::{Clock, Metadata},
    procfs,
};
use std::{
    ffi::{OsStr, OsString},
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

/// Returns the metadata of a recording that begins now. `tree` is the process whose descendants are
/// recorded too, if there is one.
pub fn metadata(arguments: &Record, period_ms: u64, cpus: u64, tree: Option<u32>) -> Metadata {
    let machine = nix::sys::utsname::uname().ok();
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Metadata {
        host: machine.as_ref().map(|machine| text(machine.nodename())),
        kernel: machine.as_ref().map(|machine| text(machine.release())),
        cpus: cpus.try_into().ok(),
        boot_id: boot_id.map(|id| id.trim().to_string()),
        period_ms: Some(period_ms),
        clock: Some(Clock {
            boot_us: procfs::now_us(),
            unix_us: unix.as_micros().try_into().unwrap_or(0),
        }),
        command: Some(command_line(arguments)),
        tree,
        ..Metadata::default()
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
