// SPDX-License-Identifier: GPL-2.0

//! Segments that are in no history and not in the timeline any more, until they are freed.

use super::segment::Segment;
use crate::abstractions::{
    list::List,
    slab::{Batch, Ref, UniqueRef},
};

/// How many segments are detached before the lock is released.
///
/// There can be about 30 more, because this is not checked while segments of the timeline are
/// detached: up to about 15 that only the last segment of samples needed, and as many that no
/// segment needed.
pub(super) const DETACH_MAX: usize = 32;

/// A list of detached segments. They are freed when it is dropped, which must happen with no lock
/// held.
pub(crate) struct Detached<T, S>(List<Segment<T, S>, 0>);

impl<T, S> Detached<T, S> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        Self(List::new())
    }

    /// Returns how many segments are in the list.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no more segments may be detached before the lock is released.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= DETACH_MAX
    }

    /// Adds a segment, which is in no list.
    pub(super) fn push(&mut self, segment: Ref<Segment<T, S>>) {
        let _ = self.0.push_back(segment);
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
        while let Some(segment) = self.0.pop_front() {
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
