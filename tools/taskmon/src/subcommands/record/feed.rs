// SPDX-License-Identifier: GPL-2.0

//! What a recording reads: the module's samples, as they come, and its list of tasks.

use crate::{
    kernel_module::{self, SamplesFile, TaskInfo, DEBUGFS_SAMPLES},
    procfs,
};
use anyhow::{Context, Result};
use std::io::BufRead;

/// The source of samples and tasks. Unit tests have another one than the module.
pub trait Feed {
    /// Reads the next line of the samples, without its newline. Returns false if there is none now.
    fn next_line(&mut self, line: &mut Vec<u8>) -> Result<bool>;

    /// Skips the samples that have been taken up to now.
    fn skip(&mut self) -> Result<()>;

    /// Returns all watched tasks, in the order in which they were added.
    fn tasks(&mut self) -> Result<Vec<TaskInfo>>;

    /// Returns the time in microseconds since boot.
    fn now_us(&self) -> u64;
}

impl Feed for SamplesFile {
    fn next_line(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        let len = self.read_until(b'\n', line).context(DEBUGFS_SAMPLES)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(len > 0)
    }

    fn skip(&mut self) -> Result<()> {
        self.skip_to_end().context(DEBUGFS_SAMPLES)
    }

    fn tasks(&mut self) -> Result<Vec<TaskInfo>> {
        kernel_module::tasks()
    }

    fn now_us(&self) -> u64 {
        procfs::now_us()
    }
}
