// SPDX-License-Identifier: GPL-2.0

//! The shrinker: evicts whole segments under memory pressure, the oldest of all targets first.
//!
//! Reclaim calls it, that is, any allocation that may sleep, with the locks that the allocating
//! task holds. So it does not sleep, and the only lock of this module that it takes is that of the
//! sample cache, for a limited number of segments at a time.

use crate::{
    abstractions::{clock, shrinker::Shrink},
    recorder::Recorder,
};
use kernel::{
    print::format_strings::DEBUG,
    print_macro,
    sync::atomic::{Atomic, Relaxed},
};

/// The second since boot in which an eviction was last logged.
static LAST_LOGGED: Atomic<u64> = Atomic::new(0);

/// Returns whether an eviction may be logged: at most one in each second, because logging takes
/// memory and time when both are short.
fn may_log() -> bool {
    let second = clock::boottime_us() / 1_000_000;
    LAST_LOGGED.xchg(second, Relaxed) != second
}

impl Shrink for Recorder {
    fn count(&self) -> usize {
        self.samples().lock().segments()
    }

    fn scan(&self, segments: usize) -> Option<usize> {
        let is_logged = may_log();
        let before = self.count();
        if is_logged {
            print_macro!(
                DEBUG,
                false,
                "eviction begins: {segments} of {before} segments\n"
            );
        }
        let mut freed = 0;
        let mut is_empty = false;
        while freed < segments && !is_empty {
            let evicted = self.samples().evict(segments - freed);
            is_empty = evicted.detached == 0;
            // A segment is not counted as freed if a reader refers to it or if its memory refilled
            // the reserve. Another one is evicted in its place.
            freed += evicted.freed;
        }
        if is_logged {
            print_macro!(DEBUG, false, "eviction ends: {freed} segments freed\n");
        }
        if is_empty && freed == 0 {
            return None;
        }
        self.queue_give_back();
        Some(freed)
    }
}
