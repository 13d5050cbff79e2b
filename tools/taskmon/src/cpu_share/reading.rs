// SPDX-License-Identifier: GPL-2.0

//! The intervals of all tasks of a history, within a window of time. Everything that computes with
//! samples reads them here: summary, report, plots, the page, top's replay, and exports.

use super::{Interval, Intervals};
use crate::history::{StableHistory, Window};
use anyhow::{bail, Result};
use std::collections::{hash_map::Entry, HashMap};

/// Calls `each` with the index of a task and each of its intervals, cut to `window`. The intervals
/// of a task come in the order of time; those of different tasks can alternate.
///
/// Fails if the history has other tasks now than when it was read first.
pub fn for_each_interval(
    history: &StableHistory,
    window: Window,
    mut each: impl FnMut(usize, &Interval) -> Result<()>,
) -> Result<()> {
    let overview = history.overview();
    let mut each = |index: usize, interval: Option<Interval>| match interval {
        Some(interval) => match interval.within(window) {
            Some(part) => each(index, &part),
            None => Ok(()),
        },
        None => Ok(()),
    };
    let mut living: HashMap<usize, Intervals> = HashMap::new();
    let mut history = history.open()?;
    while let Some((task, sample)) = history.next()? {
        let index = task.index;
        if index >= overview.tasks.len() {
            bail!("the recording was changed while it was read");
        }
        let intervals = match living.entry(index) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Intervals::new(overview.metadata.period_ms)),
        };
        each(index, intervals.push(&sample))?;
        if sample.is_exit {
            each(index, intervals.finish())?;
            living.remove(&index);
        }
    }
    for (index, mut intervals) in living {
        each(index, intervals.finish())?;
    }
    Ok(())
}
