// SPDX-License-Identifier: GPL-2.0

//! An intrusive doubly linked list of [`slab`](super::slab) objects.
//!
//! The list owns a reference to each object in it. The list of the `kernel` crate
//! ([`kernel::list::List`]) holds `ListArc`s, which `kmalloc()` allocates. Its `remove()` is
//! unsafe, because the caller must know that the item is in no other list. Here each object stores
//! which list it is in. So `remove()` is safe and takes constant time: it does nothing to an object
//! that is in another list or in none.
//!
//! # Examples
//!
//! ```ignore
//! struct Job {
//!     in_queue: ListLinks<Job>,
//! }
//!
//! impl_list_links!(Job, 0, in_queue);
//!
//! let mut queue = List::<Job, 0>::new();
//! if queue.push_back(job.clone()).is_err() {
//!     pr_info!("the job is already in a queue\n");
//! }
//! let removed: Option<Ref<Job>> = queue.remove(&job);
//! ```

mod links;

pub(crate) use links::{HasListLinks, ListLinks};

use super::{
    read_once::load_relaxed,
    slab::{Object, Ref},
};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::sync::{
    aref::ARef,
    atomic::{Atomic, Full, Relaxed, Release},
};

/// A list of objects, linked by their [`ListLinks`] for `ID`.
///
/// If a list is leaked, its objects are never freed, and cannot be added to another list for the
/// same field.
///
/// # Invariants
///
/// - `id` is different from that of all other lists; or 0, if nothing has been in the list yet.
/// - The objects from `first` by `next` to `last`, and back by `prev`, are those whose `list` is
///   `id`. There are `len` of them. The list owns one reference to each.
/// - No object has a pointer to this value, which may be moved.
///
/// If two `ID`s of a type have the same field, an object can be in only one list of the two kinds
/// at a time, because `list` is part of the field.
pub(crate) struct List<T: HasListLinks<ID>, const ID: u8> {
    id: u64,
    first: Option<NonNull<Object<T>>>,
    last: Option<NonNull<Object<T>>>,
    len: usize,
    _owns: PhantomData<Ref<T>>,
}

// SAFETY: A list owns `Ref`s, and an `Object<T>` may be sent if `T` is `Send + Sync`.
unsafe impl<T: HasListLinks<ID> + Send + Sync, const ID: u8> Send for List<T, ID> {}
// SAFETY: A `&List` gives access to `&Object<T>` only.
unsafe impl<T: HasListLinks<ID> + Send + Sync, const ID: u8> Sync for List<T, ID> {}

static NEXT_ID: Atomic<u64> = Atomic::new(1);

impl<T: HasListLinks<ID>, const ID: u8> List<T, ID> {
    /// Creates an empty list.
    pub(crate) const fn new() -> Self {
        Self {
            id: 0,
            first: None,
            last: None,
            len: 0,
            _owns: PhantomData,
        }
    }

    /// Returns the number of objects in the list.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the first object.
    pub(crate) fn first(&self) -> Option<&Object<T>> {
        // SAFETY: By the type invariant the list owns a reference to the object. It does not drop
        // it while it is borrowed.
        self.first.map(|object| unsafe { object.as_ref() })
    }

    /// Returns the last object.
    pub(crate) fn last(&self) -> Option<&Object<T>> {
        // SAFETY: As in `first`.
        self.last.map(|object| unsafe { object.as_ref() })
    }

    /// Returns whether `object` is in this list.
    pub(crate) fn contains(&self, object: &Object<T>) -> bool {
        self.id != 0 && load_relaxed(&object.links().list) == self.id
    }

    /// Returns the object after `object`; `None` if `object` is the last one or not in this list.
    pub(crate) fn next(&self, object: &Object<T>) -> Option<&Object<T>> {
        if !self.contains(object) {
            return None;
        }
        // SAFETY: The object is in this list, which is borrowed, so that its links may be read. By
        // the type invariant they point to objects in the list, to which the list owns references.
        unsafe { (*object.links().next.get()).map(|next| next.as_ref()) }
    }

    /// Returns the object before `object`; `None` if `object` is the first one or not in this list.
    pub(crate) fn prev(&self, object: &Object<T>) -> Option<&Object<T>> {
        if !self.contains(object) {
            return None;
        }
        // SAFETY: As in `next`.
        unsafe { (*object.links().prev.get()).map(|prev| prev.as_ref()) }
    }

