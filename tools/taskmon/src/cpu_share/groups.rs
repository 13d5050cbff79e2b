// SPDX-License-Identifier: GPL-2.0

//! Time series of the tasks of a history. The samples of different tasks can alternate.

use super::{for_each_interval, Coverage, TimeSeries};
use crate::history::{StableHistory, Window};
use anyhow::Result;
use std::collections::HashMap;

/// Returns an empty time series over `window`, with at most `max_bins` bins.
pub fn empty_series(history: &StableHistory, window: Window, max_bins: usize) -> TimeSeries {
    let period_ms = history.overview().metadata.period_ms;
    TimeSeries::new(window.from_us, window.to_us, period_ms, max_bins)
}

/// Returns the time series of all tasks together over `window`. It has at most `max_bins` bins.
pub fn total_series(
    history: &StableHistory,
    window: Window,
    max_bins: usize,
) -> Result<TimeSeries> {
    let mut all = series_of_groups(history, window, max_bins, 1, |_| Some(0))?;
    Ok(all
        .pop()
        .unwrap_or_else(|| empty_series(history, window, max_bins)))
}

/// Returns a time series over `window` for each group of tasks, `groups` in all. `group_of` says to
/// which group the task with an index belongs; tasks of no group are left out.
///
/// Fails if the history has other tasks now than when it was read first.
pub fn series_of_groups(
    history: &StableHistory,
    window: Window,
    max_bins: usize,
    groups: usize,
    group_of: impl Fn(usize) -> Option<usize>,
) -> Result<Vec<TimeSeries>> {
    let mut series = vec![empty_series(history, window, max_bins); groups];
    let mut coverages: HashMap<usize, Coverage> = HashMap::new();
    for_each_interval(history, window, |index, interval| {
        if let Some(series) = group_of(index).and_then(|group| series.get_mut(group)) {
            series.add(interval, coverages.entry(index).or_default());
        }
        Ok(())
    })?;
    Ok(series)
}
