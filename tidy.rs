// SPDX-License-Identifier: GPL-2.0

//! What is done later, by a thread that may sleep, for those who must not: taking probes away that
//! nobody needs any more, and giving slab pages back after an eviction.
//!
//! The slab keeps objects that were freed, some dozens for each CPU, and with each of them a page
//! from being free. When the oldest segments have been evicted, so that whole pages would come free,
//! that is a good part of what memory pressure asked for.

use crate::{
    abstractions::{
        clock,
        kthread::{Current, Run},
    },
    recorder::Recorder,
};
use kernel::sync::{atomic::Relaxed, Arc};

/// The time between two times that slab pages are given back, while eviction goes on.
const PAUSE_NS: u64 = 10_000_000;

/// The body of the thread.
pub(crate) struct Tidy(pub(crate) Arc<Recorder>);

impl Run for Tidy {
    fn run(&self, me: &Current) {
        let recorder = &*self.0;
        while !me.should_stop() {
            let is_due =
                || recorder.has_loose_slabs() || recorder.registry.lock().has_idle_probes();
            recorder.tidy_bell.sleep_until(me, None, is_due);
            recorder.remove_idle_probes();
            if recorder.loose_slabs.xchg(false, Relaxed) {
                recorder.segments.give_back();
                let pause_ends = clock::monotonic_ns() + PAUSE_NS;
                recorder
                    .tidy_bell
                    .sleep_until(me, Some(pause_ends), || false);
            }
        }
    }
}

impl Recorder {
    fn has_loose_slabs(&self) -> bool {
        self.loose_slabs.load(Relaxed)
    }

    /// Has slab pages given back soon. May be called from any context.
    pub(crate) fn loosen_slabs(&self) {
        self.loose_slabs.store(true, Relaxed);
        self.tidy_bell.ring();
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
