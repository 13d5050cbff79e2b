// SPDX-License-Identifier: GPL-2.0

//! The summary of a recording. It is read from the recording itself.

mod text;
mod usage;

use crate::{
    cli::{Form, ReportBy, Rows},
    cpu_share::{usage_of_tasks, Usage},
    excerpt::Excerpt,
    history::{Losses, Source},
    subcommands::report::{Options, Report},
    wall_clock::WallClock,
};
use anyhow::Result;
use serde::Serialize;
use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};
use usage::{highest, Namesakes, Process};

/// How many processes, and how many names, the summary lists.
const MAX_LISTED: usize = 10;
/// How many running processes the summary lists.
const MAX_RUNNING: usize = 1000;

/// The result of a recording, apart from its samples.
pub struct Outcome {
    /// The command's exit status; `None` if it has not ended, or there is no command.
    pub status: Option<ExitStatus>,
    /// How long the command ran, or the recording lasted.
    pub wall: Duration,
    /// Whether everything that was named has ended and has an exit sample.
    pub is_ended: bool,
    pub is_complete: bool,
    /// What the recording lacks.
    pub losses: Losses,
    /// How many samples of all watched tasks were evicted meanwhile.
    pub evicted_in_all: u64,
    /// CPU time of the command that the recording lacks.
    pub missing_us: u64,
}

/// The summary. Its JSON has a key for each field that is not skipped.
#[derive(Serialize)]
pub struct Summary {
    /// What was recorded: the command or, for running tasks, the command line of taskmon.
    command: String,
    /// The exit status; `None` if a signal ended the command, or if there is none.
    status: Option<i32>,
    signal: Option<i32>,
    wall_us: u64,
    /// The time between two samples.
    interval_ms: Option<u64>,
    /// What all processes used, and how long they waited, while they were recorded.
    #[serde(flatten)]
    usage: Usage,
    /// The mean share of one CPU.
    mean_share: f64,
    /// The highest share over any `peak_over_s` seconds.
    peak_share: f64,
    peak_over_s: f64,
    processes: usize,
    /// How many of these processes had not ended when the recording ended.
    running: usize,
    samples: u64,
    /// Samples of these processes that were evicted or freed before they could be recorded.
    evicted: u64,
    /// Other samples that were evicted meanwhile: those of other watched tasks, of processes that
    /// are missing in the recording, and those that had been recorded before.
    evicted_elsewhere: u64,
    /// Descendants that could not be followed, for lack of memory or because max_targets was
    /// reached.
    lost: u64,
    /// CPU time that wait4(2) reports for the command and its descendants, but that is not in the
    /// recording.
    missing_us: u64,
    /// What else the recording lacks, in words.
    missing: Vec<String>,
    /// The processes that consumed the most CPU time, in descending order.
    costliest: Vec<Process>,
    /// The processes that waited longest for a CPU, in descending order. Those that did not wait are
    /// left out.
    longest_waiting: Vec<Process>,
    /// The names of the processes, in descending order of CPU time. A name stands for all processes
    /// that have it.
    by_name: Vec<Namesakes>,
    /// The processes that had not ended when the recording ended.
    still_running: Vec<Process>,
    /// Whether the command has, or all that were named have, an exit sample.
    is_ended: bool,
    /// Whether nothing is missing in the recording.
    is_complete: bool,
    /// The report by process, and by command.
    #[serde(skip)]
    by_process: Report,
    #[serde(skip)]
    by_command: Report,
    #[serde(skip)]
    clock: WallClock,
}

impl Summary {
    /// Reads the recording and computes its summary.
    pub fn of(source: &Source, outcome: &Outcome) -> Result<Self> {
        let excerpt = Excerpt::whole(source, true)?;
        let overview = excerpt.overview();
        let used = usage_of_tasks(&excerpt.history, excerpt.window)?;
        let report = |by| Report::of_usage(&excerpt, &used, &options(by));
        let by_process = report(ReportBy::Process)?;
        let by_command = report(ReportBy::Command)?;
        let tasks: Vec<_> = overview
            .tasks
            .iter()
            .zip(&used.tasks)
            .filter(|(task, _)| !task.is_part)
            .collect();
        let processes: Vec<Process> = tasks
            .iter()
            .map(|(task, used)| Process::of(task, used))
            .collect();
        let usage = used.total;
        let waited_us = |usage: &Usage| usage.wait_us.unwrap_or(0);
        let mut longest_waiting = highest(&processes, MAX_LISTED, waited_us);
        longest_waiting.retain(|process| waited_us(&process.usage) > 0);
        let mut by_name = Namesakes::of(&processes);
        by_name.truncate(MAX_LISTED);
        let running = || tasks.iter().filter(|(task, _)| !task.last.is_exit);
        let still_running = running().take(MAX_RUNNING);
        let still_running = still_running
            .map(|(task, used)| Process::of(task, used))
            .collect();
        let wall_us = u64::try_from(outcome.wall.as_micros()).unwrap_or(u64::MAX);
        Ok(Self {
            command: overview.metadata.command.clone().unwrap_or_default(),
            status: outcome.status.and_then(|status| status.code()),
            signal: outcome.status.and_then(|status| status.signal()),
            wall_us,
            interval_ms: overview.metadata.period_ms,
            usage,
            mean_share: usage.cpu_us() as f64 / wall_us.max(1) as f64,
            peak_share: by_process.peak,
            peak_over_s: by_process.peak_over_s,
            processes: processes.len(),
            running: running().count(),
            samples: overview.tasks.iter().map(|task| task.samples).sum(),
            evicted: outcome.losses.evicted,
            evicted_elsewhere: outcome
                .evicted_in_all
                .saturating_sub(outcome.losses.evicted),
            lost: outcome.losses.lost,
            missing_us: outcome.missing_us,
            missing: outcome.losses.missing.clone(),
            costliest: highest(&processes, MAX_LISTED, Usage::cpu_us),
            longest_waiting,
            by_name,
            still_running,
            is_ended: outcome.is_ended,
            is_complete: outcome.is_complete,
            by_process,
            by_command,
            clock: excerpt.clock.clone(),
        })
    }

    /// Returns the summary as one line of JSON.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

/// Returns which rows the tables of the summary have.
fn options(by: ReportBy) -> Options {
    Options {
        by,
        rows: Rows {
            form: Form {
                number: Some(MAX_LISTED),
                ..Form::default()
            },
            ..Rows::default()
        },
        has_threads: false,
    }
}
