// SPDX-License-Identifier: GPL-2.0

//! The summary as text.

use super::{
    usage::{Process, Usage},
    Summary, MAX_LISTED,
};
use crate::output::format::{
    downsampled, duration, or_dash, percent, printable, seconds, sparkline, task_name,
};
use std::fmt::{Display, Write};

const SPARKLINE_LEN: usize = 60;
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
        let end = match (self.status, self.signal) {
            (Some(0), _) => String::new(),
            (Some(code), _) => format!(": exit status {code}"),
            (None, Some(signal)) => format!(": ended by signal {signal}"),
            (None, None) => String::new(),
        };
        writeln!(to, "\n{}{end}\n", printable(&self.command))?;
        writeln!(to, "  user    {:>14} s", seconds(self.usage.usr_us))?;
        writeln!(to, "  system  {:>14} s", seconds(self.usage.sys_us))?;
        if let Some(wait_us) = self.usage.wait_us {
            writeln!(to, "  waiting {:>14} s for a CPU", seconds(wait_us))?;
        }
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
            self.write_names(to)?;
            self.write_waiting(to)?;
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
        let [user, system, wait] = TIMES;
        let head = row("PID", &[user, system, wait, "WALL s"], "COMMAND");
        writeln!(to, "{head}")?;
        for process in &self.costliest {
            let [user, system, wait] = times(&process.usage);
            let numbers = [user, system, wait, seconds(process.wall_us)];
            let name = task_name(process.command.as_deref());
            writeln!(to, "{}", row(process.pid, &numbers, &name))?;
        }
        Ok(())
    }

    /// Writes what the processes of each name have used, if several have the same name.
    fn write_names(&self, to: &mut String) -> std::fmt::Result {
        if self.by_name.iter().all(|name| name.processes == 1) {
            return Ok(());
        }
        writeln!(to, "\n  the names with the most CPU time:\n")?;
        writeln!(to, "{}", row("PROCESSES", &TIMES, "COMMAND"))?;
        for name in &self.by_name {
            let command = task_name(name.command.as_deref());
            writeln!(to, "{}", row(name.processes, &times(&name.usage), &command))?;
        }
        Ok(())
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
        writeln!(to, "\n  longest waiting for a CPU: {}", longest.join(", "))
    }
}

/// The heads of the columns with what was used.
const TIMES: [&str; 3] = ["USER s", "SYSTEM s", "WAIT s"];

/// Returns the columns with what was used.
fn times(usage: &Usage) -> [String; 3] {
    [
        seconds(usage.usr_us),
        seconds(usage.sys_us),
        or_dash(usage.wait_us.map(seconds)),
    ]
}

/// Returns a row of a table.
fn row(first: impl Display, numbers: &[impl Display], command: &str) -> String {
    let numbers: String = numbers.iter().map(|each| format!(" {each:>13}")).collect();
    format!("  {first:>9}{numbers}  {command}")
}
