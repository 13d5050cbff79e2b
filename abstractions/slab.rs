// SPDX-License-Identifier: GPL-2.0

//! Slab caches with a reserve, for [reference-counted objects](super::slab_object) of one type, with
//! words behind each of them, as many as the cache was made for.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/mempool.h`](srctree/include/linux/mempool.h).

pub(crate) use super::{
    slab_batch::Batch,
    slab_object::{Last, Object, Ref, Vacant},
};
use core::{
    marker::PhantomData,
    mem::{align_of, size_of},
    ptr::NonNull,
};
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    sync::{
        aref::{ARef, AlwaysRefCounted},
        atomic::{Atomic, Relaxed},
        Refcount,
    },
};

/// A slab cache for objects of one type, never merged with another, and a reserve of such objects.
///
/// The cache is accounted as reclaimable: whoever makes one promises a shrinker for what is in it.
/// It stays until the last object has gone, also where this is dropped before, and for ever where an
/// object is leaked.
pub(crate) struct Cache<T> {
    home: ARef<Home<T>>,
}

/// Where objects come from and go back to.
///
/// # Invariants
///
/// `cache` is a live `kmem_cache` for objects of the alignment of `Object<T>`, and of its size and
/// that of `words` words behind it; `reserve` is a live mempool over it. `users` are the [`Cache`],
/// each [`Object`] and each [`Vacant`]. Made by `KBox`. (2^31 users would saturate the count: the home
/// then stays for ever.)
pub(super) struct Home<T> {
    pub(super) cache: NonNull<bindings::kmem_cache>,
    pub(super) reserve: NonNull<bindings::mempool>,
    pub(super) users: Refcount,
    /// How many words each object has behind it.
    pub(super) words: usize,
    /// How many objects there are: each [`Object`], whoever refers to it, but no [`Vacant`].
    pub(super) objects: Atomic<u64>,
    _objects: PhantomData<fn(T) -> T>,
}

// SAFETY: Slab caches and mempools do their own locking.
unsafe impl<T> Send for Home<T> {}
// SAFETY: As above.
unsafe impl<T> Sync for Home<T> {}

// SAFETY: By the type invariant each user has been counted, and the home is in a `KBox`, which nobody
// refers to any more when the last one goes.
unsafe impl<T> AlwaysRefCounted for Home<T> {
    fn inc_ref(&self) {
        self.users.inc();
    }

    unsafe fn dec_ref(home: NonNull<Self>) {
        // SAFETY: The caller is a user, so the home is alive; and where it was the last one, nobody
        // else is.
        unsafe {
            if home.as_ref().users.dec_and_test() {
                drop(KBox::from_raw(home.as_ptr()));
            }
        }
    }
}

impl<T> Home<T> {
    /// The size of an object with its words.
    pub(super) const fn size_with(words: usize) -> usize {
        size_of::<Object<T>>() + words * size_of::<u64>()
    }
}

impl<T> Cache<T> {
    /// Makes a cache that /proc/slabinfo shows as `name`, for objects with `words` words behind them,
    /// with `reserve` objects set aside.
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
        // SAFETY: `name` and `args` are valid for the call, and `name` for as long as the kernel
        // lives or until the cache is destroyed.
        let cache = unsafe {
            bindings::__kmem_cache_create_args(
                name.as_char_ptr(),
                Home::<T>::size_with(words) as u32,
                &mut args,
                flags,
            )
        };
        let cache = NonNull::new(cache).ok_or(ENOMEM)?;
        // SAFETY: The two functions are those that C has for a mempool over a slab cache, and their
        // data is that cache, which is destroyed after the pool.
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
            // SAFETY: The cache was made above, and nothing is in it.
            unsafe { bindings::kmem_cache_destroy(cache.as_ptr()) };
            return Err(ENOMEM);
        };
        // INVARIANT: Both were just made, for `Object<T>`, and the one user is the `Cache`.
        let home = KBox::new(
            Home {
                cache,
                reserve,
                users: Refcount::new(1),
                words,
                objects: Atomic::new(0),
                _objects: PhantomData,
            },
            GFP_KERNEL,
        )?;
        let home = NonNull::from(KBox::leak(home));
        // SAFETY: The reference that was counted is the one that the `Cache` has.
        let home = unsafe { ARef::from_raw(home) };
        Ok(Self { home })
    }

    /// The bytes that all objects take, whole ones with their words, whoever refers to them.
    pub(crate) fn bytes(&self) -> u64 {
        let size = Home::<T>::size_with(self.home.words) as u64;
        self.home.objects.load(Relaxed).wrapping_mul(size)
    }

    /// Gives the slab's free pages back, and the objects that it keeps at hand for each CPU. May sleep.
    pub(crate) fn shrink(&self) {
        // SAFETY: By the type invariant the cache is live.
        unsafe { bindings::kmem_cache_shrink(self.home.cache.as_ptr()) };
    }

    /// Takes memory for one object from the slab. May sleep.
    pub(crate) fn alloc(&self) -> Option<Vacant<T>> {
        self.alloc_with(bindings::GFP_KERNEL)
    }

    /// Takes memory for one object from the slab, where that is possible at once. Never sleeps, and
    /// leaves no word in the kernel log when it fails.
    pub(crate) fn alloc_now(&self) -> Option<Vacant<T>> {
        self.alloc_with(bindings::GFP_NOWAIT)
    }

    fn alloc_with(&self, flags: bindings::gfp_t) -> Option<Vacant<T>> {
        // SAFETY: By the type invariant the cache is live.
        let object = unsafe { bindings::kmem_cache_alloc_noprof(self.home.cache.as_ptr(), flags) };
        // SAFETY: The object was just taken from there.
        unsafe { Vacant::new(&self.home, object) }
    }

    /// Takes memory for one object from the reserve, where it holds any; never sleeps.
    ///
    /// Objects that are freed later fill the reserve again before they go back to the slab.
    pub(crate) fn alloc_reserved(&self) -> Option<Vacant<T>> {
        // SAFETY: By the type invariant the pool is live.
        let object = unsafe { bindings::mempool_alloc_preallocated(self.home.reserve.as_ptr()) };
        // SAFETY: The object was just taken from there.
        unsafe { Vacant::new(&self.home, object) }
    }
}

impl<T> Drop for Home<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are live, and every object has been returned, as there
        // are no users. The pool goes first, as it gives its objects back to the cache.
        unsafe {
            bindings::mempool_destroy(self.reserve.as_ptr());
            bindings::kmem_cache_destroy(self.cache.as_ptr());
        }
    }
}
