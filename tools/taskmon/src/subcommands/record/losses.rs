// SPDX-License-Identifier: GPL-2.0

//! What can be missing in a recording: evicted samples, descendants that could not be followed, and
//! CPU time that the kernel reports but that was not sampled.

use crate::kernel_module;
use anyhow::{Context, Result};
use nix::sys::{
    resource::{getrusage, UsageWho},
    time::TimeValLike,
};

/// What the module has lost of all tasks since it was loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    /// Evicted samples, including those of ended tasks that were evicted as a whole.
    pub evicted: u64,
    /// Descendants that could not be followed, for lack of memory or because max_targets was
    /// reached.
    pub lost: u64,
}

impl Losses {
    /// Reads the losses up to now.
    pub fn so_far() -> Result<Self> {
        Ok(Self {
            evicted: kernel_module::statistic("evicted")?,
            lost: kernel_module::statistic("lost")?,
        })
    }

    /// Returns the losses after `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            evicted: self.evicted.saturating_sub(before.evicted),
            lost: self.lost.saturating_sub(before.lost),
        }
    }
}

/// Returns the CPU time of the command and of those descendants that their parents waited for, in
/// microseconds. The kernel knows it once taskmon has waited for the command.
pub fn children_cpu_us() -> Result<u64> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let total_us = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    Ok(total_us.try_into().unwrap_or(0))
}
