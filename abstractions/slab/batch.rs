// SPDX-License-Identifier: GPL-2.0

//! Frees many objects of a slab cache together. This costs a third of freeing each by itself.

use super::{inner::CacheInner, object::UniqueRef};
use kernel::{
    bindings,
    prelude::*,
    sync::{aref::ARef, atomic::Release},
};

/// How many objects are freed at once. Their addresses are on the stack, of which reclaim has used
/// much.
const SIZE: usize = 16;

/// Memory of objects that were dropped, which is freed several objects at a time.
///
/// Dropping this frees the rest. If it is leaked, that memory stays allocated, and so does the slab
/// cache. It is not `Send`, and is used by the thread that made it.
///
/// # Invariants
///
/// The first `len` entries of `memory` are memory from `inner`, to which nothing else refers.
/// `inner` counts `len` references for them, and the field `inner` is one of these. It is `None` if
/// `len` is 0.
pub(crate) struct Batch<T> {
    inner: Option<ARef<CacheInner<T>>>,
    memory: [*mut c_void; SIZE],
    len: usize,
    /// The number of objects whose memory was freed to the slab, and not to the reserve.
    freed_to_slab: usize,
}

impl<T> Batch<T> {
    /// Creates an empty batch.
    pub(crate) const fn new() -> Self {
        Self {
            inner: None,
            memory: [core::ptr::null_mut(); SIZE],
            len: 0,
            freed_to_slab: 0,
        }
    }

    /// Frees all memory that is left. Returns the number of objects whose memory was freed to the
    /// slab since the batch was created. The memory of the others refilled the reserve.
    pub(crate) fn finish(&mut self) -> usize {
        self.flush();
        self.freed_to_slab
    }

    /// Drops the value of `object` and takes its memory. Must not be called with a lock held that
    /// the free functions of the slab take.
    pub(crate) fn free(&mut self, object: UniqueRef<T>) {
        let (memory, inner) = object.into_memory();
        let is_other =
            |own: &ARef<CacheInner<T>>| !core::ptr::eq(&raw const **own, &raw const *inner);
        if self.len == SIZE || self.inner.as_ref().is_some_and(is_other) {
            self.flush();
        }
        if let Some(entry) = self.memory.get_mut(self.len) {
            *entry = memory.as_ptr().cast();
            // INVARIANT: The value was dropped, so that nothing refers to the memory, which is from
            // `inner`.
            self.len += 1;
            match self.inner {
                // INVARIANT: The reference stays counted.
                Some(_) => core::mem::forget(inner),
                None => self.inner = Some(inner),
            }
        }
    }

    /// Frees the memory. It refills the reserve first.
    fn flush(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        // SAFETY: By the type invariant the first `len` entries are memory from `inner` to which
        // nothing refers. The reserve takes entries from the beginning, and the slab gets the
        // others.
        let freed_to_slab = unsafe {
            let memory = self.memory.as_mut_ptr();
            let len = self.len as u32;
            let kept = bindings::mempool_free_bulk(inner.reserve.as_ptr(), memory, len) as usize;
            let (cache, rest) = (inner.cache.as_ptr(), self.len - kept);
            bindings::kmem_cache_free_bulk(cache, rest, memory.add(kept));
            rest
        };
        // INVARIANT: By the type invariant `len` references are counted. One is dropped with
        // `inner`, so that the count does not become 0 here.
        let others = self.len as i32 - 1;
        inner.users.as_atomic().fetch_sub(others, Release);
        self.len = 0;
        self.freed_to_slab += freed_to_slab;
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        self.flush();
    }
}
