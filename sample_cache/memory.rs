// SPDX-License-Identifier: GPL-2.0

//! Memory for segments, and what happens if there is none.

use super::{
    detached::Detached,
    segment::{Segment, SMALL_WORDS, WORDS},
    HasHistory, SampleCache,
};
use crate::abstractions::slab::{Cache, Vacant};
use kernel::prelude::*;

/// How many segments of each size are set aside for when the slab allocator has none.
const RESERVE: u16 = 32;

/// Memory for a segment that may be needed, allocated before the lock is taken.
pub(crate) type SpareSegment<T> = Option<Vacant<Segment<T>>>;

/// The slab caches for segments.
pub(super) struct Memory<T: HasHistory> {
    /// For the first segment of a history.
    small: Cache<Segment<T>>,
    /// For all other segments.
    full: Cache<Segment<T>>,
}

impl<T: HasHistory> Memory<T> {
    /// Creates the slab caches. May sleep. Fails with `ENOMEM`.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            small: Cache::new(c"taskmonitor_small", SMALL_WORDS, RESERVE)?,
            full: Cache::new(c"taskmonitor_segment", WORDS, RESERVE)?,
        })
    }

    /// Allocates a segment from the reserve: a full one, or else a small one.
    fn alloc_reserved(&self) -> SpareSegment<T> {
        let full = self.full.alloc_reserved();
        full.or_else(|| self.small.alloc_reserved())
    }
}

impl<T: HasHistory> SampleCache<T> {
    /// Allocates the first segment of a history. May sleep. Returns `None` if there is no memory.
    pub(crate) fn alloc_first(&self) -> SpareSegment<T> {
        self.memory.small.alloc()
    }

    /// Allocates the first segment of a history without sleeping. Returns `None` if there is no memory.
    pub(crate) fn alloc_first_nowait(&self) -> SpareSegment<T> {
        self.memory.small.alloc_now()
    }

    /// Allocates a segment into `spare` if there is none, without sleeping: from the slab allocator, else
    /// from the reserve, else by evicting the oldest segments.
    ///
    /// Leaves `spare` empty only if there is nothing to evict that no reader refers to. Takes the lock of
    /// the store.
    pub(crate) fn fill_spare(&self, spare: &mut SpareSegment<T>) {
        if spare.is_none() {
            *spare = self.alloc_or_recycle();
        }
    }

    fn alloc_or_recycle(&self) -> SpareSegment<T> {
        let memory = &self.memory;
        if let Some(segment) = memory.full.alloc_now() {
            return Some(segment);
        }
        if let Some(segment) = memory.alloc_reserved() {
            self.lock().counts.reserve += 1;
            return Some(segment);
        }
        loop {
            let mut oldest = Detached::new();
            self.lock().evict(1, &mut oldest);
            if oldest.len() == 0 {
                return None;
            }
            // Memory that is freed refills the reserve first.
            oldest.free();
            if let Some(segment) = memory.alloc_reserved() {
                self.lock().counts.recycled += 1;
                return Some(segment);
            }
        }
    }

    /// Gives slab pages that hold no object back to the page allocator, and the free objects that the
    /// slab allocator keeps for each CPU. May sleep.
    pub(crate) fn shrink_slabs(&self) {
        self.memory.small.shrink();
        self.memory.full.shrink();
    }

    /// Returns how many bytes all segments take, those included that only readers refer to.
    pub(crate) fn bytes(&self) -> u64 {
        self.memory.small.bytes() + self.memory.full.bytes()
    }
}
