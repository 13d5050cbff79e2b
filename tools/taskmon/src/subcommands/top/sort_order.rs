// SPDX-License-Identifier: GPL-2.0

//! The orders in which `taskmon top` can show tasks.

use super::task_table::Row;
use std::cmp::{Ordering, Reverse};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were added.
    Added,
    Pid,
    Command,
    /// The highest share of a CPU first.
    Share,
    /// The highest totals first.
    Total,
}

impl Order {
    const ALL: [Self; 5] = [
        Self::Added,
        Self::Share,
        Self::Total,
        Self::Pid,
        Self::Command,
    ];

    pub fn next(self) -> Self {
        self.step(1)
    }

    pub fn previous(self) -> Self {
        self.step(Self::ALL.len() - 1)
    }

    fn step(self, steps: usize) -> Self {
        let here = Self::ALL.iter().position(|order| *order == self);
        Self::ALL[(here.unwrap_or(0) + steps) % Self::ALL.len()]
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Pid => "pid",
            Self::Command => "command",
            Self::Share => "CPU share",
            Self::Total => "CPU time",
        }
    }

    /// Sorts; equal ones stand as they were added.
    pub fn sort(self, rows: &mut [Row], is_reversed: bool) {
        rows.sort_by(|one, other| {
            let order = self.compare(one, other).then(one.id.cmp(&other.id));
            if is_reversed {
                order.reverse()
            } else {
                order
            }
        });
    }

    fn compare(self, one: &Row, other: &Row) -> Ordering {
        match self {
            Self::Added => Ordering::Equal,
            Self::Pid => one.last.pid.cmp(&other.last.pid),
            Self::Command => one.command.cmp(&other.command),
            Self::Share => other.share().total_cmp(&one.share()),
            Self::Total => Reverse(one.last.total_us()).cmp(&Reverse(other.last.total_us())),
        }
    }
}
