// SPDX-License-Identifier: GPL-2.0

//! Who forked whom.

use crate::history::{Overview, TaskOverview};
use std::collections::HashMap;

/// The parents of the tasks of a history, by their indexes.
#[derive(Clone, Debug, Default)]
pub struct Family {
    parents: Vec<Option<usize>>,
}

impl Family {
    /// Finds the parents of all tasks. The parent of a thread is its process, if that is in the
    /// history.
    ///
    /// A PID can occur several times. The parent is the process that lived when the task began. It
    /// began earlier, so there is no circle, whatever a recording says.
    pub fn of(overview: &Overview) -> Self {
        let mut of_pid: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, task) in overview.tasks.iter().enumerate() {
            let info = task.task.info.as_ref();
            if info.is_some_and(|info| !info.is_thread) {
                of_pid.entry(task.task.pid).or_default().push(index);
            }
        }
        let tasks = &overview.tasks;
        let mut family = Self::default();
        for (index, task) in tasks.iter().enumerate() {
            let pid = task
                .task
                .info
                .as_ref()
                .and_then(|info| match info.is_thread {
                    true => info.tgid,
                    false => info.parent,
                });
            let candidates = pid.and_then(|pid| of_pid.get(&pid)).into_iter().flatten();
            let lived = candidates.filter(|other| lived_before(tasks, **other, index));
            let parent = lived
                .max_by_key(|other| (began_us(&tasks[**other]), **other))
                .copied();
            family.parents.push(parent);
        }
        family
    }

    /// Returns the index of a task's parent; `None` if it is not in the history.
    pub fn parent(&self, index: usize) -> Option<usize> {
        self.parents.get(index).copied().flatten()
    }
}

/// Returns whether the task `other` began before the task `index` and lived when that began.
fn lived_before(tasks: &[TaskOverview], other: usize, index: usize) -> bool {
    let began = began_us(&tasks[index]);
    let info = tasks[other].task.info.as_ref();
    let ended = info.and_then(|info| info.ended_us).unwrap_or(u64::MAX);
    (began_us(&tasks[other]), other) < (began, index) && ended >= began
}

fn began_us(task: &TaskOverview) -> u64 {
    let info = task.task.info.as_ref();
    info.map_or(task.first.time_us, |info| info.started_us)
}
