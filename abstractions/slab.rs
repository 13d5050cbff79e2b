// SPDX-License-Identifier: GPL-2.0

//! Slab caches with a reserve.
//!
//! A [`Cache`] allocates memory for one object, an [`UninitObject`], from the slab or from its
//! reserve. [`UninitObject::init`] turns it into an [`Object`], which is reference-counted
//! ([`Ref`]). A number of 64-bit words follows each object, the same number for all objects of the
//! cache. [`Batch`] frees many objects together.
//!
//! The `kernel` crate allocates with `kmalloc()` and `vmalloc()`, and pages. It has neither slab
//! caches nor mempools.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/mempool.h`](srctree/include/linux/mempool.h).
//!
//! # Examples
//!
//! ```ignore
//! struct Packet {
//!     len: usize,
//! }
//!
//! // 16 words after each object, and four objects in the reserve.
//! let cache = Cache::<Packet>::new(c"packet", 16, 4)?;
//! let memory = cache.alloc_now().or_else(|| cache.alloc_reserved()).ok_or(ENOMEM)?;
//! let packet: Ref<Packet> = memory.init(Packet { len: 8 });
//! if let Some(word) = packet.words().first() {
//!     word.store(1, Relaxed);
//! }
//! // Frees the object. Its memory refills the reserve if that is not full.
//! drop(packet);
//! ```

mod batch;
mod inner;
mod object;

pub(crate) use batch::Batch;
pub(crate) use object::{Object, Ref, UninitObject, UniqueRef};

use core::{marker::PhantomData, mem::align_of, ptr::NonNull};
use inner::CacheInner;
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    sync::{
        aref::ARef,
        atomic::{Atomic, Relaxed},
        Refcount,
    },
};

/// A slab cache for objects with a value of type `T`, and a reserve of memory for such objects.
///
/// The kernel never merges it with another cache. Its memory counts as reclaimable, so the user of
/// a cache must register a shrinker that frees objects.
///
/// The slab cache is destroyed when this value has been dropped and no object is left; never, if an
/// object is leaked.
pub(crate) struct Cache<T> {
    inner: ARef<CacheInner<T>>,
}

impl<T> Cache<T> {
    /// Creates a cache that `/proc/slabinfo` shows as `name`, for objects with `words` words after
    /// them, and with memory for `reserve` objects in its reserve.
    ///
    /// May sleep. Fails with `ENOMEM`.
    pub(crate) fn new(name: &'static CStr, words: u16, reserve: u16) -> Result<Self> {
        let words = usize::from(words);
        let mut args = bindings::kmem_cache_args {
            align: align_of::<Object<T>>() as u32,
            ..Default::default()
        };
        let flags = 1 << bindings::_slab_flag_bits__SLAB_RECLAIM_ACCOUNT
            | 1 << bindings::_slab_flag_bits__SLAB_NO_MERGE;
        // SAFETY: `args` is valid for the call, and `name` is static.
        let cache = unsafe {
            bindings::__kmem_cache_create_args(
                name.as_char_ptr(),
                Object::<T>::size_with(words) as u32,
                &mut args,
                flags,
            )
        };
        let cache = NonNull::new(cache).ok_or(ENOMEM)?;
        // SAFETY: The two functions are those of C for a mempool over a slab cache. Their argument
        // is that cache, which is destroyed after the mempool.
        let reserve = unsafe {
            bindings::mempool_create_node_noprof(
                reserve.into(),
                Some(bindings::mempool_alloc_slab),
                Some(bindings::mempool_free_slab),
                cache.as_ptr().cast(),
                bindings::GFP_KERNEL,
                bindings::NUMA_NO_NODE,
            )
        };
        let Some(reserve) = NonNull::new(reserve) else {
            // SAFETY: The cache was created above, and nothing was allocated from it.
            unsafe { bindings::kmem_cache_destroy(cache.as_ptr()) };
            return Err(ENOMEM);
        };
        // INVARIANT: Both were created above, with the size and the alignment of `Object<T>`. The
        // one reference is that of the `Cache`.
        let inner = KBox::new(
            CacheInner {
                cache,
                reserve,
                users: Refcount::new(1),
                words,
                objects: Atomic::new(0),
                _values: PhantomData,
            },
            GFP_KERNEL,
        )?;
        let inner = NonNull::from(KBox::leak(inner));
        // SAFETY: The reference that was counted above is passed on.
        let inner = unsafe { ARef::from_raw(inner) };
        Ok(Self { inner })
    }

    /// Returns the size of all objects with the words after them, in bytes. Every object counts
    /// until its last reference is dropped.
    pub(crate) fn bytes(&self) -> u64 {
        let size = Object::<T>::size_with(self.inner.words) as u64;
        self.inner.objects.load(Relaxed).wrapping_mul(size)
    }

    /// Returns free memory of the slab cache to the page allocator, including objects in the
    /// per-CPU caches. May sleep.
    pub(crate) fn shrink(&self) {
        // SAFETY: By the invariants of `CacheInner` the cache is live.
        unsafe { bindings::kmem_cache_shrink(self.inner.cache.as_ptr()) };
    }

    /// Allocates memory for one object from the slab. May sleep.
    pub(crate) fn alloc(&self) -> Option<UninitObject<T>> {
        self.alloc_with(bindings::GFP_KERNEL)
    }

    /// Allocates memory for one object from the slab with `GFP_NOWAIT`: it does not sleep, and logs
    /// nothing if it fails.
    pub(crate) fn alloc_now(&self) -> Option<UninitObject<T>> {
        self.alloc_with(bindings::GFP_NOWAIT)
    }

    fn alloc_with(&self, flags: bindings::gfp_t) -> Option<UninitObject<T>> {
        // SAFETY: By the invariants of `CacheInner` the cache is live.
        let memory = unsafe { bindings::kmem_cache_alloc_noprof(self.inner.cache.as_ptr(), flags) };
        // SAFETY: The memory was allocated from there above.
        unsafe { UninitObject::new(&self.inner, memory) }
    }

    /// Takes memory for one object from the reserve; returns `None` if that is empty. Does not
    /// sleep.
    ///
    /// Memory of objects that are freed later refills the reserve first.
    pub(crate) fn alloc_reserved(&self) -> Option<UninitObject<T>> {
        // SAFETY: By the invariants of `CacheInner` the mempool is live.
        let memory = unsafe { bindings::mempool_alloc_preallocated(self.inner.reserve.as_ptr()) };
        // SAFETY: The memory was allocated from there above.
        unsafe { UninitObject::new(&self.inner, memory) }
    }
}
