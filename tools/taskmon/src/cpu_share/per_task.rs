// SPDX-License-Identifier: GPL-2.0

//! A time series for each task of a history.

use super::{Intervals, TimeSeries};
use crate::history::{Overview, Source};
use anyhow::{bail, Result};

/// Returns an empty time series over the whole range of a history, with at most `max_bins` bins.
pub fn empty_series(overview: &Overview, max_bins: usize) -> TimeSeries {
    let (start, end) = overview.range_us();
    TimeSeries::new(start, end, overview.metadata.period_ms, max_bins)
}

/// Reads the history of `overview` a second time, and calls `take` with the index and the time
/// series of each task, in the order of the tasks. Each series covers the whole range of the
/// history.
///
/// Fails if the history has more tasks now than when `overview` was read.
pub fn for_each_task(
    overview: &Overview,
    source: &Source,
    max_bins: usize,
    mut take: impl FnMut(usize, &TimeSeries),
) -> Result<()> {
    let empty = empty_series(overview, max_bins);
    let mut history = source.open()?;
    let mut series = empty.clone();
    let mut intervals = Intervals::new(overview.metadata.period_ms);
    let mut index = 0;
    while let Some((task, sample)) = history.next()? {
        if task.index >= overview.tasks.len() {
            bail!("the recording has grown while it was read");
        }
        if task.index != index {
            series.extend(intervals.finish());
            take(index, &series);
            index = task.index;
            series = empty.clone();
        }
        series.extend(intervals.push(&sample));
    }
    series.extend(intervals.finish());
    take(index, &series);
    Ok(())
}
