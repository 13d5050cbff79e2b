// SPDX-License-Identifier: GPL-2.0

//! The tasks of a history: when each was sampled and what it consumed.

use super::{HistoryReader, Metadata, Sample, Task, Window};
use anyhow::Result;

/// A task with its first and its last sample.
#[derive(Clone, Debug)]
pub struct TaskOverview {
    pub task: Task,
    pub first: Sample,
    pub last: Sample,
    /// The number of samples.
    pub samples: u64,
}

impl TaskOverview {
    /// Returns the CPU time consumed between the two samples, user and system time together.
    pub fn consumed_us(&self) -> u64 {
        self.last.total_us().saturating_sub(self.first.total_us())
    }

    /// Returns the CPU time that the task wanted between the two samples: what it consumed, and how
    /// long it waited for a CPU, as far as that is known.
    pub fn wanted_us(&self) -> u64 {
        let waited_us = self.last.waited_since_us(&self.first).unwrap_or(0);
        self.consumed_us().saturating_add(waited_us)
    }

    /// Returns the time between the two samples.
    pub fn length_us(&self) -> u64 {
        self.last.time_us.saturating_sub(self.first.time_us)
    }
}

/// All tasks of a history, in its order.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub metadata: Metadata,
    pub tasks: Vec<TaskOverview>,
}

impl Overview {
    /// Reads what is left of a history. Who the tasks are is what is known at its end.
    pub fn read_from(history: &mut HistoryReader) -> Result<Self> {
        let mut tasks: Vec<TaskOverview> = Vec::new();
        while let Some((task, sample)) = history.next()? {
            match tasks.get_mut(task.index) {
                Some(known) => {
                    known.last = sample;
                    known.samples += 1;
                }
                None => tasks.push(TaskOverview {
                    task: task.clone(),
                    first: sample,
                    last: sample,
                    samples: 1,
                }),
            }
        }
        for known in &mut tasks {
            known.task = history.updated(&known.task);
        }
        Ok(Self {
            metadata: history.metadata().clone(),
            tasks,
        })
    }

    /// Returns the range of time from the earliest to the latest sample; 0 to 0 if there is none.
    pub fn range(&self) -> Window {
        let (from_us, to_us) = self.range_us();
        Window { from_us, to_us }
    }

    /// Returns the times of the earliest and of the latest sample, 0 if there is none.
    pub fn range_us(&self) -> (u64, u64) {
        let start = self.tasks.iter().map(|task| task.first.time_us).min();
        let end = self.tasks.iter().map(|task| task.last.time_us).max();
        (start.unwrap_or(0), end.unwrap_or(0))
    }
}
