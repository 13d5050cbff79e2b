// SPDX-License-Identifier: GPL-2.0

//! The objects in a slab cache: reference-counted, with 64-bit words after them.
//!
//! # Provenance
//!
//! A `&Object<T>` allows access to the object's own fields, and to nothing after them. A pointer
//! that was made from it may be used to read `value`, but not to drop it. Two operations need more:
//! [`Object::words`], and the drop of an object. Both get their pointer from [`whole`], with the
//! provenance of the pointer that the slab allocator returned, which covers all of the memory.
//! [`UninitObject::init`] exposes that provenance, and [`core::ptr::with_exposed_provenance_mut`]
//! uses it. This takes no field in the object and no instruction.

use super::inner::CacheInner;
use crate::abstractions::{barrier::smp_rmb, read_once::load_relaxed};
use core::{
    convert::Infallible,
    mem::{size_of, ManuallyDrop},
    ops::Deref,
    ptr::{addr_of_mut, with_exposed_provenance_mut, NonNull},
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        aref::{ARef, AlwaysRefCounted},
        atomic::{Atomic, Relaxed},
        Refcount,
    },
};

/// A reference to an object in a [`Cache`](super::Cache). Dropping the last one frees the object.
pub(crate) type Ref<T> = ARef<Object<T>>;

/// Returns a pointer to `object` with the provenance of its whole memory, including the words after
/// it.
///
/// An access through the pointer must not conflict with a reference to a part of the memory.
#[inline(always)]
fn whole<T>(object: *const Object<T>) -> *mut Object<T> {
    with_exposed_provenance_mut(object.addr())
}

/// Memory for one object that is not initialised.
///
/// Dropping it frees the memory. If it is leaked, the memory stays allocated, and so does the slab
/// cache.
///
/// # Invariants
///
/// `memory` was allocated from `inner` and has the provenance that the allocator gave it. Nothing
/// else refers to it.
pub(crate) struct UninitObject<T> {
    memory: NonNull<Object<T>>,
    inner: ARef<CacheInner<T>>,
}

// SAFETY: By the type invariant nothing else refers to the memory, and there is no `T` in it.
unsafe impl<T> Send for UninitObject<T> {}

impl<T> UninitObject<T> {
    /// Takes over `memory`; returns `None` if that is null.
    ///
    /// # Safety
    ///
    /// `memory` is null, or was allocated from `inner`, and nothing else refers to it.
    pub(super) unsafe fn new(inner: &ARef<CacheInner<T>>, memory: *mut c_void) -> Option<Self> {
        // CAST: The size and the alignment of the cache's objects are those of `Object<T>`, by the
        // invariants of `CacheInner`.
        let memory = NonNull::new(memory.cast())?;
        // INVARIANT: By the safety requirement.
        Some(Self {
            memory,
            inner: inner.clone(),
        })
    }

    /// Returns the number of words that will follow the object.
    pub(crate) fn words(&self) -> usize {
        self.inner.words
    }

    /// Initialises the object in place, and sets its words to 0. Returns the only reference to it.
    pub(crate) fn init(self, value: impl Init<T, Infallible>) -> Ref<T> {
        let uninit = ManuallyDrop::new(self);
        let object = uninit.memory.as_ptr();
        uninit.inner.objects.fetch_add(1, Relaxed);
        // `whole` uses this provenance.
        object.expose_provenance();
        // SAFETY: By the type invariant nothing else refers to the memory. By the invariants of
        // `CacheInner` there are that many words after the object.
        unsafe {
            object
                .add(1)
                .cast::<u64>()
                .write_bytes(0, uninit.inner.words)
        };
        // SAFETY: By the type invariant nothing else refers to the memory, which is as large as an
        // object. `uninit` is neither dropped nor used again, so that its `inner` may be moved out
        // of it. The initialiser cannot fail, so that each field is written.
        unsafe {
            addr_of_mut!((*object).refcount).write(Refcount::new(1));
            addr_of_mut!((*object).inner).write(core::ptr::read(&uninit.inner));
            match value.__init(addr_of_mut!((*object).value)) {
                Ok(()) => {}
                Err(never) => match never {},
            }
            ARef::from_raw(uninit.memory)
        }
    }
}

impl<T> Drop for UninitObject<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the memory was allocated from `inner`, and nothing else
        // refers to it.
        unsafe { bindings::mempool_free(self.memory.as_ptr().cast(), self.inner.reserve.as_ptr()) };
    }
}

