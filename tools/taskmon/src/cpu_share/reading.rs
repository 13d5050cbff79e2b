// SPDX-License-Identifier: GPL-2.0

//! The intervals of all tasks of a history, within a window of time. Everything that computes with
//! samples reads them here: summary, report, plots, the page, top's replay, and exports.

use super::{Interval, Intervals, Spread};
use crate::history::{Overview, Sample, StableHistory, TaskOverview, Window};
use anyhow::{bail, Result};
use std::collections::{hash_map::Entry, HashMap};

/// The most intervals that are kept for one task, and about how many for all together.
const MAX_KEPT: usize = 512;
const MAX_KEPT_IN_ALL: usize = 1 << 17;
/// As many are kept for each task, however many there are.
const MIN_KEPT: usize = 16;

/// Calls `each` with the index of a task and each of its intervals, cut to `window`. The intervals
/// of a task come in the order of time; those of different tasks can alternate.
///
/// No interval has more CPU time than the threads of the task, and the CPUs of the machine, can use:
/// see [`Spread`]. A task that was born within the history has an interval from its birth to its
/// first sample. Threads that are part of a process come too; see [`TaskOverview::is_part`].
///
/// Fails if the history has other tasks now than when it was read first.
pub fn for_each_interval(
    history: &StableHistory,
    window: Window,
    mut each: impl FnMut(usize, &Interval) -> Result<()>,
) -> Result<()> {
    let overview = history.overview();
    let births = overview.births();
    let mut living: HashMap<usize, Living> = HashMap::new();
    let mut ready = Vec::new();
    let mut deliver = |index: usize, ready: &mut Vec<Interval>| {
        let mut parts = ready
            .drain(..)
            .filter_map(|interval| interval.within(window));
        parts.try_for_each(|part| each(index, &part))
    };
    let mut reader = history.open()?;
    let mut last = None;
    while let Some((task, sample)) = reader.next()? {
        let index = task.index;
        let ended = last.replace(index).filter(|last| *last != index);
        if let Some(ended) = ended.filter(|_| !reader.is_alternating()) {
            if let Some(mut task) = living.remove(&ended) {
                task.finish(&mut ready);
                deliver(ended, &mut ready)?;
            }
        }
        let max_kept = (MAX_KEPT_IN_ALL / (living.len() + 1)).clamp(MIN_KEPT, MAX_KEPT);
        let living_task = match living.entry(index) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let Some(birth_us) = births.get(index) else {
                    bail!("the recording was changed while it was read");
                };
                new.insert(Living::new(overview, index, *birth_us))
            }
        };
        living_task.push(&sample, max_kept, &mut ready);
        if sample.is_exit {
            living_task.finish(&mut ready);
            living.remove(&index);
        }
        deliver(index, &mut ready)?;
    }
    let mut rest: Vec<_> = living.into_iter().collect();
    rest.sort_unstable_by_key(|(index, _)| *index);
    for (index, mut task) in rest {
        task.finish(&mut ready);
        deliver(index, &mut ready)?;
    }
    Ok(())
}

/// A task that has not ended.
struct Living {
    intervals: Intervals,
    spread: Spread,
}

impl Living {
    fn new(overview: &Overview, index: usize, birth_us: Option<u64>) -> Self {
        let task = &overview.tasks[index];
        let mut new = Self {
            intervals: Intervals::new(overview.metadata.period_ms),
            spread: Spread::new(max_cpus(task, overview.metadata.cpus)),
        };
        if let Some(time_us) = birth_us {
            let nothing_yet = Sample {
                time_us,
                wait_us: Some(0),
                ..Sample::default()
            };
            new.intervals.push(&nothing_yet);
        }
        new
    }

    fn push(&mut self, sample: &Sample, max_kept: usize, ready: &mut Vec<Interval>) {
        if let Some(interval) = self.intervals.push(sample) {
            self.spread.push(interval, max_kept, |one| ready.push(one));
        }
    }

    fn finish(&mut self, ready: &mut Vec<Interval>) {
        if let Some(interval) = self.intervals.finish() {
            self.spread
                .push(interval, usize::MAX, |one| ready.push(one));
        }
        self.spread.finish(|one| ready.push(one));
    }
}

/// Returns how many CPUs a task can use at the same time: not more than it has threads, nor than the
/// machine has; `None` if neither is known.
fn max_cpus(task: &TaskOverview, cpus: Option<u32>) -> Option<u32> {
    let info = task.task.info.as_ref();
    let threads = info.and_then(|info| match info.is_thread {
        true => Some(1),
        false => info.threads,
    });
    let most = match (threads, cpus) {
        (Some(threads), Some(cpus)) => threads.min(cpus),
        (threads, cpus) => threads.or(cpus)?,
    };
    Some(most.max(1))
}
