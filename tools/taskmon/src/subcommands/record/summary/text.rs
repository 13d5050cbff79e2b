// SPDX-License-Identifier: GPL-2.0

//! The summary as text.

use super::{Process, Summary};
use crate::output::format::{
    downsampled, duration, percent, printable, seconds, sparkline, task_name,
};
use std::fmt::Write;

const SPARKLINE_LEN: usize = 60;
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
        let end = match (self.status, self.signal) {
            (Some(0), _) => String::new(),
            (Some(code), _) => format!(": exit status {code}"),
            (None, Some(signal)) => format!(": ended by signal {signal}"),
            (None, None) => String::new(),
        };
        writeln!(to, "\n{}{end}\n", printable(&self.command))?;
        writeln!(to, "  user    {:>14} s", seconds(self.usr_us))?;
        writeln!(to, "  system  {:>14} s", seconds(self.sys_us))?;
        writeln!(to, "  wall    {:>14} s", seconds(self.wall_us))?;
        writeln!(
            to,
            "  CPU     {:>9} mean, {} peak over {}",
            percent(self.mean_share),
            percent(self.peak_share),
            duration((self.peak_over_s * 1e6) as u64),
        )?;
        let line = sparkline(&downsampled(&self.shares, SPARKLINE_LEN), 0.0);
        writeln!(to, "  {line}")?;
        if self.processes > 1 {
            self.write_costliest(to)?;
        }
        self.write_running(to)?;
        self.write_losses(to)?;
        let file = printable(file);
        writeln!(
            to,
            "\n{} samples in {file}; plot them with: taskmon plot {file} -o cpu.svg",
            self.samples
        )
    }

    /// Writes what is missing in the recording.
    fn write_losses(&self, to: &mut String) -> std::fmt::Result {
        if self.lost > 0 {
            writeln!(to, "\n  {} descendants could not be followed", self.lost)?;
        }
        if self.evicted > 0 {
            writeln!(
                to,
                "\n  {} samples were evicted or freed before they could be recorded",
                self.evicted
            )?;
        }
        for reason in &self.missing {
            writeln!(to, "\n  missing: {}", printable(reason))?;
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
        writeln!(to, "\n  still running: {}", names.join(", "))
    }

    fn write_costliest(&self, to: &mut String) -> std::fmt::Result {
        let running = match self.running {
            0 => String::new(),
            running => format!(", {running} still running"),
        };
        writeln!(
            to,
            "\n  {} processes{running}; those with the most CPU time:\n",
            self.processes
        )?;
        let head = ("PID", "USER s", "SYSTEM s", "WALL s");
        writeln!(
            to,
            "  {:>9} {:>13} {:>13} {:>13}  COMMAND",
            head.0, head.1, head.2, head.3
        )?;
        for process in &self.costliest {
            writeln!(
                to,
                "  {:>9} {:>13} {:>13} {:>13}  {}",
                process.pid,
                seconds(process.usr_us),
                seconds(process.sys_us),
                seconds(process.wall_us),
                task_name(process.command.as_deref()),
            )?;
        }
        Ok(())
    }
}
