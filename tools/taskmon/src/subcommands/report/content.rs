// SPDX-License-Identifier: GPL-2.0

//! What a report says: of the window as a whole, and its rows.

use super::{
    forest::Forest,
    peaks::{Peaks, MIN_PEAK_S},
    rows::{self, Row},
};
use crate::{
    cli::{ReportBy, Rows},
    cpu_share::{usage_of_tasks, Usage, WindowUsage},
    excerpt::Excerpt,
    grouping::{By, Grouping},
    history::{TaskOverview, Window},
};
use anyhow::Result;

/// Which rows a report has.
#[derive(Clone, Debug)]
pub struct Options {
    pub by: ReportBy,
    pub rows: Rows,
    pub has_threads: bool,
}

/// A report.
pub struct Report {
    /// What was recorded: the command line, if known.
    pub command: Option<String>,
    pub host: Option<String>,
    pub cpus: Option<u32>,
    pub period_ms: Option<u64>,
    pub by: ReportBy,
    pub window: Window,
    /// What all tasks that are selected used.
    pub total: Usage,
    /// The highest share of all of them together, and the time over which it is computed.
    pub peak: f64,
    pub peak_over_s: f64,
    /// The share of all of them over time; `None` where nothing was sampled.
    pub shares: Vec<Option<f64>>,
    /// Whether only tasks of some names or PIDs are in the report.
    pub is_filtered: bool,
    /// The ranges in which nothing was sampled.
    pub unsampled: Vec<Window>,
    /// How many processes were seen in the window.
    pub processes: usize,
    /// What is missing in the history, in words.
    pub missing: Option<String>,
    pub rows: Vec<Row>,
    /// How many rows are left out, and what they used.
    pub left_out: usize,
    pub left_out_usage: Usage,
}

impl Report {
    /// Computes the report of an excerpt.
    ///
    /// Fails if the history cannot be read again.
    pub fn of(excerpt: &Excerpt, options: &Options) -> Result<Self> {
        let used = usage_of_tasks(&excerpt.history, excerpt.window)?;
        Self::of_usage(excerpt, &used, options)
    }

    /// Computes the report of an excerpt of which it is known already what each task used.
    ///
    /// Fails if the history cannot be read again.
    pub fn of_usage(excerpt: &Excerpt, used: &WindowUsage, options: &Options) -> Result<Self> {
        let overview = excerpt.overview();
        let window = excerpt.window;
        let filter = &options.rows.filter;
        let grouping = Grouping::of(overview, by(options.by), options.has_threads, |task| {
            filter.is_empty() || filter.iter().any(|filter| filter.selects(task))
        });
        let is_seen = |index: &usize| used.tasks[*index].is_seen();
        let (mut total, mut processes) = (Usage::default(), 0);
        for index in (0..overview.tasks.len()).filter(|index| grouping.group_of(*index).is_some()) {
            if !overview.tasks[index].is_part {
                total += used.tasks[index].usage;
                processes += usize::from(is_seen(&index));
            }
        }
        let is_tree = options.by == ReportBy::Tree;
        let is_below = |task: &TaskOverview| {
            let info = task.task.info.as_ref();
            is_tree || info.is_some_and(|info| info.is_thread)
        };
        let forest =
            (is_tree || options.has_threads).then(|| Forest::of(overview, &grouping, is_below));
        let peaks = Peaks::of(excerpt, &grouping, forest.as_ref().filter(|_| is_tree))?;
        let all = rows::of_groups(excerpt, used, &grouping, &peaks.of_groups, options);
        let all = match forest {
            Some(forest) => rows::nested(all, forest, options),
            None => rows::sorted(all, options),
        };
        let (rows, left_out) = rows::shown(all, options, window);
        let (peak, peak_over_s) = peaks.total.peak(MIN_PEAK_S);
        Ok(Self {
            command: overview.metadata.command.clone(),
            host: overview.metadata.host.clone(),
            cpus: overview.metadata.cpus,
            period_ms: overview.metadata.period_ms,
            by: options.by,
            window,
            total,
            peak,
            peak_over_s,
            shares: peaks.total.total_shares().collect(),
            unsampled: used.unsampled.clone(),
            is_filtered: !filter.is_empty(),
            processes,
            missing: overview.metadata.what_is_missing(),
            rows,
            left_out: left_out.len(),
            left_out_usage: rows::sum(&left_out),
        })
    }

    /// Returns the mean share of one CPU that some CPU time is of the window.
    pub fn share(&self, used_us: u64) -> f64 {
        used_us as f64 / self.window.length_us().max(1) as f64
    }

    /// Returns the CPU time of the machine that these tasks did not use, in microseconds, if the
    /// number of CPUs is known.
    pub fn unused_us(&self) -> Option<u64> {
        let all_us = self.window.length_us().saturating_mul(self.cpus?.into());
        Some(all_us.saturating_sub(self.total.cpu_us()))
    }

    /// Returns for how long nothing was sampled.
    pub fn unsampled_us(&self) -> u64 {
        let lengths = self.unsampled.iter().map(Window::length_us);
        lengths.fold(0, u64::saturating_add)
    }
}

fn by(by: ReportBy) -> By {
    match by {
        ReportBy::Process | ReportBy::Tree => By::Process,
        ReportBy::Command => By::Command,
        ReportBy::Parent => By::Parent,
        ReportBy::Cgroup => By::Cgroup,
        ReportBy::Root => By::Root,
    }
}
