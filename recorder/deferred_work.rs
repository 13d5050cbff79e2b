// SPDX-License-Identifier: GPL-2.0

//! Work items: what a worker does for those who must not sleep, or not take long. That is reclaim, and a
//! fork or an exit of any task.

use crate::{abstractions::delayed_work::Deferred, eviction::Reason, recorder::Recorder};

/// The work item that gives slab pages back.
///
/// The slab keeps objects that were freed, some dozens for each CPU, and with each of them a page
/// from being free. When the oldest segments have been evicted, so that whole pages would come free,
/// that is a good part of what memory pressure asked for.
pub(crate) const GIVE_BACK: u64 = 0;

/// The work item that frees displaced targets, and takes idle probes away.
pub(crate) const CLEAN_UP: u64 = 1;

/// The time from when an eviction begins until slab pages are given back, for it and all others that
/// begin meanwhile. Giving back interrupts every CPU.
const PAUSE_MS: u32 = 2000;

impl Deferred<GIVE_BACK> for Recorder {
    fn run(&self) {
        self.segments.give_back();
    }
}

impl Deferred<CLEAN_UP> for Recorder {
    fn run(&self) {
        self.free_displaced();
        self.remove_idle_probes();
    }
}

impl Recorder {
    /// Has slab pages given back after a pause. May be called from any context.
    pub(crate) fn give_slabs_back_later(&self) {
        self.give_back.queue(PAUSE_MS);
    }

    /// Frees the targets that forks have displaced, and their histories. May sleep.
    pub(crate) fn free_displaced(&self) {
        loop {
            let displaced = self.registry.lock().take_displaced();
            let Some(displaced) = displaced else {
                return;
            };
            self.forget(&displaced, Reason::Evicted);
        }
    }

    /// Takes the probes away where nobody is followed any more. May sleep.
    fn remove_idle_probes(&self) {
        let mut family = self.family.lock();
        let mut registry = self.registry.lock();
        if registry.has_idle_probes() {
            registry.is_probed = false;
            drop(registry);
            // Nobody is added meanwhile, as that takes the lock of the family.
            family.probes = None;
        }
    }
}
