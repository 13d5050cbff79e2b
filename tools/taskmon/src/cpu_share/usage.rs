// SPDX-License-Identifier: GPL-2.0

//! What tasks used, as exact sums.

use super::Interval;
use serde::Serialize;
use std::ops::AddAssign;

/// CPU time and waiting time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub usr_us: u64,
    pub sys_us: u64,
    /// How long the tasks were runnable without a CPU; `None` if it is not known of any of them.
    pub wait_us: Option<u64>,
}

impl Usage {
    /// Returns user and system time together.
    pub fn cpu_us(&self) -> u64 {
        self.usr_us.saturating_add(self.sys_us)
    }

    /// Returns the CPU time that was wanted: what was used and what was waited for.
    pub fn wanted_us(&self) -> u64 {
        self.cpu_us().saturating_add(self.wait_us.unwrap_or(0))
    }
}

impl From<&Interval> for Usage {
    fn from(interval: &Interval) -> Self {
        Self {
            usr_us: interval.usr_us,
            sys_us: interval.sys_us,
            wait_us: interval.wait_us,
        }
    }
}

/// The sum of a known and an unknown waiting time is the known one.
impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.usr_us = self.usr_us.saturating_add(more.usr_us);
        self.sys_us = self.sys_us.saturating_add(more.sys_us);
        if let Some(wait_us) = more.wait_us {
            let sum = self.wait_us.get_or_insert(0);
            *sum = sum.saturating_add(wait_us);
        }
    }
}
