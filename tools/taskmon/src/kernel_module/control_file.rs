// SPDX-License-Identifier: GPL-2.0

//! Sends commands to the module.

use super::files::{explain, MODULE, REFUSED_FOR_ROOT, SYSFS_SAMPLES};
use anyhow::{anyhow, Context, Result};
use nix::errno::Errno;
use std::{
    fs::{File, OpenOptions},
    io::Write,
};

/// The file that commands are written to, open for writing.
pub struct ControlFile(File);

impl ControlFile {
    /// Opens the file. The error says what to do.
    pub fn open() -> Result<Self> {
        OpenOptions::new()
            .write(true)
            .open(SYSFS_SAMPLES)
            .map(Self)
            .map_err(|error| explain(SYSFS_SAMPLES, &error))
    }

    /// Returns a duplicate of the file descriptor.
    pub fn duplicate(&self) -> Result<File> {
        self.0.try_clone().context("duplicating the control file")
    }

    /// Sends one command, such as `stop` or `tree:1234`. Fails with the module's error code.
    pub fn try_send(&self, command: &str) -> Result<(), Errno> {
        (&self.0)
            .write_all(command.as_bytes())
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }

    /// Sends commands in order, in as few writes as possible. Goes on after a command that the
    /// module refuses. Returns the positions of those, with the module's error codes.
    pub fn send_each(&self, commands: &[String]) -> Vec<(usize, Errno)> {
        send_each(commands, |text| {
            let written = (&self.0).write(text.as_bytes());
            written.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
        })
    }

    /// Sends one command. The error is a sentence about `subject`, the task or action that the user
    /// has named.
    pub fn send(&self, command: &str, subject: &str) -> Result<()> {
        self.try_send(command)
            .map_err(|error| anyhow!(refusal(command, subject, error)))
    }
}

/// Sends commands by means of `write`, which writes to the control file.
fn send_each(
    commands: &[String],
    mut write: impl FnMut(&str) -> Result<usize, Errno>,
) -> Vec<(usize, Errno)> {
    let mut refused = Vec::new();
    let mut next = 0;
    while next < commands.len() {
        let (text, ends) = text_of(&commands[next..]);
        // A short write ends before the command that was refused. If that is the first one, the
        // write fails.
        let executed = write(&text).map(|len| ends.iter().filter(|end| **end <= len).count());
        match executed {
            Ok(0) => refused.push((next, Errno::EIO)),
            Err(error) => refused.push((next, error)),
            Ok(_) => {}
        }
        next += executed.unwrap_or(0).max(1);
    }
    refused
}

/// Returns the text of as many commands as fit in one write, and where each of them ends in it.
/// White space follows each command: the module refuses a text whose last command may be cut.
fn text_of(commands: &[String]) -> (String, Vec<usize>) {
    // A write to a file in sysfs is at most a page.
    const MAX_LEN: usize = 4000;
    let mut text = String::new();
    let mut ends = Vec::new();
    for command in commands {
        if !ends.is_empty() && text.len() + command.len() >= MAX_LEN {
            break;
        }
        text.push_str(command);
        ends.push(text.len());
        text.push('\n');
    }
    (text, ends)
}

/// Describes why the module refused `command`, as a sentence about `subject`.
pub fn refusal(command: &str, subject: &str, error: Errno) -> String {
    let is_removal = command.starts_with('-');
    match error {
        Errno::EINVAL => format!("{subject} is not a valid PID or thread ID"),
        Errno::ESRCH if is_removal => format!("{subject} is not watched"),
        Errno::ESRCH => format!("{subject}: no such task"),
        Errno::EEXIST => format!("{subject} is already watched"),
        Errno::ENOSPC => format!(
            "{subject}: the maximum number of tasks is already watched: remove some, or raise \
             {MODULE}/parameters/max_targets"
        ),
        Errno::EOPNOTSUPP => format!(
            "{subject}: this kernel cannot follow descendants, as it lacks CONFIG_TRACEPOINTS"
        ),
        Errno::EPERM => format!("{subject}: {REFUSED_FOR_ROOT}"),
        other => format!("{subject}: {}", other.desc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Obeys words as the module does: those that begin with `-` are refused.
    fn obey(text: &str, obeyed: &mut Vec<String>) -> Result<usize, Errno> {
        assert!(text.len() <= 4096 && text.ends_with('\n'));
        let mut len = 0;
        for word in text.split_inclusive('\n') {
            if word.starts_with('-') {
                return if len == 0 { Err(Errno::ESRCH) } else { Ok(len) };
            }
            obeyed.push(word.trim_end().to_string());
            len += word.len();
        }
        Ok(len)
    }

    #[test]
    fn refused_commands_are_skipped() {
        let words =
            |all: &[&str]| -> Vec<String> { all.iter().map(|one| one.to_string()).collect() };
        for (commands, obeyed, refused) in [
            (&["1", "2"][..], &["1", "2"][..], &[][..]),
            (
                &["-1", "2", "-3", "-4", "5", "-6"],
                &["2", "5"],
                &[0, 2, 3, 5],
            ),
            (&[], &[], &[]),
        ] {
            let mut seen = Vec::new();
            let positions = send_each(&words(commands), |text| obey(text, &mut seen));
            assert_eq!(seen, obeyed);
            let expected: Vec<_> = refused.iter().map(|at| (*at, Errno::ESRCH)).collect();
            assert_eq!(positions, expected);
        }
    }

    #[test]
    fn many_commands() {
        let commands: Vec<String> = (1..10_000).map(|id| format!("id:{id}")).collect();
        let (mut seen, mut writes) = (Vec::new(), 0);
        let refused = send_each(&commands, |text| {
            writes += 1;
            obey(text, &mut seen)
        });
        assert_eq!(seen, commands);
        assert_eq!(refused, []);
        assert!(writes < 25);
    }
}
