// SPDX-License-Identifier: GPL-2.0

//! The summary as text.

use super::{usage::Process, Summary, MAX_LISTED};
use crate::{
    output::format::{duration, printable, seconds, task_name},
    subcommands::report,
};
use std::fmt::Write;

/// How many processes that waited longest the text names.
const MAX_WAITING: usize = 3;
/// How many running processes the text names.
const MAX_NAMED: usize = 10;

impl Summary {
    /// Returns the summary as text. `file` is the name of the recording.
    pub fn text(&self, file: &str) -> String {
        let mut to = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_text(&mut to, file);
        to
    }

    fn write_text(&self, to: &mut String, file: &str) -> std::fmt::Result {
        writeln!(to)?;
        to.push_str(&report::head(&self.by_process, &self.clock));
        writeln!(to, "  wall      {:>16} s", seconds(self.wall_us))?;
        match (self.status, self.signal) {
            (Some(0), _) | (None, None) => {}
            (Some(code), _) => writeln!(to, "  exit status {code}")?,
            (None, Some(signal)) => writeln!(to, "  ended by signal {signal}")?,
        }
        writeln!(to, "\n{}", report::table(&self.by_process, &self.clock))?;
        if self.by_name.iter().any(|name| name.processes > 1) {
            writeln!(to, "{}", report::table(&self.by_command, &self.clock))?;
        }
        self.write_waiting(to)?;
        self.write_running(to)?;
        self.write_losses(to)?;
        let file = printable(file);
        writeln!(to, "{} samples in {file}; look at them with:", self.samples)?;
        writeln!(to, "  taskmon report {file} --by tree")?;
        writeln!(to, "  taskmon plot {file} -o cpu.svg")
    }

    /// Writes what is missing in the recording.
    fn write_losses(&self, to: &mut String) -> std::fmt::Result {
        if self.lost > 0 {
            writeln!(to, "  {} descendants could not be followed", self.lost)?;
        }
        if self.evicted > 0 {
            writeln!(
                to,
                "  {} samples were evicted or freed before they could be recorded",
                self.evicted
            )?;
        }
        for reason in &self.missing {
            writeln!(to, "  missing: {}", printable(reason))?;
        }
        Ok(())
    }

    /// Writes which processes are still running.
    fn write_running(&self, to: &mut String) -> std::fmt::Result {
        if self.still_running.is_empty() {
            return Ok(());
        }
        let name =
            |one: &Process| format!("{} (PID {})", task_name(one.command.as_deref()), one.pid);
        let mut names: Vec<String> = self
            .still_running
            .iter()
            .take(MAX_NAMED)
            .map(name)
            .collect();
        if self.running > MAX_NAMED {
            names.push(format!("{} more", self.running - MAX_NAMED));
        }
        writeln!(to, "  still running: {}", names.join(", "))
    }

    /// Writes which processes waited longest, if the other tables do not show all of them.
    fn write_waiting(&self, to: &mut String) -> std::fmt::Result {
        if self.processes <= MAX_LISTED || self.longest_waiting.is_empty() {
            return Ok(());
        }
        let waited = |one: &Process| {
            let name = task_name(one.command.as_deref());
            let time = duration(one.usage.wait_us.unwrap_or(0));
            format!("{name} (PID {}) {time}", one.pid)
        };
        let longest = self.longest_waiting.iter().take(MAX_WAITING).map(waited);
        let longest: Vec<String> = longest.collect();
        writeln!(to, "  longest waiting for a CPU: {}", longest.join(", "))
    }
}
