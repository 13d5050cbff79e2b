// SPDX-License-Identifier: GPL-2.0

//! The timelines of all tasks of a history.

use super::{Intervals, Timeline};
use crate::history::{Overview, Source};
use anyhow::{bail, Result};

/// An empty timeline over all of it.
pub fn timeline(overview: &Overview, max_steps: usize) -> Timeline {
    let (start, end) = overview.range_us();
    Timeline::new(start, end, overview.about.period_ms, max_steps)
}

/// Reads the history a second time, and gives each task's timeline over the whole range to
/// `take`, in the order of the tasks. Fails where there are more of them by now.
pub fn each_timeline(
    overview: &Overview,
    source: &Source,
    max_steps: usize,
    mut take: impl FnMut(usize, &Timeline),
) -> Result<()> {
    let empty = timeline(overview, max_steps);
    let mut history = source.open()?;
    let mut timeline = empty.emptied();
    let mut intervals = Intervals::new(overview.about.period_ms);
    let mut index = 0;
    while let Some((task, sample)) = history.next()? {
        if task.index >= overview.spans.len() {
            bail!("the recording has grown while it was read");
        }
        if task.index != index {
            intervals
                .finish()
                .iter()
                .for_each(|last| timeline.add(last));
            take(index, &timeline);
            index = task.index;
            timeline = empty.emptied();
        }
        intervals
            .push(&sample)
            .iter()
            .for_each(|done| timeline.add(done));
    }
    intervals
        .finish()
        .iter()
        .for_each(|last| timeline.add(last));
    take(index, &timeline);
    Ok(())
}
