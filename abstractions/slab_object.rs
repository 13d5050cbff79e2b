// SPDX-License-Identifier: GPL-2.0

//! The objects in a [slab cache](super::slab): reference-counted, with words behind them.
//!
//! # Provenance
//!
//! A `&Object<T>` may be used to access the object's own fields, and nothing behind them; and whatever
//! pointer was made from one may read `value` but not drop it. Two things need more: [`Object::words`]
//! and the end of an object. Both make their pointer by [`whole`] from the one that the slab allocator
//! returned, whose provenance is all of the memory: [`Vacant::fill`] exposes it, and
//! [`core::ptr::with_exposed_provenance_mut`] takes it up again. An object keeps no pointer for that,
//! and no instruction is needed.

use super::{once::peek, seqlock, slab::Home};
use core::{
    convert::Infallible,
    mem::ManuallyDrop,
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

/// A reference to an object in a [`Cache`](super::slab::Cache); the last one to go returns the object
/// to it.
pub(crate) type Ref<T> = ARef<Object<T>>;

/// A pointer to `object` with the provenance of its whole memory, the words behind it included.
///
/// What may be done with it is what the memory's owners may do: whatever references there are to parts
/// of it still rule.
#[inline(always)]
fn whole<T>(object: *const Object<T>) -> *mut Object<T> {
    with_exposed_provenance_mut(object.addr())
}

/// Memory for one object that is not there yet.
///
/// Owned, so that it may be moved; leaked, it never goes back, and its `home` stays for it.
///
/// # Invariants
///
/// `memory` was taken from `home`, has its provenance from the allocator, and nothing else refers to it.
pub(crate) struct Vacant<T> {
    memory: NonNull<Object<T>>,
    home: ARef<Home<T>>,
}

// SAFETY: A `Vacant` is memory that nobody else refers to, and has no value in it.
unsafe impl<T> Send for Vacant<T> {}

impl<T> Vacant<T> {
    /// The memory, where it is not null.
    ///
    /// # Safety
    ///
    /// The caller just got `memory` from `home`.
    pub(super) unsafe fn new(home: &ARef<Home<T>>, memory: *mut c_void) -> Option<Self> {
        // CAST: The cache was made for objects of this size and alignment.
        let memory = NonNull::new(memory.cast())?;
        // INVARIANT: By the safety requirement.
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
        vacant.home.objects.fetch_add(1, Relaxed);
        // For `whole`.
        object.expose_provenance();
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

/// A value in a [`Cache`](super::slab::Cache), with its reference count.
///
/// Never owned by value nor borrowed mutably, so that it is not moved, and `value` not replaced, as long
/// as there is a [`Ref`] to it. Leaking a `Ref` keeps the object, and through `home` the cache.
///
/// # Invariants
///
/// Behind it lie as many words as its `home` says, initialised and accessed only atomically. The
/// provenance of the memory of both has been exposed. `home` counts the object among its users.
#[repr(C, align(8))]
pub(crate) struct Object<T> {
    home: ARef<Home<T>>,
    refcount: Refcount,
    value: T,
}

impl<T> Object<T> {
    /// The words behind the value, 0 in the beginning.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[Atomic<u64>] {
        // SAFETY: By the type invariant the words are there, aligned as an object is, for as long as
        // it is, and nobody accesses them but atomically. `whole` may reach them, as the provenance of
        // all of the memory was exposed, and the reference that is `self` does not cover them.
        unsafe {
            let behind = whole(self).add(1).cast();
            core::slice::from_raw_parts(behind, self.home.words)
        }
    }

    /// How many references there are to the object. Those who have one may make more at any time.
    pub(crate) fn references(&self) -> usize {
        peek(self.refcount.as_atomic()).unsigned_abs() as usize
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
        if unsafe { object.as_ref() }.refcount.dec_and_test() {
            // INVARIANT: That was the last reference.
            drop(Last(object));
        }
    }
}

/// An object to which there are no references any more. It goes when this is dropped; leaked, it stays.
///
/// Not `Send`: it goes in the thread that let go of it last.
///
/// # Invariants
///
/// The object is there, and nobody else can get at it.
pub(crate) struct Last<T>(NonNull<Object<T>>);

impl<T> Last<T> {
    /// Gives up a reference, where there are no others; else gives it back.
    pub(crate) fn of(object: Ref<T>) -> Result<Self, Ref<T>> {
        if object.references() != 1 {
            return Err(object);
        }
        // Whoever had another one was done with the object when he let go of it.
        seqlock::read_barrier();
        // INVARIANT: We have the only reference, and only who has one can make more.
        Ok(Self(ARef::into_raw(object)))
    }

    /// Drops the value. Returns the memory and where it is to go.
    pub(super) fn into_memory(self) -> (NonNull<Object<T>>, ARef<Home<T>>) {
        // A reference may have been made from a `&Object`, by which `value` must not be written.
        let object = whole(ManuallyDrop::new(self).0.as_ptr());
        // SAFETY: By the type invariant the object is there, and nobody else can get at it. `home` is
        // read out of it before it goes, and the object is used no more.
        let (object, home) = unsafe {
            let home = core::ptr::read(&(*object).home);
            core::ptr::drop_in_place(addr_of_mut!((*object).value));
            (NonNull::new_unchecked(object), home)
        };
        home.objects.fetch_sub(1, Relaxed);
        (object, home)
    }
}

impl<T> Drop for Last<T> {
    fn drop(&mut self) {
        // INVARIANT: The copy takes our place, as we are not used any more.
        let (object, home) = Last(self.0).into_memory();
        // SAFETY: Nothing is left of the object but its memory, which came from there.
        unsafe { bindings::mempool_free(object.as_ptr().cast(), home.reserve.as_ptr()) };
    }
}