/// A value in a [`Cache`](super::Cache), with its reference count.
///
/// It is never owned by value nor borrowed mutably. So it does not move, and `value` is not
/// replaced, as long as there is a [`Ref`] to it. If a `Ref` is leaked, the object is never freed,
/// nor is the slab cache.
///
/// # Invariants
///
/// - After the object there are `inner.words` words, which are initialised and accessed atomically
///   only.
/// - The provenance of the memory of the object and of its words has been exposed.
/// - `inner` is one of the references that `CacheInner` counts.
#[repr(C, align(8))]
pub(crate) struct Object<T> {
    inner: ARef<CacheInner<T>>,
    refcount: Refcount,
    value: T,
}

impl<T> Object<T> {
    /// Returns the size of an object with `words` words after it, in bytes.
    pub(crate) const fn size_with(words: usize) -> usize {
        size_of::<Self>() + words * size_of::<u64>()
    }

    /// Returns the words after the object, which are 0 in a new object.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[Atomic<u64>] {
        // SAFETY: By the type invariant the words are there for as long as the object, and are
        // accessed atomically only. They are aligned, because the object's size is a multiple of 8.
        // The pointer may reach them, because the provenance of all of the memory was exposed, and
        // the reference `self` does not cover them.
        unsafe {
            let after = whole(self).add(1).cast();
            core::slice::from_raw_parts(after, self.inner.words)
        }
    }

    /// Returns the number of references to the object. It can change at any time if others than the
    /// caller have references.
    pub(crate) fn references(&self) -> usize {
        load_relaxed(self.refcount.as_atomic()).unsigned_abs() as usize
    }
}

impl<T> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

// SAFETY: Only `UninitObject::init` creates objects, with a count of 1 for the `Ref` that it
// returns. The object is freed when the count becomes 0 and at no other time.
unsafe impl<T> AlwaysRefCounted for Object<T> {
    fn inc_ref(&self) {
        self.refcount.inc();
    }

    unsafe fn dec_ref(object: NonNull<Self>) {
        // SAFETY: The caller owns a reference, so that the object is alive.
        if unsafe { object.as_ref() }.refcount.dec_and_test() {
            // INVARIANT: That was the last reference.
            drop(UniqueRef(object));
        }
    }
}

/// The only reference to an object, like `UniqueArc` of the `kernel` crate.
///
/// Dropping it frees the object.
///
/// # Invariants
///
/// The object is alive, and nothing else refers to it.
pub(crate) struct UniqueRef<T>(NonNull<Object<T>>);

impl<T> UniqueRef<T> {
    /// Turns `object` into a unique reference if it is the only one; returns it as the error
    /// otherwise.
    pub(crate) fn new(object: Ref<T>) -> Result<Self, Ref<T>> {
        if object.references() != 1 {
            return Err(object);
        }
        // Pairs with the release in `dec_and_test()`: other threads had finished their accesses to
        // the object when they dropped their references.
        smp_rmb();
        // INVARIANT: `object` is the only reference, and only an owner of one can make more.
        Ok(Self(ARef::into_raw(object)))
    }

    /// Drops the value. Returns the memory, and the cache from which it was allocated.
    pub(super) fn into_memory(self) -> (NonNull<Object<T>>, ARef<CacheInner<T>>) {
        // `whole` is needed: the pointer may have been made from a `&Object`, and `value` must not
        // be dropped through such a pointer.
        let object = whole(ManuallyDrop::new(self).0.as_ptr());
        // SAFETY: By the type invariant the object is alive and nothing else refers to it. `inner`
        // is moved out of it, and the object is not used afterwards.
        let (object, inner) = unsafe {
            let inner = core::ptr::read(&(*object).inner);
            core::ptr::drop_in_place(addr_of_mut!((*object).value));
            (NonNull::new_unchecked(object), inner)
        };
        inner.objects.fetch_sub(1, Relaxed);
        (object, inner)
    }
}

impl<T> Drop for UniqueRef<T> {
    fn drop(&mut self) {
        // INVARIANT: `self` is not used afterwards, so that the copy is the only reference.
        let (memory, inner) = UniqueRef(self.0).into_memory();
        // SAFETY: The value was dropped, so that nothing refers to the memory. It was allocated
        // from `inner`.
        unsafe { bindings::mempool_free(memory.as_ptr().cast(), inner.reserve.as_ptr()) };
    }
}
