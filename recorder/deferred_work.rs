// SPDX-License-Identifier: GPL-2.0

//! Work items. A worker thread does what takes long or sleeps, for callers that may do neither:
//! memory reclaim, forks, and the sampler.

use super::{Recorder, CLEAN_UP, GIVE_BACK};
use crate::abstractions::delayed_work::{Deferred, Enabled};
use kernel::{prelude::*, sync::Arc};

/// The time from an eviction until slab pages are given back. They are given back once for all
/// evictions in this time, because `kmem_cache_shrink()` runs a work item on each CPU.
const GIVE_BACK_DELAY_MS: u32 = 2000;

/// The guard that keeps [`GIVE_BACK`] enabled.
pub(crate) type GiveBack = Enabled<Recorder, GIVE_BACK>;

/// The guard that keeps [`CLEAN_UP`] enabled.
pub(crate) type CleanUp = Enabled<Recorder, CLEAN_UP>;

impl Deferred<GIVE_BACK> for Recorder {
    fn run(&self) {
        self.samples.shrink_slabs();
    }
}

impl Deferred<CLEAN_UP> for Recorder {
    fn run(&self) {
        self.free_displaced();
        self.remove_idle_probe();
    }
}

impl Recorder {
    /// Enables both work items. May sleep. Fails with `EBUSY` if they are enabled already.
    pub(crate) fn enable_work(self: &Arc<Self>) -> Result<(GiveBack, CleanUp)> {
        let give_back = self.give_back.enable(self.clone())?;
        let clean_up = self.clean_up.enable(self.clone())?;
        Ok((give_back, clean_up))
    }

    /// Queues the work item that gives slab pages back. May be called from any context.
    pub(crate) fn queue_give_back(&self) {
        self.give_back.queue(GIVE_BACK_DELAY_MS);
    }

    /// Queues the work item that cleans up. May be called from any context.
    pub(super) fn queue_clean_up(&self) {
        self.clean_up.queue(0);
    }

    /// Frees the targets that were displaced by followed forks, and their samples. May sleep.
    pub(crate) fn free_displaced(&self) {
        self.targets.free_displaced(&self.samples);
    }
}
