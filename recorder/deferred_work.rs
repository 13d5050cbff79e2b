// SPDX-License-Identifier: GPL-2.0

//! Work items. A worker thread does what takes long or sleeps, for callers that may do neither:
//! memory reclaim, forks, and the sampler.

use super::{Recorder, CLEAN_UP, CLEAN_UP_LATER, GIVE_BACK};
use crate::abstractions::delayed_work::{Deferred, Enabled};
use kernel::{prelude::*, sync::Arc};

/// The time from an eviction until slab pages are given back. They are given back once for all
/// evictions in this time, because `kmem_cache_shrink()` runs a work item on each CPU.
const GIVE_BACK_DELAY_MS: u32 = 2000;

/// The time from when a target is displaced until it is freed, unless many are displaced. They are
/// freed together, because to wake a worker takes more instructions than to free a target.
const CLEAN_UP_DELAY_MS: u32 = 1000;

/// The guards that keep the work items enabled.
pub(crate) struct EnabledWork {
    _give_back: Enabled<Recorder, GIVE_BACK>,
    _clean_up: Enabled<Recorder, CLEAN_UP>,
    _clean_up_later: Enabled<Recorder, CLEAN_UP_LATER>,
}

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

impl Deferred<CLEAN_UP_LATER> for Recorder {
    fn run(&self) {
        Deferred::<CLEAN_UP>::run(self);
    }
}

impl Recorder {
    /// Enables the work items. May sleep. Fails with `EBUSY` if they are enabled already.
    pub(crate) fn enable_work(self: &Arc<Self>) -> Result<EnabledWork> {
        Ok(EnabledWork {
            _give_back: self.give_back.enable(self.clone())?,
            _clean_up: self.clean_up.enable(self.clone())?,
            _clean_up_later: self.clean_up_later.enable(self.clone())?,
        })
    }

    /// Queues the work item that gives slab pages back. May be called from any context.
    pub(crate) fn queue_give_back(&self) {
        self.give_back.queue(GIVE_BACK_DELAY_MS);
    }

    /// Queues the work item that cleans up. May be called from any context.
    pub(super) fn queue_clean_up(&self) {
        self.clean_up.queue(0);
    }

    /// Queues the work item that cleans up later. May be called from any context.
    pub(super) fn queue_clean_up_later(&self) {
        self.clean_up_later.queue(CLEAN_UP_DELAY_MS);
    }

    /// Frees the targets that were displaced by followed forks, and their samples. May sleep.
    pub(crate) fn free_displaced(&self) {
        self.targets.free_displaced(&self.samples);
    }
}
