// SPDX-License-Identifier: GPL-2.0

//! The rows of a report: one for each group of tasks.

use super::{forest::Forest, Options};
use crate::{
    cli::{Least, ReportBy, RowOrder},
    cpu_share::{Usage, WindowUsage},
    excerpt::Excerpt,
    grouping::{Group, Grouping},
    history::{Task, Window},
};
use std::cmp::Ordering;

/// What the tasks of a group used in the window.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub name: String,
    /// How deep the row is below others.
    pub depth: usize,
    /// How many tasks were seen, and how many of them failed or were killed.
    pub tasks: usize,
    pub failed: usize,
    /// What they used; in a tree, with their descendants.
    pub usage: Usage,
    /// In a tree, what the process used itself.
    pub own: Usage,
    /// The highest share of one CPU; in a tree, with their descendants.
    pub peak: f64,
    /// When the first one of them was seen, and of those below it.
    pub first_us: u64,
    pub last_us: u64,
    /// For how long it lived without being sampled, if it is one task.
    pub gap_us: u64,
    /// What is known if the row is about one task.
    pub task: Option<OneTask>,
}

/// Who the only task of a row is.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneTask {
    pub pid: u32,
    pub id: Option<u64>,
    pub parent: Option<u32>,
    pub is_thread: bool,
    /// The wait status; `None` if it has not ended.
    pub status: Option<i32>,
}

impl Row {
    /// Returns whether the row is about a thread.
    fn is_thread(&self) -> bool {
        self.task.is_some_and(|task| task.is_thread)
    }
}

/// Returns a row for each group, also of those of which no task was seen. `peaks` are those of the
/// groups with several tasks.
pub fn of_groups(
    excerpt: &Excerpt,
    used: &WindowUsage,
    grouping: &Grouping,
    peaks: &[Option<f64>],
    options: &Options,
) -> Vec<Row> {
    let overview = excerpt.overview();
    let has_failed = |index: &usize| {
        let status = status(&overview.tasks[*index].task, excerpt.window);
        status.is_some_and(|status| status != 0)
    };
    let row = |(group, peak): (&Group, &Option<f64>)| {
        let mut row = Row {
            name: group.name.clone(),
            first_us: u64::MAX,
            ..Row::default()
        };
        for index in &group.tasks {
            let task = &used.tasks[*index];
            row.usage += task.usage;
            if !task.is_seen() {
                continue;
            }
            row.tasks += 1;
            row.failed += usize::from(has_failed(index));
            row.peak = row.peak.max(task.peak);
            row.first_us = row.first_us.min(task.first_us);
            row.last_us = row.last_us.max(task.last_us);
            row.gap_us = row.gap_us.max(task.gap_us);
        }
        // Of a long time, the share of several tasks is known less exactly than that of each one.
        row.peak = peak.map_or(row.peak, |peak| peak.max(row.peak));
        row.own = row.usage;
        if let (ReportBy::Process | ReportBy::Tree, [index]) = (options.by, &group.tasks[..]) {
            let task = &overview.tasks[*index].task;
            let info = task.info.as_ref();
            row.name = task.label().to_string();
            row.task = Some(OneTask {
                pid: task.pid,
                id: task.id(),
                parent: info.and_then(|info| info.parent),
                is_thread: info.is_some_and(|info| info.is_thread),
                status: status(task, excerpt.window),
            });
        }
        row
    };
    grouping.groups.iter().zip(peaks).map(row).collect()
}

/// Returns the wait status of a task that ended in the window or before.
fn status(task: &Task, window: Window) -> Option<i32> {
    let info = task.info.as_ref()?;
    info.ended_us.filter(|ended| *ended <= window.to_us)?;
    info.status
}

/// Returns the rows of which a task was seen, in their order.
pub fn sorted(mut rows: Vec<Row>, options: &Options) -> Vec<Row> {
    rows.retain(|row| row.tasks > 0);
    rows.sort_by(|one, other| order(one, other, options));
    rows
}

/// Puts the rows below others as in `forest`, which has their positions. A row of which neither a
/// task nor one below it was seen is left out. In a tree, a row has the sums of those below it.
pub fn nested(mut rows: Vec<Row>, forest: Forest, options: &Options) -> Vec<Row> {
    let mut seen: Vec<usize> = rows.iter().map(|row| row.tasks).collect();
    for position in forest.upwards() {
        let Some(above) = forest.parent(position) else {
            continue;
        };
        seen[above] += seen[position];
        let below = rows[position].clone();
        let row = &mut rows[above];
        row.first_us = row.first_us.min(below.first_us);
        row.last_us = row.last_us.max(below.last_us);
        // A thread is a part of its process already.
        if options.by == ReportBy::Tree && !below.is_thread() {
            row.usage += below.usage;
            row.peak = row.peak.max(below.peak);
        }
    }
    let all = forest.downwards(|siblings| {
        siblings.retain(|position| seen[*position] > 0);
        siblings.sort_by(|one, other| order(&rows[*one], &rows[*other], options));
    });
    let row = |(position, depth): (usize, usize)| Row {
        depth,
        ..std::mem::take(&mut rows[position])
    };
    all.into_iter().map(row).collect()
}

fn order(one: &Row, other: &Row, options: &Options) -> Ordering {
    let pid = |row: &Row| row.task.map_or(0, |task| task.pid);
    let highest = |value: fn(&Row) -> u64| value(other).cmp(&value(one));
    let order = match options.rows.sort {
        RowOrder::Cpu => highest(|row| row.usage.cpu_us()),
        RowOrder::User => highest(|row| row.usage.usr_us),
        RowOrder::System => highest(|row| row.usage.sys_us),
        RowOrder::Wait => highest(|row| row.usage.wait_us.unwrap_or(0)),
        RowOrder::Peak => other.peak.total_cmp(&one.peak),
        RowOrder::First => one.first_us.cmp(&other.first_us),
        RowOrder::Last => one.last_us.cmp(&other.last_us),
        RowOrder::Pid => pid(one).cmp(&pid(other)),
        RowOrder::Name => one.name.cmp(&other.name),
    };
    match options.rows.reverse {
        true => order.reverse(),
        false => order,
    }
}

/// Returns the rows that are shown, and those that are left out.
pub fn shown(rows: Vec<Row>, options: &Options, window: Window) -> (Vec<Row>, Vec<Row>) {
    let least_us = match options.rows.min {
        None => 0,
        Some(Least::Time(us)) => us,
        // CAST: not negative; a value that is too high becomes the highest.
        Some(Least::Share(share)) => (share * window.length_us() as f64) as u64,
    };
    let (mut shown, mut left_out): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| row.usage.cpu_us() >= least_us);
    let most = options.rows.form.max_rows();
    if shown.len() > most {
        left_out.extend(shown.split_off(most));
    }
    (shown, left_out)
}

/// Returns what the tasks of rows used, where no row is counted in the sum of another one, nor a
/// thread in its process.
pub fn sum(rows: &[Row]) -> Usage {
    let mut sum = Usage::default();
    let counted = rows.iter().filter(|row| row.depth == 0 || !row.is_thread());
    counted.for_each(|row| sum += row.own);
    sum
}
