// SPDX-License-Identifier: GPL-2.0

//! The task that samples belong to.

/// A task of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The position of the task in the history, from 0. A PID can occur several times, for
    /// different tasks; an index occurs once.
    pub index: usize,
    pub pid: u32,
    /// The command name, if known.
    pub name: Option<String>,
}

impl Task {
    /// Returns the command name, `?` if it is unknown.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("?")
    }
}
