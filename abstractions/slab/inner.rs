// SPDX-License-Identifier: GPL-2.0

//! The part of a slab cache that its objects share with it.

use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    prelude::*,
    sync::{aref::AlwaysRefCounted, atomic::Atomic, Refcount},
};

/// A slab cache and its reserve, which exist until all that was allocated from them has been freed.
/// `T` is the type of the values in the objects.
///
/// # Invariants
///
/// - `cache` is a live `kmem_cache`. Its objects are aligned for an `Object<T>` and as large as one
///   with `words` words after it. `reserve` is a live mempool over it.
/// - `users` is the number of references to this value. The [`Cache`](super::Cache), each
///   [`Object`](super::Object) and each [`UninitObject`](super::UninitObject) have one. If there
///   are ever more than 2^31, the count saturates and this value is never freed.
/// - This value was allocated by `KBox`.
pub(super) struct CacheInner<T> {
    pub(super) cache: NonNull<bindings::kmem_cache>,
    pub(super) reserve: NonNull<bindings::mempool>,
    pub(super) users: Refcount,
    /// The number of words after each object.
    pub(super) words: usize,
    /// The number of [`Object`](super::Object)s.
    pub(super) objects: Atomic<u64>,
    pub(super) _values: PhantomData<fn(T) -> T>,
}

// SAFETY: Slab caches and mempools may be used and destroyed in any thread. There is no `T` in this
// value.
unsafe impl<T> Send for CacheInner<T> {}
// SAFETY: As above; slab caches and mempools do their own locking.
unsafe impl<T> Sync for CacheInner<T> {}

// SAFETY: By the type invariant `users` counts the references, and a reference keeps this value
// alive.
unsafe impl<T> AlwaysRefCounted for CacheInner<T> {
    fn inc_ref(&self) {
        self.users.inc();
    }

    unsafe fn dec_ref(inner: NonNull<Self>) {
        // SAFETY: The caller owns a reference, so that the value is alive. If it was the last one,
        // nothing refers to the value any more, which by the type invariant was allocated by
        // `KBox`.
        unsafe {
            if inner.as_ref().users.dec_and_test() {
                drop(KBox::from_raw(inner.as_ptr()));
            }
        }
    }
}

impl<T> Drop for CacheInner<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are live. There are no references, so that no object
        // is left. The mempool returns its objects to the cache, which is destroyed after it.
        unsafe {
            bindings::mempool_destroy(self.reserve.as_ptr());
            bindings::kmem_cache_destroy(self.cache.as_ptr());
        }
    }
}
