// SPDX-License-Identifier: GPL-2.0

//! Who forked whom.

use crate::history::{Lives, Overview, TaskOverview};

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
    /// began earlier, and a thread has no children, so there is no circle, whatever a recording says.
    pub fn of(overview: &Overview) -> Self {
        let lives = Lives::of(&overview.tasks);
        let parent = |(index, task): (usize, &TaskOverview)| {
            let info = task.task.info.as_ref()?;
            match info.is_thread {
                true => lives.at(info.tgid?, info.started_us, usize::MAX),
                false => lives.at(info.parent?, info.started_us, index),
            }
        };
        Self {
            parents: overview.tasks.iter().enumerate().map(parent).collect(),
        }
    }

    /// Returns the index of a task's parent; `None` if it is not in the history.
    pub fn parent(&self, index: usize) -> Option<usize> {
        self.parents.get(index).copied().flatten()
    }
}
