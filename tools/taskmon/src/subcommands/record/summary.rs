// SPDX-License-Identifier: GPL-2.0

//! The summary of a recording, as text and as JSON.

use super::losses::Losses;
use crate::{
    cpu_share,
    history::{Source, StableHistory, TaskOverview},
    output::format::{downsampled, duration, percent, seconds, sparkline, task_name},
};
use anyhow::Result;
use serde::Serialize;
use std::{
    cmp::Reverse, fmt::Write, os::unix::process::ExitStatusExt, path::Path, process::ExitStatus,
    time::Duration,
};

/// The most bins of the time series in which the peak is looked for.
const MAX_BINS: usize = 4096;
/// The shortest time over which the peak is computed.
const MIN_PEAK_S: f64 = 0.1;
const SPARKLINE_LEN: usize = 60;
/// How many processes the summary lists.
const MAX_COSTLIEST: usize = 10;
/// By how much the exit sample can fall short of what wait4(2) reports to the parent: user and
/// system time are each rounded down to a microsecond.
const ROUNDING_US: u64 = 2;

/// The result of the command, apart from its samples.
pub struct Outcome {
    pub status: ExitStatus,
    pub wall: Duration,
    /// What the module has lost while the command ran.
    pub losses: Losses,
    /// The CPU time of the command and those descendants that their parents waited for; `None` if
    /// the descendants are not recorded.
    pub children_us: Option<u64>,
}

/// The summary. Its JSON has a key for each field that is not skipped.
#[derive(Serialize)]
pub struct Summary {
    command: String,
    /// The exit status; `None` if a signal ended the command.
    status: Option<i32>,
    signal: Option<i32>,
    wall_us: u64,
    /// The CPU time that all processes consumed until they ended, or until the command ended.
    usr_us: u64,
    sys_us: u64,
    /// The mean share of one CPU while the command ran.
    mean_share: f64,
    /// The highest share over any `peak_over_s` seconds.
    peak_share: f64,
    peak_over_s: f64,
    processes: usize,
    /// How many of these processes had not ended when the command ended.
    running: usize,
    samples: u64,
    /// Evicted samples of these processes.
    evicted: u64,
    /// Other samples that were evicted while the command ran: those of other watched tasks, and of
    /// processes that are missing in the recording.
    evicted_elsewhere: u64,
    /// Descendants that could not be followed, for lack of memory or because max_targets was
    /// reached.
    lost: u64,
    /// CPU time that wait4(2) reports for the command and its descendants, but that is not in the
    /// recording.
    missing_us: u64,
    /// The processes that consumed the most CPU time, in descending order.
    costliest: Vec<Process>,
    /// Whether the command has an exit sample.
    is_ended: bool,
    /// Whether the command has an exit sample, no sample was evicted while it ran, and no
    /// descendant and no CPU time is missing.
    is_complete: bool,
    #[serde(skip)]
    shares: Vec<Option<f64>>,
}

/// A process in the summary's list.
#[derive(Serialize)]
struct Process {
    pid: u32,
    command: Option<String>,
    usr_us: u64,
    sys_us: u64,
    wall_us: u64,
}

impl Summary {
    /// Reads the recording and computes its summary.
    pub fn of(source: &Source, outcome: &Outcome) -> Result<Self> {
        let history = StableHistory::read(source, true)?;
        let all = cpu_share::total_series(&history, MAX_BINS)?;
        let overview = history.overview();
        let (peak_share, peak_over_s) = all.peak(MIN_PEAK_S);
        let tasks = &overview.tasks;
        let sum = |part: fn(&TaskOverview) -> u64| tasks.iter().map(part).sum::<u64>();
        let (usr_us, sys_us) = (sum(|task| task.last.usr_us), sum(|task| task.last.sys_us));
        let evicted = sum(|task| task.first.num);
        let Losses {
            evicted: evicted_in_all,
            lost,
        } = outcome.losses;
        let missing_us = missing_us(outcome.children_us, usr_us + sys_us, tasks.len());
        let is_ended = tasks.first().is_some_and(|root| root.last.is_exit);
        let wall_us = u64::try_from(outcome.wall.as_micros()).unwrap_or(u64::MAX);
        Ok(Self {
            command: overview.metadata.command.clone().unwrap_or_default(),
            status: outcome.status.code(),
            signal: outcome.status.signal(),
            wall_us,
            usr_us,
            sys_us,
            mean_share: (usr_us + sys_us) as f64 / wall_us.max(1) as f64,
            peak_share,
            peak_over_s,
            processes: tasks.len(),
            running: tasks.iter().filter(|task| !task.last.is_exit).count(),
            samples: sum(|task| task.samples),
            evicted,
            evicted_elsewhere: evicted_in_all.saturating_sub(evicted),
            lost,
            missing_us,
            costliest: costliest(tasks),
            is_ended,
            is_complete: is_ended && evicted_in_all == 0 && lost == 0 && missing_us == 0,
            shares: all.total_shares().collect(),
        })
    }

    /// Returns whether the command has an exit sample.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Returns the summary as one line of JSON.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// Returns the summary as text. `file` is the name of the recording.
    pub fn text(&self, file: &Path) -> String {
        let mut to = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_text(&mut to, file);
        to
    }

    fn write_text(&self, to: &mut String, file: &Path) -> std::fmt::Result {
        let end = match (self.status, self.signal) {
            (Some(0), _) => String::new(),
            (Some(code), _) => format!(": exit status {code}"),
            (None, signal) => format!(": ended by signal {}", signal.unwrap_or(0)),
        };
        writeln!(to, "\n{}{end}\n", self.command)?;
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
        self.write_losses(to)?;
        let file = file.display();
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
            writeln!(to, "\n  the oldest {} samples were evicted", self.evicted)?;
        }
        if self.evicted_elsewhere > 0 {
            writeln!(
                to,
                "\n  {} samples of other watched tasks, or of processes that are missing here, were \
                 evicted",
                self.evicted_elsewhere
            )?;
        }
        if self.missing_us > 0 {
            writeln!(
                to,
                "\n  {} s of CPU time are missing here; how much the module keeps is limited by \
                 max_targets\n  and max_samples, see taskmonitor(4)",
                seconds(self.missing_us)
            )?;
        }
        Ok(())
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

/// Returns how much of the CPU time `children_us` is missing in the recording, 0 if rounding
/// explains it.
fn missing_us(children_us: Option<u64>, recorded_us: u64, processes: usize) -> u64 {
    let missing = children_us.unwrap_or(0).saturating_sub(recorded_us);
    if missing > processes as u64 * ROUNDING_US {
        missing
    } else {
        0
    }
}

/// Returns the processes that consumed the most CPU time, in descending order.
fn costliest(tasks: &[TaskOverview]) -> Vec<Process> {
    let mut order: Vec<&TaskOverview> = tasks.iter().collect();
    order.sort_by_key(|task| Reverse(task.last.total_us()));
    let process = |task: &&TaskOverview| Process {
        pid: task.task.pid,
        command: task.task.name.clone(),
        usr_us: task.last.usr_us,
        sys_us: task.last.sys_us,
        wall_us: task.length_us(),
    };
    order.iter().take(MAX_COSTLIEST).map(process).collect()
}

#[cfg(test)]
mod tests {
    use super::missing_us;

    #[test]
    fn missing_cpu_time() {
        assert_eq!(missing_us(None, 5, 1), 0);
        assert_eq!(missing_us(Some(9), 5, 2), 0);
        assert_eq!(missing_us(Some(10), 5, 2), 5);
        assert_eq!(missing_us(Some(10), 11, 0), 0);
    }
}
