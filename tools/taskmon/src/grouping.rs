// SPDX-License-Identifier: GPL-2.0

//! The tasks of a history, grouped: by process, command, descent, cgroup.
//!
//! A [`Grouping`] says which group each task is in. A [`Family`] says who forked whom.

mod family;
mod filter;

use crate::{
    history::{Lives, Overview, TaskOverview},
    kernel_module::TaskInfo,
};
use clap::ValueEnum;
pub use family::Family;
pub use filter::Filter;
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
    /// Tasks of one command name, without a version or number at its end
    Stem,
    /// Tasks that the same process forked
    Parent,
    /// Tasks of one cgroup
    Cgroup,
    /// Descendants of one process that is followed with its descendants
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

/// What the tasks of a group have in common.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Task(usize),
    Name(String),
    /// The index of the parent or root; where it is not in the history, its PID, if known.
    Relative(Option<usize>, Option<u32>),
    Cgroup(Option<u64>),
}

impl Grouping {
    /// Groups the tasks of `overview` of which `is_wanted` is true, in the order in which they occur.
    ///
    /// A thread whose process is in the history too is a part of that process and in no group. With
    /// `has_threads`, it is in a group as any other task.
    pub fn of(
        overview: &Overview,
        by: By,
        has_threads: bool,
        is_wanted: impl Fn(&TaskOverview) -> bool,
    ) -> Self {
        let family = match by {
            By::Parent => Family::of(overview),
            _ => Family::default(),
        };
        let lives = match by {
            By::Root => Lives::of(&overview.tasks),
            _ => Lives::default(),
        };
        let mut all = Self::default();
        let mut of_key: HashMap<Key, usize> = HashMap::new();
        for (index, task) in overview.tasks.iter().enumerate() {
            if !is_wanted(task) || (task.is_part && !has_threads) {
                all.of_task.push(None);
                continue;
            }
            let key = key(index, task, by, &family, &lives);
            let group = match of_key.get(&key) {
                Some(known) => *known,
                None => {
                    all.groups.push(Group {
                        name: name(&key, by, overview),
                        tasks: Vec::new(),
                    });
                    of_key.insert(key, all.groups.len() - 1);
                    all.groups.len() - 1
                }
            };
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

fn key(index: usize, task: &TaskOverview, by: By, family: &Family, lives: &Lives) -> Key {
    let info = task.task.info.as_deref();
    match by {
        By::Process => Key::Task(index),
        By::Command => Key::Name(task.task.label().to_string()),
        By::Stem => Key::Name(stem(task.task.label()).to_string()),
        By::Parent => relative(family.parent(index), info.and_then(|info| info.parent)),
        By::Cgroup => Key::Cgroup(info.and_then(|info| info.cgroup)),
        By::Root => {
            // A root is in its own tree.
            let root = |info: &TaskInfo| lives.at(info.root?, info.started_us, usize::MAX);
            relative(info.and_then(root), info.and_then(|info| info.root))
        }
    }
}

fn relative(index: Option<usize>, pid: Option<u32>) -> Key {
    Key::Relative(index, pid.filter(|_| index.is_none()))
}

fn name(key: &Key, by: By, overview: &Overview) -> String {
    match key {
        Key::Task(index) | Key::Relative(Some(index), _) => {
            let task = &overview.tasks[*index].task;
            format!("{} ({})", task.label(), task.pid)
        }
        Key::Name(name) => name.clone(),
        Key::Relative(None, Some(pid)) => format!("PID {pid}"),
        Key::Relative(None, None) if by == By::Root => "watched alone".to_string(),
        Key::Relative(None, None) => "parent unknown".to_string(),
        Key::Cgroup(Some(id)) => match overview.metadata.cgroups.get(id) {
            Some(path) => path.clone(),
            None => format!("cgroup {id}"),
        },
        Key::Cgroup(None) => "cgroup unknown".to_string(),
    }
}

/// Returns a command name without a number or a version at its end: `cc1plus-13` and `kworker/0:1`
/// become `cc1plus` and `kworker`. A name of which nothing would be left stays.
fn stem(name: &str) -> &str {
    let name = name.split_once('/').map_or(
        name,
        |(before, _)| {
            if before.is_empty() {
                name
            } else {
                before
            }
        },
    );
    let is_number = |letter: char| letter.is_ascii_digit() || ".-_:#".contains(letter);
    let trimmed = name.trim_end_matches(is_number);
    // The digits of `cc1` or `python3` are a part of the name: only what follows a separator goes.
    let separator = name[trimmed.len()..].find(|letter: char| ".-_:#".contains(letter));
    let end = separator.map_or(name.len(), |at| trimmed.len() + at);
    match end {
        0 => name,
        end => &name[..end],
    }
}

#[cfg(test)]
mod tests;
