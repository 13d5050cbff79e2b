// SPDX-License-Identifier: GPL-2.0

//! What is said when the command has ended.

use super::losses::Losses;
use crate::{
    cpu_share,
    history::{Overview, Source, Span},
    output::format::{self, printable},
};
use anyhow::Result;
use serde::Serialize;
use std::{
    cmp::Reverse, fmt::Write, os::unix::process::ExitStatusExt, path::Path, process::ExitStatus,
    time::Duration,
};

/// How finely the peak is looked for, where the recording is longer than that many periods.
const STEPS: usize = 4096;
/// At least over so many seconds.
const PEAK_OVER_S: f64 = 0.1;
const SPARKLINE_LEN: usize = 60;
const COSTLIEST: usize = 10;
/// How much a sample falls short of what a parent is told: user and system time are cut to
/// microseconds, each by itself.
const ROUNDING_US: u64 = 2;

/// What is known of the command's run beside its samples.
pub struct Outcome {
    pub status: ExitStatus,
    pub wall: Duration,
    /// What the module has lost meanwhile.
    pub losses: Losses,
    /// What the processes consumed that should be in the recording, at least; none: nobody knows.
    pub told_us: Option<u64>,
}

#[derive(Serialize)]
pub struct Summary {
    command: String,
    /// The exit status; none: a signal ended it.
    status: Option<i32>,
    signal: Option<i32>,
    wall_us: u64,
    /// Of all processes together, until they ended or the command did.
    usr_us: u64,
    sys_us: u64,
    /// Parts of one CPU, over the whole time.
    mean_share: f64,
    /// The highest over any stretch of `peak_over_s`.
    peak_share: f64,
    peak_over_s: f64,
    processes: usize,
    /// Of these, how many had not ended when the command had.
    running: usize,
    samples: u64,
    /// Samples of these processes that had to make room for newer ones.
    evicted: u64,
    /// Samples that had to make room meanwhile and are of no process in the recording: those of
    /// other watched tasks, and of processes that are missing.
    evicted_elsewhere: u64,
    /// Descendants that could not be followed for want of memory or room.
    lost: u64,
    /// CPU time that the command's parent was told of and that is not in the recording.
    missing_us: u64,
    costliest: Vec<Process>,
    /// Whether the command's own end was sampled.
    is_ended: bool,
    /// Whether that is so, and nothing was evicted meanwhile, lost, or is missing.
    is_complete: bool,
    #[serde(skip)]
    shares: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
    command: Option<String>,
    usr_us: u64,
    sys_us: u64,
    wall_us: u64,
}

impl Summary {
    pub fn of(source: &Source, outcome: &Outcome) -> Result<Self> {
        let overview = Overview::read(source)?;
        let mut all = cpu_share::timeline(&overview, STEPS);
        cpu_share::each_timeline(&overview, source, STEPS, |_, one| all.join(one))?;
        let (peak_share, peak_over_s) = all.peak(PEAK_OVER_S);
        let spans = &overview.spans;
        let sum = |part: fn(&Span) -> u64| spans.iter().map(part).sum::<u64>();
        let (usr_us, sys_us) = (sum(|span| span.last.usr_us), sum(|span| span.last.sys_us));
        let evicted = sum(|span| span.first.num);
        let Losses {
            evicted: evicted_meanwhile,
            lost,
        } = outcome.losses;
        let missing_us = missing_us(outcome.told_us, usr_us + sys_us, spans.len());
        let is_ended = spans.first().is_some_and(|root| root.last.is_end);
        let wall_us = u64::try_from(outcome.wall.as_micros()).unwrap_or(u64::MAX);
        Ok(Self {
            command: overview.about.command.clone().unwrap_or_default(),
            status: outcome.status.code(),
            signal: outcome.status.signal(),
            wall_us,
            usr_us,
            sys_us,
            mean_share: (usr_us + sys_us) as f64 / wall_us.max(1) as f64,
            peak_share,
            peak_over_s,
            processes: spans.len(),
            running: spans.iter().filter(|span| !span.last.is_end).count(),
            samples: sum(|span| span.samples),
            evicted,
            evicted_elsewhere: evicted_meanwhile.saturating_sub(evicted),
            lost,
            missing_us,
            costliest: costliest(spans),
            is_ended,
            is_complete: is_ended && evicted_meanwhile == 0 && lost == 0 && missing_us == 0,
            shares: all.totals().collect(),
        })
    }

