// SPDX-License-Identifier: GPL-2.0

//! Writes recordings of format 1, in which the samples of a task are adjacent.

use super::Metadata;
use crate::{
    history::{Sample, Task},
    output::format::printable,
};
use std::io::{self, Write};

/// Writes a recording of format 1.
pub struct OldWriter<W: Write> {
    to: W,
    /// The index of the task whose samples are being written.
    task: Option<usize>,
}

impl<W: Write> OldWriter<W> {
    /// Writes the first lines of a recording.
    pub fn begin(mut to: W, metadata: &Metadata) -> io::Result<Self> {
        writeln!(to, "# taskmon 1")?;
        if let Some(period_ms) = metadata.period_ms {
            writeln!(to, "# period_ms {period_ms}")?;
        }
        if let Some(pid) = metadata.tree {
            writeln!(to, "# tree {pid}")?;
        }
        if let Some(command) = &metadata.command {
            writeln!(to, "# command {}", printable(command))?;
        }
        Ok(Self { to, task: None })
    }

    /// Writes one sample. The samples of a task must be written one after the other.
    pub fn write(&mut self, task: &Task, sample: &Sample) -> io::Result<()> {
        if self.task != Some(task.index) {
            self.task = Some(task.index);
            if let Some(name) = &task.name {
                writeln!(self.to, "# task {} {}", task.pid, printable(name))?;
            }
        }
        writeln!(self.to, "{sample}")
    }

    /// Writes what is buffered, and returns the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}
