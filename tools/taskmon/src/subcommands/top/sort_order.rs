// SPDX-License-Identifier: GPL-2.0

//! The sort orders of `taskmon top`.

use super::task_table::Row;
use crate::cli::SortOrder;
use std::cmp::{Ordering, Reverse};

impl SortOrder {
    const ALL: [Self; 6] = [
        Self::Added,
        Self::Share,
        Self::Waiting,
        Self::Total,
        Self::Pid,
        Self::Command,
    ];

    /// Returns the order that the key `s` selects after this one.
    pub fn next(self) -> Self {
        self.skip(1)
    }

    /// Returns the order that the key `S` selects after this one.
    pub fn previous(self) -> Self {
        self.skip(Self::ALL.len() - 1)
    }

    fn skip(self, count: usize) -> Self {
        let position = Self::ALL.iter().position(|order| *order == self);
        Self::ALL[(position.unwrap_or(0) + count) % Self::ALL.len()]
    }

    /// Returns the name for the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Pid => "pid",
            Self::Command => "command",
            Self::Share => "CPU share",
            Self::Waiting => "waiting",
            Self::Total => "CPU time",
        }
    }

    /// Sorts rows. Rows that are equal in this order are sorted by when they were added.
    pub fn sort(self, rows: &mut [Row], is_reversed: bool) {
        rows.sort_by(|one, other| {
            let order = self
                .compare(one, other)
                .then(one.info.id.cmp(&other.info.id));
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
            Self::Pid => one.info.pid.cmp(&other.info.pid),
            Self::Command => one.info.name.cmp(&other.info.name),
            Self::Share => other.share().total_cmp(&one.share()),
            Self::Waiting => other.wait_share().total_cmp(&one.wait_share()),
            Self::Total => Reverse(one.total_us()).cmp(&Reverse(other.total_us())),
        }
    }
}
