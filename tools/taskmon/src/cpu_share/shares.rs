// SPDX-License-Identifier: GPL-2.0

//! User, system and waiting time as shares of a length of time.

use std::ops::AddAssign;

/// Parts of the time of one CPU: what a task used of it, and how long it waited for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    pub usr: f64,
    pub sys: f64,
    /// The part of the time in which the task was runnable without a CPU; `None` if it is not known.
    ///
    /// It can be more than 1: the threads of a process can wait at the same time, and the scheduler
    /// counts the whole of a wait when it ends.
    pub wait: Option<f64>,
}

impl Shares {
    /// Returns what was used, user and system time together.
    pub fn cpu(&self) -> f64 {
        self.usr + self.sys
    }

    /// Returns all of them, changed by `function`.
    pub fn map(self, function: impl Fn(f64) -> f64) -> Self {
        Self {
            usr: function(self.usr),
            sys: function(self.sys),
            wait: self.wait.map(function),
        }
    }
}

/// Adds the shares of another task. The sum of a known and an unknown waiting time is the known one.
impl AddAssign for Shares {
    fn add_assign(&mut self, more: Self) {
        self.usr += more.usr;
        self.sys += more.sys;
        if let Some(wait) = more.wait {
            *self.wait.get_or_insert(0.0) += wait;
        }
    }
}
