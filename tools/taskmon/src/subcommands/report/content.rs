// SPDX-License-Identifier: GPL-2.0

//! What a report says: of the window as a whole, and its rows.

use super::rows::{self, Row};
use crate::{
    cli::{ReportBy, Rows},
    cpu_share::{series_of_groups, usage_of_tasks, TimeSeries, Usage},
    excerpt::Excerpt,
    grouping::{By, Grouping},
    history::Window,
};
use anyhow::Result;

/// The most bins of the time series from which peaks are computed.
const MAX_BINS: usize = 4096;
/// The shortest time over which the peak of several tasks is computed.
const MIN_PEAK_S: f64 = 0.1;

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
    pub fn of(excerpt: &Excerpt, options: &Options) -> Result<Self> {
        let overview = excerpt.overview();
        let window = excerpt.window;
        let used = usage_of_tasks(&excerpt.history, window)?;
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
        let peaks = Peaks::of(excerpt, &grouping)?;
        let all = rows::all(
            overview,
            &used,
            &grouping,
            &peaks.of_groups,
            options,
            window,
        );
        let (rows, left_out) = rows::shown(all, options, window);
        let mut left_out_usage = Usage::default();
        left_out.iter().for_each(|row| left_out_usage += row.usage);
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
            unsampled: used.unsampled,
            processes,
            missing: overview.metadata.what_is_missing(),
            rows,
            left_out: left_out.len(),
            left_out_usage,
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

/// The highest shares of groups of several tasks. That of one task is found when its intervals are
/// read.
struct Peaks {
    of_groups: Vec<Option<f64>>,
    total: TimeSeries,
}

impl Peaks {
    fn of(excerpt: &Excerpt, grouping: &Grouping) -> Result<Self> {
        let mut series_of = vec![None; grouping.groups.len()];
        // The first series is that of all single tasks.
        let mut count = 1;
        for (group, series) in grouping.groups.iter().zip(&mut series_of) {
            if group.tasks.len() > 1 {
                *series = Some(count);
                count += 1;
            }
        }
        let tasks = &excerpt.overview().tasks;
        let series_of_task = |index: usize| {
            let group = grouping.group_of(index)?;
            match series_of[group] {
                Some(series) => Some(series),
                None => (!tasks[index].is_part).then_some(0),
            }
        };
        let (history, window) = (&excerpt.history, excerpt.window);
        let series = series_of_groups(history, window, MAX_BINS, count, series_of_task)?;
        let peak = |index: &Option<usize>| index.map(|index| series[index].peak(MIN_PEAK_S).0);
        let of_groups = series_of.iter().map(peak).collect();
        let mut total = series[0].clone();
        series[1..].iter().for_each(|more| total.merge(more));
        Ok(Self { of_groups, total })
    }
}
