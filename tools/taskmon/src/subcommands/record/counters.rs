// SPDX-License-Identifier: GPL-2.0

//! What the module and the kernel have counted: passes, what was given up, CPU time.

use crate::kernel_module::{self, STATISTICS};
use anyhow::{anyhow, Context, Result};
use nix::sys::{
    resource::{getrusage, UsageWho},
    time::TimeValLike,
};

/// Some of the module's statistics, read at the same time. They are about all watched tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub targets: u64,
    pub passes: u64,
    /// Periods without a pass.
    pub missed: u64,
    /// Evicted samples, including those of ended tasks that were evicted as a whole.
    pub evicted: u64,
    /// Descendants that could not be followed, for lack of memory or because max_targets was
    /// reached.
    pub lost: u64,
}

impl Counters {
    /// Reads the statistics.
    pub fn read() -> Result<Self> {
        let all = kernel_module::statistics()?;
        let get = |name: &str| {
            let found = all.iter().find(|(each, _)| each == name);
            let found = found.map(|(_, value)| *value);
            found.ok_or_else(|| {
                anyhow!("{STATISTICS} has no {name}: the module has another version than taskmon")
            })
        };
        Ok(Self {
            targets: get("targets")?,
            passes: get("passes")?,
            missed: get("missed")?,
            evicted: get("evicted")?,
            lost: get("lost")?,
        })
    }
}

/// Returns the CPU time of the command and of those descendants that their parents waited for, in
/// microseconds. The kernel knows it once taskmon has waited for the command.
pub fn children_cpu_us() -> Result<u64> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let total_us = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    Ok(total_us.try_into().unwrap_or(0))
}
