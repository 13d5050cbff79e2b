// SPDX-License-Identifier: GPL-2.0

//! A history in brief, read once: who was there, from when to when, and what each consumed.

use super::{About, Sample, Source, Task};
use anyhow::Result;

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
}
