// SPDX-License-Identifier: GPL-2.0

//! The rows of a report: one for each group of tasks.

use super::Options;
use crate::{
    cli::{Least, ReportBy, RowOrder},
    cpu_share::{Usage, WindowUsage},
    grouping::{Family, Grouping},
    history::{Overview, Window},
};
use std::{cmp::Ordering, collections::HashMap};

/// What the tasks of a group used in the window.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub name: String,
    /// How deep the row is below others.
    pub depth: usize,
    /// How many tasks were seen.
    pub tasks: usize,
    /// What they used; in a tree, with their descendants.
    pub usage: Usage,
    /// In a tree, what the process used itself.
    pub own: Usage,
    /// The highest share of one CPU; in a tree, that of the process itself.
    pub peak: f64,
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
    index: usize,
    pub pid: u32,
    pub id: Option<u64>,
    pub parent: Option<u32>,
    pub is_thread: bool,
    /// The wait status; `None` if it has not ended.
    pub status: Option<i32>,
}

/// Returns the rows of all groups of which a task was seen. `peaks` are those of the groups with
/// several tasks.
pub fn all(
    overview: &Overview,
    used: &WindowUsage,
    grouping: &Grouping,
    peaks: &[Option<f64>],
    options: &Options,
    window: Window,
) -> Vec<Row> {
    let groups = grouping.groups.iter().zip(peaks);
    let row = |(group, peak): (&crate::grouping::Group, &Option<f64>)| {
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
            row.peak = row.peak.max(task.peak);
            row.first_us = row.first_us.min(task.first_us);
            row.last_us = row.last_us.max(task.last_us);
            row.gap_us = row.gap_us.max(task.gap_us);
        }
        row.peak = peak.unwrap_or(row.peak);
        row.own = row.usage;
        if matches!(options.by, ReportBy::Process | ReportBy::Tree) {
            let index = *group.tasks.first()?;
            let task = &overview.tasks[index].task;
            let info = task.info.as_ref();
            row.name = task.label().to_string();
            row.task = Some(OneTask {
                index,
                pid: task.pid,
                id: task.id(),
                parent: info.and_then(|info| info.parent),
                is_thread: info.is_some_and(|info| info.is_thread),
                status: info
                    .filter(|info| info.ended_us.is_some_and(|ended| ended <= window.to_us))
                    .and_then(|info| info.status),
            });
        }
        Some(row)
    };
    let mut rows: Vec<Row> = groups.filter_map(row).collect();
    match options.by {
        ReportBy::Tree => nested(rows, &Family::of(overview), options, true),
        ReportBy::Process if options.has_threads => {
            nested(rows, &Family::of(overview), options, false)
        }
        _ => {
            rows.retain(|row| row.tasks > 0);
            rows.sort_by(|one, other| order(one, other, options));
            rows
        }
    }
}

/// Puts the rows of a process's children below it: of all children, with the sums of all
/// descendants, or of its threads only.
fn nested(mut rows: Vec<Row>, family: &Family, options: &Options, has_sums: bool) -> Vec<Row> {
    let index_of = |row: &Row| row.task.map_or(0, |task| task.index);
    let position: HashMap<usize, usize> = rows.iter().map(index_of).zip(0..).collect();
    let parent = |row: &Row| {
        let task = row.task.filter(|task| has_sums || task.is_thread)?;
        // The nearest ancestor that has a row.
        let mut index = family.parent(task.index)?;
        while !position.contains_key(&index) {
            index = family.parent(index)?;
        }
        position.get(&index).copied()
    };
    let parents: Vec<Option<usize>> = rows.iter().map(parent).collect();
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (index, parent) in parents.iter().enumerate() {
        children.entry(*parent).or_default().push(index);
    }
    // Each row comes after the one that it is below.
    let mut order_down = children.get(&None).cloned().unwrap_or_default();
    let mut next = 0;
    while let Some(index) = order_down.get(next).copied() {
        next += 1;
        rows[index].depth = parents[index].map_or(0, |above| rows[above].depth + 1);
        order_down.extend(children.get(&Some(index)).into_iter().flatten());
    }
    let mut seen: Vec<usize> = rows.iter().map(|row| row.tasks).collect();
    for index in order_down.into_iter().rev() {
        let Some(above) = parents[index] else {
            continue;
        };
        seen[above] += seen[index];
        // A thread is a part of its process already.
        if has_sums && !rows[index].task.is_some_and(|task| task.is_thread) {
            let usage = rows[index].usage;
            rows[above].usage += usage;
        }
    }
    for of_one in children.values_mut() {
        of_one.retain(|index| seen[*index] > 0);
    }
    for of_one in children.values_mut() {
        of_one.sort_by(|one, other| order(&rows[*one], &rows[*other], options));
    }
    // From the top down; the last of the stack is the next one.
    let mut stack: Vec<usize> = children.remove(&None).unwrap_or_default();
    stack.reverse();
    let mut sorted = Vec::with_capacity(rows.len());
    while let Some(index) = stack.pop() {
        sorted.push(rows[index].clone());
        stack.extend(
            children
                .remove(&Some(index))
                .unwrap_or_default()
                .iter()
                .rev(),
        );
    }
    sorted
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
    if options.rows.number > 0 && shown.len() > options.rows.number {
        left_out.extend(shown.split_off(options.rows.number));
    }
    // What is below another row is in the sum of that one.
    let is_counted = |row: &Row| row.depth == 0;
    left_out
        .iter_mut()
        .filter(|row| !is_counted(row))
        .for_each(|row| {
            row.usage = match row.task {
                Some(task) if task.is_thread => Usage::default(),
                _ => row.own,
            }
        });
    (shown, left_out)
}
