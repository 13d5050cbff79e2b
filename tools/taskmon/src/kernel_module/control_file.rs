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

    /// Sends one command. The error is a sentence about `subject`, the task or action that the user
    /// has named.
    pub fn send(&self, command: &str, subject: &str) -> Result<()> {
        self.try_send(command)
            .map_err(|error| anyhow!(refusal(command, subject, error)))
    }
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
            "{subject}: this kernel cannot follow descendants (it lacks CONFIG_TRACEPOINTS): leave \
             out --tree"
        ),
        Errno::EPERM => format!("{subject}: {REFUSED_FOR_ROOT}"),
        other => format!("{subject}: {}", other.desc()),
    }
}