    /// Whether the command's own end was sampled.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// For people.
    pub fn text(&self, file: &Path) -> String {
        let mut to = String::new();
        // Writing to a string does not fail.
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
        writeln!(to, "  user    {:>14} s", format::seconds(self.usr_us))?;
        writeln!(to, "  system  {:>14} s", format::seconds(self.sys_us))?;
        writeln!(to, "  wall    {:>14} s", format::seconds(self.wall_us))?;
        writeln!(
            to,
            "  CPU     {:>9} mean, {} peak over {}",
            format::percent(self.mean_share),
            format::percent(self.peak_share),
            format::duration((self.peak_over_s * 1e6) as u64),
        )?;
        let line = format::sparkline(&format::condensed(&self.shares, SPARKLINE_LEN), 0.0);
        writeln!(to, "  {line}")?;
        if self.processes > 1 {
            self.write_costliest(to)?;
        }
        self.write_shortfall(to)?;
        let file = file.display();
        writeln!(
            to,
            "\n{} samples in {file}; to see them: taskmon plot {file} -o cpu.svg",
            self.samples
        )
    }

    /// What is not in the recording.
    fn write_shortfall(&self, to: &mut String) -> std::fmt::Result {
        if self.lost > 0 {
            writeln!(to, "\n  {} descendants could not be followed", self.lost)?;
        }
        if self.evicted > 0 {
            writeln!(
                to,
                "\n  the oldest {} samples had to make room for newer ones",
                self.evicted
            )?;
        }
        if self.evicted_elsewhere > 0 {
            writeln!(
                to,
                "\n  {} samples had to make room that are of other watched tasks, or of processes \
                 missing here",
                self.evicted_elsewhere
            )?;
        }
        if self.missing_us > 0 {
            writeln!(
                to,
                "\n  {} s of CPU time that were consumed are missing here; max_targets and \
                 max_samples say how much\n  the module keeps, see taskmonitor(4)",
                format::seconds(self.missing_us)
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
            "\n  {} processes{running}; those that cost most:\n",
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
                format::seconds(process.usr_us),
                format::seconds(process.sys_us),
                format::seconds(process.wall_us),
                printable(process.command.as_deref().unwrap_or("?")),
            )?;
        }
        Ok(())
    }
}

/// By how much that many processes fall short of what their parent was told, beyond rounding.
fn missing_us(told_us: Option<u64>, recorded_us: u64, processes: usize) -> u64 {
    let missing = told_us.unwrap_or(0).saturating_sub(recorded_us);
    if missing > processes as u64 * ROUNDING_US {
        missing
    } else {
        0
    }
}

fn costliest(spans: &[Span]) -> Vec<Process> {
    let mut order: Vec<&Span> = spans.iter().collect();
    order.sort_by_key(|span| Reverse(span.last.total_us()));
    let process = |span: &&Span| Process {
        pid: span.task.pid,
        command: span.task.name.clone(),
        usr_us: span.last.usr_us,
        sys_us: span.last.sys_us,
        wall_us: span.length_us(),
    };
    order.iter().take(COSTLIEST).map(process).collect()
}

#[cfg(test)]
mod tests {
    use super::missing_us;

    #[test]
    fn what_is_missing() {
        assert_eq!(missing_us(None, 5, 1), 0);
        assert_eq!(missing_us(Some(9), 5, 2), 0);
        assert_eq!(missing_us(Some(10), 5, 2), 5);
        assert_eq!(missing_us(Some(10), 11, 0), 0);
    }
}
