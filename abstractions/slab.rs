// SPDX-License-Identifier: GPL-2.0

//! Reference-counted objects in a slab cache of their own, with a reserve, and with words behind them
//! as many as the cache was made for.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/mempool.h`](srctree/include/linux/mempool.h).

use core::{
    convert::Infallible,
    marker::PhantomData,
    mem::{align_of, size_of, ManuallyDrop},
    ops::Deref,
    ptr::{addr_of_mut, NonNull},
};
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    sync::{
        aref::{ARef, AlwaysRefCounted},
        atomic::{Atomic, Relaxed},
        Arc, Refcount,
    },
};

/// A reference to an object in a [`Cache`]; the last one to go returns the object to it.
pub(crate) type Ref<T> = ARef<Object<T>>;

/// A slab cache for objects of one type, never merged with another, and a reserve of such objects.
///
/// The cache is accounted as reclaimable: whoever makes one promises a shrinker for what is in it.
///
/// # Invariants
///
/// `cache` is a live `kmem_cache` for objects of the alignment of `Object<T>`, and of its size and
/// that of `words` words behind it; `reserve` is a live mempool over it.
pub(crate) struct Cache<T> {
    cache: NonNull<bindings::kmem_cache>,
    reserve: NonNull<bindings::mempool>,
    len: Atomic<usize>,
    /// How many words each object has behind it.
    words: usize,
    _objects: PhantomData<fn(T) -> T>,
}

// SAFETY: Slab caches and mempools do their own locking.
unsafe impl<T> Send for Cache<T> {}
// SAFETY: As above.
unsafe impl<T> Sync for Cache<T> {}

impl<T> Cache<T> {
    /// Makes a cache that /proc/slabinfo shows as `name`, for objects with `words` words behind them,
    /// with `reserve` objects set aside.
    ///
    /// May sleep. Fails with `ENOMEM`.
    pub(crate) fn new(name: &'static CStr, words: u16, reserve: u16) -> Result<Arc<Self>> {
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
                Self::size_with(words) as u32,
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
        // INVARIANT: Both were just made, for `Object<T>`.
        Ok(Arc::new(
            Self {
                cache,
                reserve,
                len: Atomic::new(0),
                words,
                _objects: PhantomData,
            },
            GFP_KERNEL,
        )?)
    }

    const fn size_with(words: usize) -> usize {
        size_of::<Object<T>>() + words * size_of::<u64>()
    }

    /// How many objects there are, referred to by whomever.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Gives the slab's free pages back, and the objects that it keeps at hand for each CPU. May sleep.
    pub(crate) fn shrink(&self) {
        // SAFETY: By the type invariant the cache is live.
        unsafe { bindings::kmem_cache_shrink(self.cache.as_ptr()) };
    }

    /// Takes memory for one object from the slab. May sleep.
    pub(crate) fn alloc(self: &Arc<Self>) -> Option<Vacant<T>> {
        self.alloc_with(bindings::GFP_KERNEL)
    }

    /// Takes memory for one object from the slab, where that is possible at once. Never sleeps, and
    /// leaves no word in the kernel log when it fails.
    pub(crate) fn alloc_now(self: &Arc<Self>) -> Option<Vacant<T>> {
        self.alloc_with(bindings::GFP_NOWAIT)
    }

    fn alloc_with(self: &Arc<Self>, flags: bindings::gfp_t) -> Option<Vacant<T>> {
        // SAFETY: By the type invariant the cache is live.
        let object = unsafe { bindings::kmem_cache_alloc_noprof(self.cache.as_ptr(), flags) };
        Vacant::new(self, object)
    }

    /// Takes memory for one object from the reserve, where it holds any; never sleeps.
    ///
    /// Objects that are freed later fill the reserve again before they go back to the slab.
    pub(crate) fn alloc_reserved(self: &Arc<Self>) -> Option<Vacant<T>> {
        // SAFETY: By the type invariant the pool is live.
        let object = unsafe { bindings::mempool_alloc_preallocated(self.reserve.as_ptr()) };
        Vacant::new(self, object)
    }
}

impl<T> Drop for Cache<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are live. Every object and every `Vacant` holds a
        // reference to `self`, so all have been returned. The pool goes first, as it gives its
        // objects back to the cache.
        unsafe {
            bindings::mempool_destroy(self.reserve.as_ptr());
            bindings::kmem_cache_destroy(self.cache.as_ptr());
        }
    }
}

