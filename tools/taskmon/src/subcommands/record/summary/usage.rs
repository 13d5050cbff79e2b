// SPDX-License-Identifier: GPL-2.0

//! What processes used while they were recorded: each one, those of a name, all of them.

use crate::history::{Sample, TaskOverview};
use serde::Serialize;
use std::{cmp::Reverse, collections::HashMap, iter::Sum};

/// CPU time and waiting time, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub usr_us: u64,
    pub sys_us: u64,
    /// How long the processes were runnable without a CPU; `None` if it is not known of all of them.
    pub wait_us: Option<u64>,
}

impl Usage {
    /// Returns what a task has used since it began or, if that was before `start_us`, since its
    /// first sample.
    fn of(task: &TaskOverview, start_us: u64) -> Self {
        let info = task.task.info.as_ref();
        let began_before = info.is_some_and(|info| info.started_us < start_us);
        let beginning = Sample {
            wait_us: Some(0),
            ..Sample::default()
        };
        let before = match began_before {
            true => task.first,
            false => beginning,
        };
        Self {
            usr_us: task.last.usr_us.saturating_sub(before.usr_us),
            sys_us: task.last.sys_us.saturating_sub(before.sys_us),
            wait_us: task.last.waited_since_us(&before),
        }
    }

    /// Returns user and system time together.
    pub fn cpu_us(&self) -> u64 {
        self.usr_us.saturating_add(self.sys_us)
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let nothing = Self {
            usr_us: 0,
            sys_us: 0,
            wait_us: Some(0),
        };
        all.fold(nothing, |sum, more| Self {
            usr_us: sum.usr_us.saturating_add(more.usr_us),
            sys_us: sum.sys_us.saturating_add(more.sys_us),
            wait_us: sum
                .wait_us
                .zip(more.wait_us)
                .map(|(sum, more)| sum.saturating_add(more)),
        })
    }
}

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
    /// Returns what a task has used since the recording began at `start_us`.
    pub fn of(task: &TaskOverview, start_us: u64) -> Self {
        Self {
            pid: task.task.pid,
            command: task.task.name.clone(),
            usage: Usage::of(task, start_us),
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
                usage: usages.into_iter().sum(),
            })
            .collect();
        all.sort_by(|one, other| {
            let by_time = other.usage.cpu_us().cmp(&one.usage.cpu_us());
            by_time.then_with(|| one.command.cmp(&other.command))
        });
        all
    }
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
    use crate::{cpu_share::sample, history::Task, kernel_module::TaskInfo};

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
    fn since_the_beginning() {
        let at = |time_us, usr_us, wait_us| Sample {
            wait_us,
            ..sample(0, time_us, usr_us, 0)
        };
        let used = |first: Sample, last: Sample, started_us| {
            let info = TaskInfo {
                started_us,
                ..TaskInfo::default()
            };
            let task = TaskOverview {
                task: Task::of(0, info),
                first,
                last,
                samples: 2,
                is_part: false,
            };
            let usage = Usage::of(&task, 100);
            (usage.usr_us, usage.wait_us)
        };
        let (first, last) = (at(101, 5, Some(6)), at(200, 50, Some(60)));
        assert_eq!(used(first, last, 100), (50, Some(60)));
        assert_eq!(used(first, last, 99), (45, Some(54)));
        assert_eq!(used(at(101, 5, None), last, 99), (45, None));
        assert_eq!(used(first, at(200, 50, None), 100), (50, None));
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
        let sum: Usage = all.iter().map(|one| one.usage).sum();
        assert_eq!((sum.usr_us, sum.sys_us, sum.wait_us), (208, 6, None));
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
