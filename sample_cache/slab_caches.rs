// SPDX-License-Identifier: GPL-2.0

//! The slab caches for segments of both sizes, each with a reserve.

use super::{
    segment::{SMALL_WORDS, WORDS},
    store::Segment,
};
use crate::abstractions::slab::{Cache, UninitObject};
use kernel::prelude::*;

/// How many segments of each size are in the reserve, for the case that the slab allocator has no
/// memory.
const RESERVE: u16 = 32;

/// Memory for a segment that may be needed, or `None`. It is allocated before the lock is taken.
pub(crate) type SpareSegment<T> = Option<UninitObject<Segment<T>>>;

/// The slab caches for segments.
pub(super) struct SlabCaches<T> {
    /// For the first segment of a history.
    pub(super) small: Cache<Segment<T>>,
    /// For all other segments.
    pub(super) full: Cache<Segment<T>>,
}

impl<T> SlabCaches<T> {
    /// Creates the slab caches. May sleep. Fails with `ENOMEM`.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            small: Cache::new(c"taskmonitor_small", SMALL_WORDS, RESERVE)?,
            full: Cache::new(c"taskmonitor_segment", WORDS, RESERVE)?,
        })
    }

    /// Allocates a segment from the reserve: a full one, or else a small one.
    pub(super) fn alloc_reserved(&self) -> SpareSegment<T> {
        let full = self.full.alloc_reserved();
        full.or_else(|| self.small.alloc_reserved())
    }
}
