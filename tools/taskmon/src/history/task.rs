// SPDX-License-Identifier: GPL-2.0

//! The task that samples belong to.

use crate::{kernel_module::TaskInfo, output::format::as_data};

/// A task of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// The position of the task in the history, from 0. A PID can occur several times, for
    /// different tasks; an index occurs once.
    pub index: usize,
    pub pid: u32,
    /// The command name, if known. Bytes that are not UTF-8 are escaped.
    pub name: Option<String>,
    /// The identity of the task, if known.
    pub info: Option<Box<TaskInfo>>,
}

impl Task {
    /// Returns the task that `info` is about.
    pub fn of(index: usize, info: TaskInfo) -> Self {
        Self {
            index,
            pid: info.pid,
            name: Some(as_data(&info.name)),
            info: Some(Box::new(info)),
        }
    }

    /// Returns the command name, `?` if it is unknown.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("?")
    }

    /// Returns the number that the module gave the task, if known.
    pub fn id(&self) -> Option<u64> {
        self.info.as_ref().map(|info| info.id)
    }
}
