// SPDX-License-Identifier: GPL-2.0

//! The beginning and the end of a sampling pass: recording its timestamp.

use super::{
    has_history::HasHistory,
    slab_caches::SpareSegment,
    store::{Detached, Store, StoreGuard},
};

impl<T: HasHistory> StoreGuard<'_, T> {
    /// Records that the next pass begins at `time_us`, microseconds since boot. The pass after it
    /// is expected `period_us` later. The timestamp is kept at least until
    /// [`end_pass`](Store::end_pass).
    ///
    /// If a new segment is needed, it is made from `spare`. If that is empty then, returns false
    /// and records nothing.
    pub(crate) fn begin_pass(
        &mut self,
        time_us: u64,
        period_us: u32,
        spare: &mut SpareSegment<T>,
        detached: &mut Detached<T>,
    ) -> bool {
        if self.timeline.try_append(time_us) {
            self.is_in_pass = true;
            return true;
        }
        let is_recorded = self.begin_timeline_segment(time_us, period_us, spare, detached);
        self.is_in_pass |= is_recorded;
        // With the pass under way, so that its timestamp is kept.
        self.enforce_max_bytes(detached);
        is_recorded
    }

    /// Records the next pass as the first one of a new segment. Returns false if `spare` is empty.
    fn begin_timeline_segment(
        &mut self,
        time_us: u64,
        period_us: u32,
        spare: &mut SpareSegment<T>,
        detached: &mut Detached<T>,
    ) -> bool {
        let Some(memory) = spare.take() else {
            return false;
        };
        let lock = self.lock_ref();
        let open = self
            .timeline
            .begin_segment(time_us, period_us, memory, lock, detached);
        if let Some((segment, contents)) = open {
            segment.seal(self, contents);
        }
        true
    }
}

impl<T: HasHistory> Store<T> {
    /// Ends the pass that is under way. All of its samples have been appended.
    pub(crate) fn end_pass(&mut self, detached: &mut Detached<T>) {
        self.is_in_pass = false;
        self.trim_timeline(detached);
    }
}
