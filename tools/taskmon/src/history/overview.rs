// SPDX-License-Identifier: GPL-2.0

//! The tasks of a history: when each was sampled and what it consumed.

use super::{HistoryReader, Lives, Metadata, Sample, Task, Window};
use crate::kernel_module::TaskInfo;
use anyhow::Result;

/// A task with its first and its last sample.
#[derive(Clone, Debug)]
pub struct TaskOverview {
    pub task: Task,
    pub first: Sample,
    pub last: Sample,
    /// The number of samples.
    pub samples: u64,
    /// Whether this is a thread whose process is in the history too: then it is a part of that
    /// process, and not counted again.
    pub is_part: bool,
}

impl TaskOverview {
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
                    is_part: false,
                }),
            }
        }
        for known in &mut tasks {
            known.task = history.updated(&known.task);
        }
        mark_parts(&mut tasks);
        Ok(Self {
            metadata: history.metadata().clone(),
            tasks,
        })
    }

    /// Returns for each task when it was born, if that was within the history: at that time, it had
    /// used nothing.
    pub fn births(&self) -> Vec<Option<u64>> {
        let begin_us = self.begin_us();
        let birth = |task: &TaskOverview| {
            let started_us = task.task.info.as_ref()?.started_us;
            let first = &task.first;
            // Both clocks are cut to microseconds.
            let is_new = started_us >= first.time_us && first.total_us() == 0;
            let before_us = started_us.min(first.time_us.saturating_sub(1));
            (started_us >= begin_us && !is_new).then_some(before_us)
        };
        self.tasks.iter().map(birth).collect()
    }

    /// Returns when the history begins: with the recording, if that says when, else with the first
    /// sample.
    fn begin_us(&self) -> u64 {
        let first_us = self.tasks.iter().map(|task| task.first.time_us).min();
        let recorded_us = self.metadata.clock.map(|clock| clock.boot_us);
        let first_us = first_us.or(recorded_us).unwrap_or(0);
        recorded_us.map_or(first_us, |us| us.min(first_us))
    }

    /// Returns the range of time from the beginning of the history to its latest sample; 0 to 0 if
    /// there is no sample.
    pub fn range(&self) -> Window {
        let Some(to_us) = self.tasks.iter().map(|task| task.last.time_us).max() else {
            return Window {
                from_us: 0,
                to_us: 0,
            };
        };
        Window {
            from_us: self.begin_us().min(to_us),
            to_us,
        }
    }
}

/// Marks the threads whose process is among `tasks`.
fn mark_parts(tasks: &mut [TaskOverview]) {
    let lives = Lives::of(tasks);
    for task in tasks.iter_mut() {
        let info = task.task.info.as_deref().filter(|info| info.is_thread);
        let process = |info: &TaskInfo| lives.at(info.tgid?, info.started_us, usize::MAX);
        task.is_part = info.and_then(process).is_some();
    }
}
