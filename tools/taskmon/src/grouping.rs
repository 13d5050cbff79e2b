// SPDX-License-Identifier: GPL-2.0

//! The tasks of a history, grouped: by process, command, descent, cgroup.

use crate::history::{Overview, TaskOverview};
use clap::ValueEnum;
use std::collections::HashMap;

/// What makes tasks one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Each process is a group
    #[value(alias = "pid")]
    Process,
    /// Tasks of one command name
    #[value(alias = "name")]
    Command,
    /// Tasks of one command name, without what follows its first `/`, `:`, `-` or digit
    Stem,
    /// Tasks that the same process forked
    Parent,
    /// Tasks of one cgroup
    Cgroup,
    /// Descendants of one process that was named
    Root,
}

/// Tasks that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What the group is called. It is not escaped for a terminal.
    pub name: String,
    /// The indexes of its tasks, in the order of the history.
    pub tasks: Vec<usize>,
}

/// The groups of the tasks of a history. A task is in at most one group.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    pub groups: Vec<Group>,
    of_task: Vec<Option<usize>>,
}

impl Grouping {
    /// Groups the tasks of `overview` of which `is_wanted` is true, in the order in which they occur.
    ///
    /// A thread whose process is in the history too is part of that process and in no group.
    pub fn of(overview: &Overview, by: By, is_wanted: impl Fn(&TaskOverview) -> bool) -> Self {
        let mut all = Self::default();
        let mut of_key: HashMap<String, usize> = HashMap::new();
        for (index, task) in overview.tasks.iter().enumerate() {
            if !is_wanted(task) {
                all.of_task.push(None);
                continue;
            }
            let name = name_of(index, task, by);
            let group = *of_key.entry(name.clone()).or_insert_with(|| {
                all.groups.push(Group {
                    name,
                    tasks: Vec::new(),
                });
                all.groups.len() - 1
            });
            all.groups[group].tasks.push(index);
            all.of_task.push(Some(group));
        }
        all
    }

    /// Returns the position of the group of the task with an index, `None` if it is in no group.
    pub fn group_of(&self, index: usize) -> Option<usize> {
        self.of_task.get(index).copied().flatten()
    }
}

fn name_of(index: usize, task: &TaskOverview, by: By) -> String {
    match by {
        By::Process => format!("{} ({}) #{index}", task.task.label(), task.task.pid),
        _ => task.task.label().to_string(),
    }
}
