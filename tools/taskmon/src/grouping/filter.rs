// SPDX-License-Identifier: GPL-2.0

//! Selects tasks of a history by name or PID.

use crate::history::TaskOverview;
use anyhow::{anyhow, Result};
use glob::Pattern;
use std::str::FromStr;

/// A PID, or a command name in which `*` and `?` stand for other letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pid: Option<u32>,
    name: Pattern,
}

impl Filter {
    /// Returns whether the filter selects a task.
    pub fn selects(&self, task: &TaskOverview) -> bool {
        self.matches(task.task.pid, task.task.label())
    }

    /// Returns whether the filter selects the task `pid` with a name.
    pub fn matches(&self, pid: u32, name: &str) -> bool {
        self.pid == Some(pid) || self.name.matches(name)
    }
}

impl FromStr for Filter {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self {
            pid: text.parse().ok(),
            name: Pattern::new(text).map_err(|error| anyhow!("{}", error.msg))?,
        })
    }
}
