// SPDX-License-Identifier: GPL-2.0

//! What a recording may lack, by the word of the module and of the kernel.

use crate::kernel_module;
use anyhow::{Context, Result};
use nix::sys::{
    resource::{getrusage, UsageWho},
    time::TimeValLike,
};

/// What the module has given up since it was loaded, or could not have at all, of whatever task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    /// Samples that made room. Those of a process that made room as a whole are among them.
    pub evicted: u64,
    /// Descendants that could not be followed for want of memory or room.
    pub lost: u64,
}

impl Losses {
    pub fn until_now() -> Result<Self> {
        Ok(Self {
            evicted: kernel_module::statistic("evicted")?,
            lost: kernel_module::statistic("lost")?,
        })
    }

    /// What has been lost since then.
    pub fn since(self, then: Self) -> Self {
        Self {
            evicted: self.evicted.saturating_sub(then.evicted),
            lost: self.lost.saturating_sub(then.lost),
        }
    }
}

/// What the command consumed, and those of its descendants that were waited for: as the kernel tells
/// its parent, once that has waited for it.
pub fn told_us() -> Result<u64> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let told = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    Ok(told.try_into().unwrap_or(0))
}
