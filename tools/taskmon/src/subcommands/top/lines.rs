// SPDX-License-Identifier: GPL-2.0

//! The lines of the table: which rows are shown, in which order, and with which sums.

use super::task_table::Row;
use crate::{cli::SortOrder, cpu_share::Shares};
use std::collections::HashMap;

/// How the rows are arranged.
#[derive(Clone, Debug)]
pub struct View {
    pub order: SortOrder,
    pub is_reversed: bool,
    /// Whether descendants are below their ancestors, which have the sums.
    pub is_tree: bool,
    /// Whether tasks that have ended have lines of their own.
    pub shows_ended: bool,
    /// Only tasks whose names have this in them, or whose PID it is.
    pub filter: String,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The position of the row.
    pub row: usize,
    /// How deep it is below others.
    pub depth: usize,
    /// Its shares; in a tree, with those of its descendants.
    pub shares: Option<Shares>,
}

/// All lines, and what is folded into one.
#[derive(Debug, Default)]
pub struct Lines {
    pub lines: Vec<Line>,
    /// How many tasks that have ended have no line, and what they used.
    pub ended: usize,
    pub ended_us: u64,
    /// The shares of all tasks, shown or not.
    pub total: Shares,
}

impl View {
    /// Sorts the rows, and returns the lines.
    pub fn arrange(&self, rows: &mut [Row]) -> Lines {
        self.order.sort(rows, self.is_reversed);
        let mut all = Lines::default();
        let mut shown = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            // A thread is counted in its process, if that is watched too.
            all.total += row.shares.unwrap_or_default();
            if row.is_ended() && !self.shows_ended {
                all.ended += 1;
                all.ended_us = all.ended_us.saturating_add(row.total_us());
            } else if self.selects(row) {
                shown.push(index);
            }
        }
        all.lines = match self.is_tree {
            true => tree(rows, &shown),
            false => shown.into_iter().map(|row| Line::of(rows, row)).collect(),
        };
        all
    }

    fn selects(&self, row: &Row) -> bool {
        let filter = self.filter.to_lowercase();
        let name = row.info.name_text().to_lowercase();
        filter.is_empty() || name.contains(&filter) || row.info.pid.to_string() == filter
    }
}

impl Line {
    fn of(rows: &[Row], row: usize) -> Self {
        Self {
            row,
            depth: 0,
            shares: rows[row].shares,
        }
    }
}

/// Returns the lines of the rows in `shown`, each below its parent.
fn tree(rows: &[Row], shown: &[usize]) -> Vec<Line> {
    let mut of_pid: HashMap<u32, Vec<usize>> = HashMap::new();
    for index in shown {
        of_pid
            .entry(rows[*index].info.pid)
            .or_default()
            .push(*index);
    }
    // The parent began earlier, so there is no circle.
    let parent = |index: usize| {
        let info = &rows[index].info;
        let parents = info.parent.and_then(|pid| of_pid.get(&pid));
        let before = |other: &usize| {
            let other = &rows[*other].info;
            (other.started_us, other.id) < (info.started_us, info.id)
        };
        let parents = parents.into_iter().flatten().copied();
        parents
            .filter(before)
            .max_by_key(|other| rows[*other].info.started_us)
    };
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for index in shown {
        children.entry(parent(*index)).or_default().push(*index);
    }
    let mut stack: Vec<(usize, usize)> = Vec::new();
    let push = |stack: &mut Vec<(usize, usize)>, of: Option<Vec<usize>>, depth| {
        stack.extend(
            of.unwrap_or_default()
                .into_iter()
                .rev()
                .map(|index| (index, depth)),
        );
    };
    push(&mut stack, children.remove(&None), 0);
    let mut lines: Vec<Line> = Vec::new();
    while let Some((row, depth)) = stack.pop() {
        lines.push(Line {
            depth,
            ..Line::of(rows, row)
        });
        push(&mut stack, children.remove(&Some(row)), depth + 1);
    }
    add_up(&mut lines);
    lines
}

/// Adds to each line the shares of the lines below it.
fn add_up(lines: &mut [Line]) {
    // From the last one up: the sums of the lines at each depth that have no ancestor yet.
    let mut sums: Vec<Option<Shares>> = Vec::new();
    for line in lines.iter_mut().rev() {
        sums.resize(sums.len().max(line.depth + 2), None);
        let below = sums[line.depth + 1].take();
        line.shares = sum(line.shares, below);
        sums[line.depth] = sum(sums[line.depth], line.shares);
    }
}

fn sum(one: Option<Shares>, other: Option<Shares>) -> Option<Shares> {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one += other;
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel_module::TaskInfo;

    fn row(pid: u32, parent: u32, usr: f64, name: &str) -> Row {
        let mut row = Row::new(TaskInfo {
            pid,
            id: pid.into(),
            parent: Some(parent),
            started_us: pid.into(),
            name: name.as_bytes().to_vec(),
            ..TaskInfo::default()
        });
        row.shares = Some(Shares {
            usr,
            ..Shares::default()
        });
        row
    }

    fn rows() -> Vec<Row> {
        let mut rows = vec![
            row(1, 0, 0.1, "init"),
            row(2, 1, 0.2, "sh"),
            row(3, 2, 0.5, "cc1"),
            row(4, 1, 0.25, "cron"),
            row(5, 9, 0.0, "gone"),
        ];
        rows[4].info.ended_us = Some(9);
        rows[4].info.usr_us = 70;
        rows
    }

    fn view() -> View {
        View {
            order: SortOrder::Share,
            is_reversed: false,
            is_tree: false,
            shows_ended: false,
            filter: String::new(),
        }
    }

    /// Returns PID, depth and share of each line.
    fn lines(view: &View) -> Vec<(u32, usize, f64)> {
        let mut rows = rows();
        let arranged = view.arrange(&mut rows);
        let line = |line: &Line| {
            (
                rows[line.row].info.pid,
                line.depth,
                line.shares.unwrap().usr,
            )
        };
        arranged.lines.iter().map(line).collect()
    }

    #[test]
    fn by_share() {
        assert_eq!(
            lines(&view()),
            [(3, 0, 0.5), (4, 0, 0.25), (2, 0, 0.2), (1, 0, 0.1)]
        );
        let all = view().arrange(&mut rows());
        assert_eq!((all.ended, all.ended_us), (1, 70));
        assert!((all.total.usr - 1.05).abs() < 1e-9);
    }

    #[test]
    fn as_a_tree_with_sums() {
        let tree = View {
            is_tree: true,
            shows_ended: true,
            ..view()
        };
        let found = lines(&tree);
        let shape: Vec<_> = found.iter().map(|(pid, depth, _)| (*pid, *depth)).collect();
        assert_eq!(shape, [(1, 0), (4, 1), (2, 1), (3, 2), (5, 0)]);
        assert!((found[0].2 - 1.05).abs() < 1e-9 && (found[2].2 - 0.7).abs() < 1e-9);
    }

    #[test]
    fn filters() {
        let only = |filter: &str| {
            let view = View {
                filter: filter.to_string(),
                ..view()
            };
            lines(&view)
                .iter()
                .map(|(pid, ..)| *pid)
                .collect::<Vec<_>>()
        };
        assert_eq!(only("C"), [3, 4]);
        assert_eq!(only("2"), [2]);
        assert_eq!(only("none"), [0; 0]);
    }
}
