// SPDX-License-Identifier: GPL-2.0

//! Time series of the tasks of a history. The samples of different tasks can alternate.

use super::{capacity, for_each_interval, Coverage, TimeSeries};
use crate::history::{StableHistory, Window};
use anyhow::Result;

/// The most bins of all series together. It bounds the memory.
const MAX_BINS: usize = 1 << 20;
/// The fewest bins of a series.
const MIN_BINS: usize = 32;
/// How far before and after the window CPU time can be moved, in seconds, if there are not so many
/// groups that it takes more than an eighth of all bins.
const AROUND_S: f64 = 10.0;

/// Returns an empty time series over `window`, with at most `max_bins` bins.
fn empty_series(history: &StableHistory, window: Window, max_bins: usize) -> TimeSeries {
    let period_ms = history.overview().metadata.period_ms;
    TimeSeries::new(window.from_us, window.to_us, period_ms, max_bins)
}

/// Returns a time series over `window` for each group of tasks, `groups` in all. `group_of` says to
/// which group the task with an index belongs; tasks of no group are left out. A series has at most
/// `max_bins` bins, fewer if there are very many groups.
///
/// In each bin, all tasks together use no more than the CPUs of the machine, those of no group
/// included. What is too much is moved to the nearest bins that have room, also before and after the
/// window. A thread whose process is in the history too is not counted in a group with other tasks: a
/// group is either of such threads alone, or has none.
///
/// Fails if the history has other tasks now than when it was read first.
pub fn series_of_groups(
    history: &StableHistory,
    window: Window,
    max_bins: usize,
    groups: usize,
    group_of: impl Fn(usize) -> Option<usize>,
) -> Result<Vec<TimeSeries>> {
    let overview = history.overview();
    let tasks = &overview.tasks;
    let is_part = |index: usize| tasks.get(index).is_some_and(|task| task.is_part);
    // Groups of such threads alone are not a part of the sum.
    let mut adds_up = vec![false; groups + 1];
    adds_up[groups] = true;
    for index in (0..tasks.len()).filter(|index| !is_part(*index)) {
        if let Some(group) = group_of(index).filter(|group| *group < groups) {
            adds_up[group] = true;
        }
    }
    let max_bins = max_bins.min((MAX_BINS / (groups + 1)).max(MIN_BINS));
    let narrow = empty_series(history, window, max_bins);
    // CAST: the next line bounds it.
    let around = (AROUND_S / narrow.bin_s()).ceil() as usize;
    let (wide, before) = narrow.widened(around.min(MAX_BINS / (groups + 1) / 8));
    let around = wide.window();
    // The last series is of the tasks of no group.
    let mut series = vec![wide; groups + 1];
    let mut coverages = vec![Coverage::default(); tasks.len()];
    for_each_interval(history, around, |index, interval| {
        let group = group_of(index).filter(|group| *group < groups);
        let is_counted = match group {
            Some(group) => !is_part(index) || !adds_up[group],
            None => !is_part(index),
        };
        if is_counted {
            let coverage = &mut coverages[index];
            series[group.unwrap_or(groups)].add(interval, coverage);
        }
        Ok(())
    })?;
    if let Some(cpus) = overview.metadata.cpus {
        let all = series.iter_mut().zip(&adds_up);
        let mut whole: Vec<&mut TimeSeries> = all
            .filter_map(|(one, adds_up)| adds_up.then_some(one))
            .collect();
        capacity::fit(&mut whole, cpus);
    }
    series.truncate(groups);
    for one in &mut series {
        one.narrow_to(&narrow, before);
    }
    Ok(series)
}
