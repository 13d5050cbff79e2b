// SPDX-License-Identifier: GPL-2.0

//! Segments that are in no history and not in the timeline any more, until they are freed.
//!
//! A run of several spans is cut one span at a time (runs.rs) before it is detached. This takes as
//! long as detaching a segment, and counts as one step too.

use super::segment::Segment;
use crate::abstractions::{
    list::List,
    slab::{Batch, Ref, UniqueRef},
};

/// How many segments are detached and spans are cut before the lock is released.
///
/// About 30 more segments can be detached, because this is not checked while segments of the
/// timeline are detached: up to about 15 that only the last span needed, and as many that no
/// segment needed.
pub(super) const DETACH_MAX: usize = 32;

/// A list of detached segments. They are freed when it is dropped, which must happen with no lock
/// held.
pub(crate) struct Detached<T, S> {
    segments: List<Segment<T, S>, 0>,
    /// How many spans have been cut in the meantime.
    cuts: usize,
}

impl<T, S> Detached<T, S> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        Self {
            segments: List::new(),
            cuts: 0,
        }
    }

    /// Returns how many segments are in the list.
    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Returns whether no more steps may be taken before the lock is released.
    pub(crate) fn is_full(&self) -> bool {
        self.len().saturating_add(self.cuts) >= DETACH_MAX
    }

    /// Counts a span that was cut.
    pub(super) fn count_cut(&mut self) {
        self.cuts = self.cuts.saturating_add(1);
    }

    /// Adds a segment, which is in no list.
    pub(super) fn push(&mut self, segment: Ref<Segment<T, S>>) {
        let _ = self.segments.push_back(segment);
    }

    /// Frees the segments. Returns how many slab objects were freed. Segments that a reader still
    /// refers to and those that refilled the reserve are not counted. No spinlock may be held.
    pub(crate) fn free(&mut self) -> usize {
        if self.len() == 0 {
            0
        } else {
            self.free_all()
        }
    }

    // Not inlined, because its stack frame is large.
    #[inline(never)]
    fn free_all(&mut self) -> usize {
        let mut batch = Batch::new();
        while let Some(segment) = self.segments.pop_front() {
            // If a reader refers to the segment, the reader frees it.
            if let Ok(last) = UniqueRef::new(segment) {
                batch.free(last);
            }
        }
        batch.finish()
    }
}

impl<T, S> Drop for Detached<T, S> {
    fn drop(&mut self) {
        self.free();
    }
}
