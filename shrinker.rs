// SPDX-License-Identifier: GPL-2.0

//! Eviction under memory pressure: whole segments, the oldest of all targets first.
//!
//! Takes the store's spinlock, for a few segments at a time, and waits for nobody.

use crate::{
    abstractions::{clock, shrinker::Shrink},
    eviction::Detached,
    recorder::Recorder,
};
use kernel::{
    print::format_strings::DEBUG,
    print_macro,
    sync::atomic::{Atomic, Relaxed},
};

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
        let mut freed = 0;
        let mut is_over = false;
        while freed < segments && !is_over {
            let mut detached = Detached::new();
            self.store.lock().evict(segments - freed, &mut detached);
            is_over = detached.len() == 0;
            // Where a reader stands in one, the next one goes for it too.
            freed += detached.free();
        }
        if is_told {
            print_macro!(DEBUG, false, "eviction ends: {freed} segments freed\n");
        }
        if is_over && freed == 0 {
            return None;
        }
        self.give_slabs_back_later();
        Some(freed)
    }
}
