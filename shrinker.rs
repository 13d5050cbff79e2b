// SPDX-License-Identifier: GPL-2.0

//! Eviction under memory pressure: whole segments, the oldest of all targets first.
//!
//! Takes the store's spinlock, for a few segments at a time, and waits for nobody.

use crate::{
    abstractions::{clock, shrinker::Shrink, slab::Batch},
    recorder::Recorder,
    segment::Gone,
};
use kernel::{
    print::format_strings::DEBUG,
    print_macro,
    sync::atomic::{Atomic, Relaxed},
};

/// How many segments are taken under one lock.
const BATCH: usize = 32;

/// The second, since boot, in which an eviction pass was last told of.
static TOLD: Atomic<u64> = Atomic::new(0);

/// Whether an eviction pass is to be told of in the kernel log: one a second, as printing takes
/// memory and time just when both are short.
fn may_tell() -> bool {
    let now = clock::boottime_us() / 1_000_000;
    TOLD.xchg(now, Relaxed) != now
}

impl Shrink for Recorder {
    fn count(&self) -> usize {
        self.store.lock().segments()
    }

    fn scan(&self, segments: usize) -> Option<usize> {
        let is_told = may_tell();
        let before = self.count();
        if is_told {
            print_macro!(
                DEBUG,
                false,
                "eviction begins: {segments} of {before} segments\n"
            );
        }
        let mut left = before;
        let mut memory = Batch::new();
        while before.saturating_sub(left) < segments {
            let mut gone = [const { None::<Gone> }; BATCH];
            let wanted = segments.saturating_sub(before.saturating_sub(left));
            let places = gone.get_mut(..wanted.min(BATCH)).unwrap_or_default();
            let mut store = self.store.lock();
            let count = store.evict(&self.segments, places);
            left = store.segments();
            drop(store);
            for gone in gone.iter_mut().filter_map(Option::take) {
                gone.let_go_in(&mut memory, &self.store);
            }
            if count == 0 {
                break;
            }
        }
        drop(memory);
        let freed = before.saturating_sub(left);
        if is_told {
            print_macro!(DEBUG, false, "eviction ends: {freed} segments freed\n");
        }
        if freed == 0 {
            return None;
        }
        self.loosen_slabs();
        Some(freed)
    }
}