/// Memory for one object that is not there yet.
///
/// # Invariants
///
/// `memory` was taken from `home` and nothing else refers to it.
pub(crate) struct Vacant<T> {
    memory: NonNull<Object<T>>,
    home: Arc<Cache<T>>,
}

// SAFETY: A `Vacant` is memory that nobody else refers to, and has no value in it.
unsafe impl<T> Send for Vacant<T> {}

impl<T> Vacant<T> {
    fn new(home: &Arc<Cache<T>>, memory: *mut c_void) -> Option<Self> {
        // CAST: The cache was made for objects of this size and alignment.
        let memory = NonNull::new(memory.cast())?;
        // INVARIANT: The caller just got `memory` from `home`.
        Some(Self {
            memory,
            home: home.clone(),
        })
    }

    /// How many words the object will have behind it.
    pub(crate) fn words(&self) -> usize {
        self.home.words
    }

    /// Makes the object, in place, with one reference to it.
    pub(crate) fn fill(self, value: impl Init<T, Infallible>) -> Ref<T> {
        let vacant = ManuallyDrop::new(self);
        let object = vacant.memory.as_ptr();
        vacant.home.len.add(1, Relaxed);
        // SAFETY: By the type invariant the memory is ours, with that many words behind the object.
        unsafe {
            object
                .add(1)
                .cast::<u64>()
                .write_bytes(0, vacant.home.words)
        };
        // SAFETY: By the type invariant the memory is ours, and as large as an object. `vacant` is
        // never dropped nor used again, so its `home` may be moved out of it. The initializer
        // cannot fail, so that each field is written.
        unsafe {
            addr_of_mut!((*object).refcount).write(Refcount::new(1));
            addr_of_mut!((*object).home).write(core::ptr::read(&vacant.home));
            match value.__init(addr_of_mut!((*object).value)) {
                Ok(()) => {}
                Err(never) => match never {},
            }
            ARef::from_raw(vacant.memory)
        }
    }
}

impl<T> Drop for Vacant<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the memory came from this pool's cache and is ours.
        unsafe { bindings::mempool_free(self.memory.as_ptr().cast(), self.home.reserve.as_ptr()) };
    }
}

/// A value in a [`Cache`], with its reference count.
///
/// # Invariants
///
/// Behind it lie as many words as its `home` says, initialised.
#[repr(C, align(8))]
pub(crate) struct Object<T> {
    home: Arc<Cache<T>>,
    refcount: Refcount,
    value: T,
}

impl<T> Object<T> {
    /// The words behind the value, 0 in the beginning.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[Atomic<u64>] {
        let behind = core::ptr::from_ref(self).wrapping_add(1).cast();
        // SAFETY: By the type invariant the words are there, aligned as an object is, and as long as
        // it is. Nobody accesses them but atomically.
        unsafe { core::slice::from_raw_parts(behind, self.home.words) }
    }

    /// How many references there are to the object. Those who have one may make more at any time.
    pub(crate) fn references(&self) -> usize {
        self.refcount.as_atomic().load(Relaxed).unsigned_abs() as usize
    }

    /// The bytes that the object takes, with its words.
    pub(crate) fn size(&self) -> usize {
        Cache::<T>::size_with(self.home.words)
    }
}

impl<T> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

// SAFETY: Objects are only made by `Vacant::fill`, behind a `Ref`, with the count at one. The count
// is `refcount_t`, and the object is freed when it falls to zero and at no other time.
unsafe impl<T> AlwaysRefCounted for Object<T> {
    fn inc_ref(&self) {
        self.refcount.inc();
    }

    unsafe fn dec_ref(object: NonNull<Self>) {
        // SAFETY: The caller owns a reference, so the object is alive.
        if !unsafe { object.as_ref() }.refcount.dec_and_test() {
            return;
        }
        // SAFETY: That was the last reference, so that nobody else can get at the object. `home` is
        // read out of it before it goes, and keeps the pool alive until its memory is back there.
        unsafe {
            let home = core::ptr::read(&(*object.as_ptr()).home);
            core::ptr::drop_in_place(addr_of_mut!((*object.as_ptr()).value));
            home.len.fetch_sub(1, Relaxed);
            bindings::mempool_free(object.as_ptr().cast(), home.reserve.as_ptr());
        }
    }
}
