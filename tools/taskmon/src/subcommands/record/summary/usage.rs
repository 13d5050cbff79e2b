// SPDX-License-Identifier: GPL-2.0

//! What processes used while they were recorded: each one, those of a name, all of them.

use crate::{
    cpu_share::{TaskUsage, Usage},
    history::TaskOverview,
};
use serde::Serialize;
use std::{cmp::Reverse, collections::HashMap};

/// A process in the summary's lists.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    pub pid: u32,
    pub command: Option<String>,
    #[serde(flatten)]
    pub usage: Usage,
    pub wall_us: u64,
}

impl Process {
    /// Returns what a task has used while it was recorded.
    pub fn of(task: &TaskOverview, used: &TaskUsage) -> Self {
        Self {
            pid: task.task.pid,
            command: task.task.name.clone(),
            usage: used.usage,
            wall_us: task.length_us(),
        }
    }
}

/// The processes of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Namesakes {
    pub command: Option<String>,
    /// How many processes have the name.
    pub processes: usize,
    #[serde(flatten)]
    pub usage: Usage,
}

impl Namesakes {
    /// Returns the processes of each name, those with the most CPU time first.
    pub fn of(processes: &[Process]) -> Vec<Self> {
        let mut of_name: HashMap<Option<&str>, Vec<Usage>> = HashMap::new();
        for process in processes {
            let name = process.command.as_deref();
            of_name.entry(name).or_default().push(process.usage);
        }
        let mut all: Vec<Self> = of_name
            .into_iter()
            .map(|(name, usages)| Self {
                command: name.map(str::to_string),
                processes: usages.len(),
                usage: sum(usages),
            })
            .collect();
        all.sort_by(|one, other| {
            let by_time = other.usage.cpu_us().cmp(&one.usage.cpu_us());
            by_time.then_with(|| one.command.cmp(&other.command))
        });
        all
    }
}

fn sum(usages: Vec<Usage>) -> Usage {
    let mut sum = Usage::default();
    usages.into_iter().for_each(|usage| sum += usage);
    sum
}

/// Returns the `count` processes with the highest `value`, in descending order.
pub fn highest(processes: &[Process], count: usize, value: impl Fn(&Usage) -> u64) -> Vec<Process> {
    let mut order: Vec<&Process> = processes.iter().collect();
    order.sort_by_key(|process| Reverse(value(&process.usage)));
    order.into_iter().take(count).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: Option<&str>, usr_us: u64, wait_us: Option<u64>) -> Process {
        Process {
            pid: 1,
            command: name.map(str::to_string),
            usage: Usage {
                usr_us,
                sys_us: 1,
                wait_us,
            },
            wall_us: 9,
        }
    }

    #[test]
    fn by_name() {
        let all = [
            process(Some("cc"), 10, Some(3)),
            process(Some("sh"), 90, Some(1)),
            process(Some("cc"), 70, Some(4)),
            process(None, 5, None),
            process(Some("ld"), 30, Some(u64::MAX)),
            process(Some("ld"), 3, Some(1)),
        ];
        let names = Namesakes::of(&all);
        let seen: Vec<_> = names
            .iter()
            .map(|one| (one.command.as_deref(), one.processes, one.usage.wait_us))
            .collect();
        let expected = [
            (Some("sh"), 1, Some(1)),
            (Some("cc"), 2, Some(7)),
            (Some("ld"), 2, Some(u64::MAX)),
            (None, 1, None),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn highest_values() {
        let all = [
            process(Some("a"), 1, Some(5)),
            process(Some("b"), 9, None),
            process(Some("c"), 2, Some(0)),
            process(Some("d"), 0, Some(7)),
        ];
        let names = |processes: Vec<Process>| -> Vec<String> {
            processes
                .into_iter()
                .filter_map(|one| one.command)
                .collect()
        };
        let waits = |usage: &Usage| usage.wait_us.unwrap_or(0);
        assert_eq!(names(highest(&all, 9, waits)), ["d", "a", "b", "c"]);
        assert_eq!(names(highest(&all, 2, Usage::cpu_us)), ["b", "c"]);
    }
}