    /// Iterates over `object` and all objects after it; over nothing if `object` is `None` or not
    /// in this list.
    pub(crate) fn iter_from<'a>(
        &'a self,
        object: Option<&'a Object<T>>,
    ) -> impl Iterator<Item = &'a Object<T>> {
        let first = object.filter(|object| self.contains(object));
        core::iter::successors(first, |object| {
            // SAFETY: As in `next`. `first` is in this list, so that all objects after it are, and
            // the list is borrowed until the end of the iteration.
            unsafe { (*object.links().next.get()).map(|next| next.as_ref()) }
        })
    }

    /// Iterates over all objects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Object<T>> {
        self.iter_from(self.first())
    }

    /// Adds `object` after the last one. Returns it as the error if it is already in a list.
    pub(crate) fn push_back(&mut self, object: Ref<T>) -> Result<(), Ref<T>> {
        self.insert(object, self.last, None)
    }

    /// Adds `object` before the first one. Returns it as the error if it is already in a list.
    pub(crate) fn push_front(&mut self, object: Ref<T>) -> Result<(), Ref<T>> {
        self.insert(object, None, self.first)
    }

    /// Adds `object` between `prev` and `next`, which are adjacent in this list. If `prev` is
    /// `None`, `next` is the first object; if `next` is `None`, `prev` is the last one.
    fn insert(
        &mut self,
        object: Ref<T>,
        prev: Option<NonNull<Object<T>>>,
        next: Option<NonNull<Object<T>>>,
    ) -> Result<(), Ref<T>> {
        if self.id == 0 {
            self.id = NEXT_ID.fetch_add(1, Relaxed);
        }
        if object.links().list.cmpxchg(0, self.id, Full).is_err() {
            return Err(object);
        }
        let object = ARef::into_raw(object);
        // INVARIANT: The list takes over the reference to the object.
        // SAFETY: The object is in this list by its `list` now, and its neighbours are. The list is
        // borrowed mutably, so that their links may be written.
        unsafe {
            let links = object.as_ref().links();
            *links.prev.get() = prev;
            *links.next.get() = next;
            match prev {
                Some(prev) => *prev.as_ref().links().next.get() = Some(object),
                None => self.first = Some(object),
            }
            match next {
                Some(next) => *next.as_ref().links().prev.get() = Some(object),
                None => self.last = Some(object),
            }
        }
        self.len += 1;
        Ok(())
    }

    /// Removes `object` and returns the list's reference to it; `None` if it is not in this list.
    pub(crate) fn remove(&mut self, object: &Object<T>) -> Option<Ref<T>> {
        if !self.contains(object) {
            return None;
        }
        // SAFETY: The object is in this list.
        Some(unsafe { self.unlink(object) })
    }

    /// Removes the first object and returns the list's reference to it; `None` if the list is
    /// empty.
    pub(crate) fn pop_front(&mut self) -> Option<Ref<T>> {
        let first = self.first?;
        // SAFETY: By the type invariant the object is in this list, which owns a reference to it.
        Some(unsafe { self.unlink(first.as_ref()) })
    }

    /// Removes `object` and returns the list's reference to it.
    ///
    /// # Safety
    ///
    /// The object is in this list.
    unsafe fn unlink(&mut self, object: &Object<T>) -> Ref<T> {
        let links = object.links();
        // SAFETY: The object and its neighbours are in this list, which is borrowed mutably, so
        // that their links may be written.
        unsafe {
            let (prev, next) = (*links.prev.get(), *links.next.get());
            match prev {
                Some(prev) => *prev.as_ref().links().next.get() = next,
                None => self.first = next,
            }
            match next {
                Some(next) => *next.as_ref().links().prev.get() = prev,
                None => self.last = prev,
            }
        }
        self.len -= 1;
        links.list.store(0, Release);
        // SAFETY: By the type invariant the list owned a reference to the object, which is passed
        // on.
        unsafe { ARef::from_raw(NonNull::from(object)) }
    }
}

impl<T: HasListLinks<ID>, const ID: u8> Drop for List<T, ID> {
    fn drop(&mut self) {
        while self.pop_front().is_some() {}
    }
}
