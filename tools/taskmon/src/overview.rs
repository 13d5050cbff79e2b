// SPDX-License-Identifier: GPL-2.0

//! A history in brief, read once: who was there, from when to when, and what each consumed.

use crate::{
    history::Task, interval::Intervals, recording::About, sample::Sample, source::Source,
    timeline::Timeline,
};
use anyhow::{bail, Result};

/// A task's first and last sample.
#[derive(Clone, Debug)]
pub struct Span {
    pub task: Task,
    pub first: Sample,
    pub last: Sample,
    pub samples: u64,
}

impl Span {
    /// What it consumed while it was sampled, user and system.
    pub fn consumed_us(&self) -> u64 {
        self.last.total_us().saturating_sub(self.first.total_us())
    }

    pub fn length_us(&self) -> u64 {
        self.last.time_us.saturating_sub(self.first.time_us)
    }
}

/// All tasks of a history, in its order.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub about: About,
    pub spans: Vec<Span>,
}

impl Overview {
    /// Reads it all.
    pub fn read(source: &Source) -> Result<Self> {
        let mut history = source.open()?;
        let mut spans: Vec<Span> = Vec::new();
        while let Some((task, sample)) = history.next()? {
            match spans.get_mut(task.index) {
                Some(span) => {
                    span.last = sample;
                    span.samples += 1;
                }
                None => spans.push(Span {
                    task: task.clone(),
                    first: sample,
                    last: sample,
                    samples: 1,
                }),
            }
        }
        Ok(Self {
            about: history.about().clone(),
            spans,
        })
    }

    /// The first moment of all, and the last.
    pub fn range_us(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.first.time_us).min();
        let end = self.spans.iter().map(|span| span.last.time_us).max();
        (start.unwrap_or(0), end.unwrap_or(0))
    }

    /// An empty timeline over all of it.
    pub fn timeline(&self, max_steps: usize) -> Timeline {
        let (start, end) = self.range_us();
        Timeline::new(start, end, self.about.period_ms, max_steps)
    }

    /// Reads the history a second time, and gives each task's timeline over the whole range to
    /// `take`, in the order of the tasks. Fails where there are more of them by now.
    pub fn each_timeline(
        &self,
        source: &Source,
        max_steps: usize,
        mut take: impl FnMut(usize, &Timeline),
    ) -> Result<()> {
        let empty = self.timeline(max_steps);
        let mut history = source.open()?;
        let mut timeline = empty.emptied();
        let mut intervals = Intervals::new(self.about.period_ms);
        let mut index = 0;
        while let Some((task, sample)) = history.next()? {
            if task.index >= self.spans.len() {
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
}
