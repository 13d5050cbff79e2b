// SPDX-License-Identifier: GPL-2.0

//! Segments that are in no history and not in the timeline any more, until they are freed.

use super::segment::Segment;
use crate::abstractions::{
    list::List,
    slab::{Batch, Ref, UniqueRef},
};

/// How many segments are detached before the lock is released. In addition up to about 15 segments of
/// the timeline that only the last of them needed, and as many that are not needed at all.
pub(super) const DETACH_MAX: usize = 32;

/// A list of detached segments. They are freed when it is dropped, which must happen with no lock held.
pub(crate) struct Detached<T>(List<Segment<T>, 0>);

impl<T> Detached<T> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        Self(List::new())
    }

    /// Returns how many segments are in the list.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no more segments are to be detached before the lock is released.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= DETACH_MAX
    }

    /// Adds a segment that has just left its list.
    pub(super) fn push(&mut self, segment: Ref<Segment<T>>) {
        let _ = self.0.push_back(segment);
    }

    /// Frees the segments. Returns how many slab objects were freed: not counted are segments that a
    /// reader still refers to, and those that refilled the reserve.
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

impl<T> Drop for Detached<T> {
    fn drop(&mut self) {
        self.free();
    }
}
