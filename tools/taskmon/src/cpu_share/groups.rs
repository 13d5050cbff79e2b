// SPDX-License-Identifier: GPL-2.0

//! Time series of the tasks of a history. The samples of different tasks can alternate.

use super::{Coverage, Interval, Intervals, TimeSeries};
use crate::history::{Overview, StableHistory};
use anyhow::{bail, Result};
use std::collections::{hash_map::Entry, HashMap};

/// Returns an empty time series over the whole range of a history, with at most `max_bins` bins.
pub fn empty_series(overview: &Overview, max_bins: usize) -> TimeSeries {
    let (start, end) = overview.range_us();
    TimeSeries::new(start, end, overview.metadata.period_ms, max_bins)
}

/// Returns the time series of all tasks together. It has at most `max_bins` bins.
pub fn total_series(history: &StableHistory, max_bins: usize) -> Result<TimeSeries> {
    let mut all = series_of_groups(history, max_bins, 1, |_| Some(0))?;
    let empty = || empty_series(history.overview(), max_bins);
    Ok(all.pop().unwrap_or_else(empty))
}

/// A task that has not ended.
struct Living {
    group: usize,
    intervals: Intervals,
    coverage: Coverage,
}

/// Returns a time series for each group of tasks, `groups` in all. `group_of` says to which group
/// the task with an index belongs; tasks of no group are left out. Each series covers the whole
/// range of the history.
///
/// Fails if the history has other tasks now than when it was read first.
pub fn series_of_groups(
    history: &StableHistory,
    max_bins: usize,
    groups: usize,
    group_of: impl Fn(usize) -> Option<usize>,
) -> Result<Vec<TimeSeries>> {
    let overview = history.overview();
    let mut series = vec![empty_series(overview, max_bins); groups];
    let mut add = |interval: Option<Interval>, living: &mut Living| {
        if let (Some(interval), Some(series)) = (interval, series.get_mut(living.group)) {
            series.add(&interval, &mut living.coverage);
        }
    };
    let mut all_living: HashMap<usize, Living> = HashMap::new();
    let mut history = history.open()?;
    while let Some((task, sample)) = history.next()? {
        if task.index >= overview.tasks.len() {
            bail!("the recording was changed while it was read");
        }
        let living = match all_living.entry(task.index) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let Some(group) = group_of(task.index) else {
                    continue;
                };
                new.insert(Living {
                    group,
                    intervals: Intervals::new(overview.metadata.period_ms),
                    coverage: Coverage::default(),
                })
            }
        };
        add(living.intervals.push(&sample), living);
        if sample.is_exit {
            add(living.intervals.finish(), living);
            all_living.remove(&task.index);
        }
    }
    for living in all_living.values_mut() {
        add(living.intervals.finish(), living);
    }
    Ok(series)
}
