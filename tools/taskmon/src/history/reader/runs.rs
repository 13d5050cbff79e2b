// SPDX-License-Identifier: GPL-2.0

//! The tasks of a history in which the samples of each task are adjacent: of the module's samples
//! file, a copy of it, or a recording of format 1.

use super::{identities::Identities, order};
use crate::history::{Sample, Task};

/// Finds out where the samples of the next task begin.
#[derive(Default)]
pub struct Runs {
    /// The identities of the tasks, if the module is read.
    identities: Option<Identities>,
    /// The number of tasks so far.
    count: usize,
    /// The task and the sample of the last line.
    task: Task,
    last: Option<Sample>,
    /// PID and name from the last annotation, until the samples of that task begin.
    annotated: Option<(u32, String)>,
}

impl Runs {
    /// Returns the runs of the module's samples file.
    pub fn of_module(identities: Identities) -> Self {
        Self {
            identities: Some(identities),
            ..Self::default()
        }
    }

    /// Returns whether no task and no sample has been seen.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.annotated.is_none()
    }

    /// Takes the PID and the name of the task whose samples follow.
    pub fn name_next(&mut self, pid: u32, name: String) {
        self.annotated = Some((pid, name));
    }

    /// Takes the next sample. It belongs to a new task if an annotation with the name of a task
    /// comes before it, or if it cannot follow the last sample.
    pub fn add(&mut self, sample: &Sample) -> Result<(), String> {
        let before = self.last.filter(|last| sample.can_follow(last));
        match before.filter(|_| self.annotated.is_none()) {
            Some(last) => order::check(&last, sample)?,
            None => self.begin_task(sample)?,
        }
        self.last = Some(*sample);
        Ok(())
    }

    fn begin_task(&mut self, sample: &Sample) -> Result<(), String> {
        order::check_count(self.count)?;
        let info = match &mut self.identities {
            Some(identities) => identities.of(sample)?,
            None => None,
        };
        let index = self.count;
        self.count += 1;
        let annotated = self.annotated.take().filter(|(pid, _)| *pid == sample.pid);
        self.task = match info {
            Some(info) => Task::of(index, info),
            None => Task {
                index,
                pid: sample.pid,
                name: annotated.map(|(_, name)| name),
                info: None,
            },
        };
        Ok(())
    }

    /// Returns the task of the last sample.
    pub fn current(&self) -> &Task {
        &self.task
    }
}
