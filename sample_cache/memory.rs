// SPDX-License-Identifier: GPL-2.0

//! Allocating segments, and what happens if there is no memory.

use super::{has_history::HasHistory, slab_caches::SpareSegment, store::Detached, SampleCache};

impl<T: HasHistory> SampleCache<T> {
    /// Allocates the first segment of a history. May sleep. Returns `None` if there is no memory.
    pub(crate) fn alloc_first(&self) -> SpareSegment<T> {
        self.slab_caches.small.alloc()
    }

    /// Allocates the first segment of a history without sleeping. Returns `None` if there is no
    /// memory.
    pub(crate) fn alloc_first_nowait(&self) -> SpareSegment<T> {
        self.slab_caches.small.alloc_now()
    }

    /// Allocates a segment for `spare` if that is empty: from the slab allocator, else from the
    /// reserve, else by evicting the oldest segments.
    ///
    /// Leaves `spare` empty only if readers refer to all segments that could be evicted, or if
    /// there are none. Does not sleep. Takes the lock of the store.
    pub(crate) fn fill_spare(&self, spare: &mut SpareSegment<T>) {
        if spare.is_none() {
            *spare = self.alloc_or_recycle();
        }
    }

    fn alloc_or_recycle(&self) -> SpareSegment<T> {
        let slab_caches = &self.slab_caches;
        if let Some(segment) = slab_caches.full.alloc_now() {
            return Some(segment);
        }
        if let Some(segment) = slab_caches.alloc_reserved() {
            self.lock().counts.reserve += 1;
            return Some(segment);
        }
        loop {
            let mut oldest = Detached::new();
            self.lock().evict(1, &mut oldest);
            if oldest.len() == 0 {
                return None;
            }
            // The reserve is refilled before memory goes back to the slab allocator.
            oldest.free();
            if let Some(segment) = slab_caches.alloc_reserved() {
                self.lock().counts.recycled += 1;
                return Some(segment);
            }
        }
    }

    /// Frees slab pages that hold no object, after the free objects that the slab allocator keeps
    /// for each CPU have been returned to their pages. May sleep.
    pub(crate) fn shrink_slabs(&self) {
        self.slab_caches.small.shrink();
        self.slab_caches.full.shrink();
    }

    /// Returns how many bytes all segments take, including those that only readers refer to.
    pub(crate) fn bytes(&self) -> u64 {
        self.slab_caches.small.bytes() + self.slab_caches.full.bytes()
    }
}
