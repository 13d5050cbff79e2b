// SPDX-License-Identifier: GPL-2.0

//! The last list of all watched tasks, and how far the samples of each have been read.

use crate::{history::Sample, kernel_module::TaskInfo};
use std::collections::HashMap;

/// How far the samples of a task have been read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// The number of the next sample; `None` if any can come next.
    pub next: Option<u64>,
    /// When the last sample was taken.
    pub time_us: u64,
    /// The CPU time of that sample.
    pub total_us: u64,
    /// When the exit sample was read.
    pub exit_read_us: Option<u64>,
    /// Whether the task is recorded.
    pub is_recorded: bool,
    /// Whether the last list was the first one that had the task.
    pub is_new: bool,
}

/// All watched tasks.
#[derive(Debug, Default)]
pub struct TaskList {
    tasks: Vec<TaskInfo>,
    /// The positions in `tasks`, ordered by PID.
    by_pid: Vec<usize>,
    /// How far each task in the list has been read, by id.
    progress: HashMap<u64, Progress>,
    /// The highest id seen so far.
    max_id: u64,
    /// How many watched tasks were never seen in a list, as they were removed too soon.
    unseen: u64,
}

impl TaskList {
    /// Returns the list at the beginning of a recording. The samples taken before are not recorded.
    pub fn at_start(tasks: Vec<TaskInfo>) -> Self {
        let mut list = Self::default();
        for task in &tasks {
            // The exit sample can still come. The number tells it from the samples of a later task.
            let next = task.ended_us.map(|_| task.next);
            let progress = Progress {
                next,
                ..Progress::default()
            };
            list.progress.insert(task.id, progress);
        }
        list.replace(tasks);
        list.unseen = 0;
        list
    }

    /// Replaces the list by a newer one. Returns the tasks that are not in it any more.
    pub fn replace(&mut self, tasks: Vec<TaskInfo>) -> Vec<(TaskInfo, Progress)> {
        let before = std::mem::replace(&mut self.tasks, tasks);
        let mut progress_before = std::mem::take(&mut self.progress);
        let max_id = self.max_id;
        let mut added = 0;
        for task in &self.tasks {
            let progress = match progress_before.remove(&task.id) {
                Some(known) => Progress {
                    is_new: false,
                    ..known
                },
                None => Progress {
                    next: Some(0),
                    is_new: true,
                    ..Progress::default()
                },
            };
            self.progress.insert(task.id, progress);
            self.max_id = self.max_id.max(task.id);
            added += u64::from(task.id > max_id);
        }
        self.unseen += (self.max_id - max_id).saturating_sub(added);
        self.by_pid = (0..self.tasks.len()).collect();
        self.by_pid
            .sort_unstable_by_key(|index| self.tasks[*index].pid);
        let progress_of = |task: TaskInfo| {
            let progress = progress_before.get(&task.id).copied()?;
            Some((task, progress))
        };
        before.into_iter().filter_map(progress_of).collect()
    }

    /// Returns all tasks, in the order in which they were added.
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// Returns how far the task `id` has been read, if it is in the list.
    pub fn progress(&self, id: u64) -> Option<&Progress> {
        self.progress.get(&id)
    }

    /// Returns how far the task `id` has been read, if it is in the list.
    pub fn progress_mut(&mut self, id: u64) -> Option<&mut Progress> {
        self.progress.get_mut(&id)
    }

    /// Calls `action` for each task, in the order in which they were added.
    pub fn for_each(&mut self, mut action: impl FnMut(&TaskInfo, &mut Progress)) {
        for task in &self.tasks {
            if let Some(progress) = self.progress.get_mut(&task.id) {
                action(task, progress);
            }
        }
    }

    /// Returns the highest id seen so far.
    pub fn max_id(&self) -> u64 {
        self.max_id
    }

    /// Returns how many watched tasks were removed before any list had them.
    pub fn unseen(&self) -> u64 {
        self.unseen
    }

    /// Returns the tasks that have or had the PID `pid`.
    fn with_pid(&self, pid: u32) -> impl Iterator<Item = &TaskInfo> {
        let begin = self
            .by_pid
            .partition_point(|index| self.tasks[*index].pid < pid);
        let positions = self.by_pid[begin..].iter();
        positions
            .map(|index| &self.tasks[*index])
            .take_while(move |task| task.pid == pid)
    }

    /// Returns the latest task with the PID `pid`.
    pub fn latest(&self, pid: u32) -> Option<&TaskInfo> {
        self.with_pid(pid).max_by_key(|task| task.id)
    }

    /// Returns the id of the task to which a sample belongs; `None` if it is not in the list.
    pub fn id_of(&self, sample: &Sample) -> Option<u64> {
        let candidates = self.with_pid(sample.pid).filter_map(|task| {
            let progress = self.progress.get(&task.id)?;
            let is_possible = task.started_us <= sample.time_us
                && progress.exit_read_us.is_none()
                && progress.next.is_none_or(|next| next <= sample.num);
            let is_next = progress.next == Some(sample.num);
            is_possible.then_some((is_next, task.started_us, task.id))
        });
        candidates.max().map(|(.., id)| id)
    }
}
