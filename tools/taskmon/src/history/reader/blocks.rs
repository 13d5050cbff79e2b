// SPDX-License-Identifier: GPL-2.0

//! The tasks of a recording of format 2 or 3: blocks of samples, each of one task.

use super::order;
use crate::{
    history::{Sample, Task},
    kernel_module::TaskInfo,
};
use std::collections::HashMap;

/// What is known of one task so far.
struct Known {
    task: Task,
    last: Option<Sample>,
}

/// Finds out to which task each sample belongs.
#[derive(Default)]
pub struct Blocks {
    /// The position in `tasks` of each id.
    positions: HashMap<u64, usize>,
    tasks: Vec<Known>,
    /// The position of the task whose samples are read.
    current: Option<usize>,
    /// The number of tasks that have samples. Their indexes are below it.
    sampled: usize,
}

impl Blocks {
    /// Takes who a task is. What was known of it before is replaced.
    pub fn identify(&mut self, info: TaskInfo) -> Result<(), String> {
        let (id, pid) = (info.id, info.pid);
        let Some(position) = self.positions.get(&id) else {
            order::check_count(self.tasks.len())?;
            self.positions.insert(id, self.tasks.len());
            self.tasks.push(Known {
                task: Task::of(0, info),
                last: None,
            });
            return Ok(());
        };
        let known = &mut self.tasks[*position];
        if known.task.pid != pid {
            return Err(format!(
                "the id {id} is of PID {}, not {pid}",
                known.task.pid
            ));
        }
        known.task = Task::of(known.task.index, info);
        Ok(())
    }

    /// Begins the samples of the task `id`.
    pub fn begin(&mut self, id: u64) -> Result<(), String> {
        self.current = Some(self.position(id)?);
        Ok(())
    }

    /// Checks that the task `id` is known.
    pub fn check_id(&self, id: u64) -> Result<(), String> {
        self.position(id).map(drop)
    }

    fn position(&self, id: u64) -> Result<usize, String> {
        let position = self.positions.get(&id).copied();
        position.ok_or_else(|| format!("no task with the id {id} before this line"))
    }

    /// Takes the next sample.
    pub fn add(&mut self, sample: &Sample) -> Result<(), String> {
        let known = self.current.map(|position| &mut self.tasks[position]);
        let known = known.ok_or("a sample before the id of its task")?;
        if known.task.pid != sample.pid {
            let pid = known.task.pid;
            return Err(format!("PID {} in the samples of PID {pid}", sample.pid));
        }
        match &known.last {
            Some(last) => order::check(last, sample)?,
            None => {
                known.task.index = self.sampled;
                self.sampled += 1;
            }
        }
        known.last = Some(*sample);
        Ok(())
    }

    /// Returns the task of the last sample.
    pub fn current(&self) -> Option<&Task> {
        self.current.map(|position| &self.tasks[position].task)
    }

    /// Returns what is known now of the task `id`.
    pub fn task(&self, id: u64) -> Option<&Task> {
        self.positions
            .get(&id)
            .map(|position| &self.tasks[*position].task)
    }
}
