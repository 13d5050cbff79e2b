// SPDX-License-Identifier: GPL-2.0

//! An intrusive doubly linked list of [`slab`](super::slab) objects.
//!
//! The list owns a reference to each object in it. Taking an object out is O(1) and safe for any
//! object whatever: each remembers the list that it is in, so one that is elsewhere, or nowhere, is
//! left where it is. In the manner of `rust/kernel/list.rs`, whose lists hold [`Arc`]s only.
//!
//! [`Arc`]: kernel::sync::Arc

use super::{
    once::peek,
    slab::{Object, Ref},
};
use core::{cell::UnsafeCell, marker::PhantomData, ptr::NonNull};
use kernel::sync::{
    aref::ARef,
    atomic::{Atomic, Full, Relaxed},
};

/// An object's place in a [`List`].
///
/// # Invariants
///
/// `list` is the number of the list that the object is in, or 0; it changes from 0 by one who holds that
/// list's `&mut List`, and back to 0 likewise. `prev` and `next` are accessed only by one who holds that
/// list's `&List` (to read) or `&mut List` (to write).
pub(crate) struct ListLinks<T> {
    list: Atomic<u64>,
    prev: UnsafeCell<Option<NonNull<Object<T>>>>,
    next: UnsafeCell<Option<NonNull<Object<T>>>>,
}

// SAFETY: `list` is atomic, and access to the pointers is ruled by the borrow of the list that the
// object is in (see the invariants).
unsafe impl<T: Send + Sync> Send for ListLinks<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for ListLinks<T> {}

impl<T> ListLinks<T> {
    /// A place in no list.
    pub(crate) const fn new() -> Self {
        Self {
            list: Atomic::new(0),
            prev: UnsafeCell::new(None),
            next: UnsafeCell::new(None),
        }
    }
}

/// A type whose values can be in a [`List`]; implemented by [`impl_list_links`](super::impl_list_links).
///
/// # Safety
///
/// `links` returns a reference to the same field of `self` each time, a `ListLinks` that lies in `self`, so
/// that it is there as long as the object.
pub(crate) unsafe trait HasListLinks<const ID: u8>: Sized {
    /// This value's place in a list.
    fn links(&self) -> &ListLinks<Self>;
}

/// Implements [`HasListLinks`](super::list::HasListLinks): names the field that holds a type's
/// [`ListLinks`](super::list::ListLinks).
///
/// The arguments are the type, the `ID` of the kind of list, and the field. A type that can be in lists
/// of several kinds at once has one field for each `ID`. A generic type's parameters and their bounds
/// come first, in `impl{}`.
///
/// # Examples
///
/// ```ignore
/// struct Job {
///     by_age: ListLinks<Job>,
/// }
///
/// impl_list_links!(Job, 0, by_age);
///
/// struct Message<T> {
///     in_queue: ListLinks<Message<T>>,
///     content: T,
/// }
///
/// impl_list_links!(impl{T: Send} Message<T>, 0, in_queue);
/// ```
#[macro_export]
macro_rules! impl_list_links {
    (impl{$($generics:tt)*} $type:ty, $id:expr, $field:ident) => {
        #[allow(unsafe_code)]
        // SAFETY: `links` returns the field `$field` of `self` at each call. `offset_of!` accepts a field
        // of the type itself only, not one that is reached by `Deref`, and the type of the pointer is
        // that of a `ListLinks`, not of something that derefs to one.
        unsafe impl<$($generics)*> $crate::abstractions::list::HasListLinks<{ $id }> for $type {
            fn links(&self) -> &$crate::abstractions::list::ListLinks<Self> {
                let _ = core::mem::offset_of!(Self, $field);
                let _: *const $crate::abstractions::list::ListLinks<Self> = &raw const self.$field;
                &self.$field
            }
        }
    };
    ($type:ty, $id:expr, $field:ident) => {
        $crate::impl_list_links! { impl{} $type, $id, $field }
    };
}

/// A list of objects, linked by their [`ListLinks`] for `ID`.
///
/// # Invariants
///
/// - `id` is this list's number, shared with no other, or 0 as long as nothing has been in it. The
///   objects from `first` by `next` to `last` are those whose `list` is `id`; `prev` leads back. The
///   list owns one reference to each.
/// - Nothing refers to this value, which may be moved. Leaked, it keeps its objects, which then are in no
///   other list either.
/// - Two lists for two `ID`s that share a field share its `list` too, so that an object is in one of them.
pub(crate) struct List<T: HasListLinks<ID>, const ID: u8> {
    id: u64,
    first: Option<NonNull<Object<T>>>,
    last: Option<NonNull<Object<T>>>,
    len: usize,
    _owns: PhantomData<Ref<T>>,
}

// SAFETY: A list is a set of `Ref`s.
unsafe impl<T: HasListLinks<ID> + Send + Sync, const ID: u8> Send for List<T, ID> {}
// SAFETY: A `&List` gives out `&Object<T>` only.
unsafe impl<T: HasListLinks<ID> + Send + Sync, const ID: u8> Sync for List<T, ID> {}

static NEXT_ID: Atomic<u64> = Atomic::new(1);

impl<T: HasListLinks<ID>, const ID: u8> List<T, ID> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        Self {
            id: 0,
            first: None,
            last: None,
            len: 0,
            _owns: PhantomData,
        }
    }

    /// How many objects are in the list.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first object.
    pub(crate) fn first(&self) -> Option<&Object<T>> {
        // SAFETY: By the type invariant the list owns a reference to the object, which it keeps
        // while it is borrowed.
        self.first.map(|object| unsafe { object.as_ref() })
    }

    /// The last object.
    pub(crate) fn last(&self) -> Option<&Object<T>> {
        // SAFETY: As in `first`.
        self.last.map(|object| unsafe { object.as_ref() })
    }

    /// Whether `object` is in this very list.
    pub(crate) fn contains(&self, object: &Object<T>) -> bool {
        self.id != 0 && peek(&object.links().list) == self.id
    }

    /// The object after `object`; `None` behind the last one, and where `object` is not in here.
    pub(crate) fn next(&self, object: &Object<T>) -> Option<&Object<T>> {
        if !self.contains(object) {
            return None;
        }
        // SAFETY: The object is in this list, which is borrowed, so its links may be read and what
        // they name is alive.
        unsafe { (*object.links().next.get()).map(|next| next.as_ref()) }
    }

    /// The object before `object`; `None` before the first one, and where `object` is not in here.
    pub(crate) fn prev(&self, object: &Object<T>) -> Option<&Object<T>> {
        if !self.contains(object) {
            return None;
        }
        // SAFETY: As in `next`.
        unsafe { (*object.links().prev.get()).map(|prev| prev.as_ref()) }
    }

    /// The objects from `object` on; none where `object` is not in here.
    pub(crate) fn iter_from<'a>(
        &'a self,
        object: Option<&'a Object<T>>,
    ) -> impl Iterator<Item = &'a Object<T>> {
        let first = object.filter(|object| self.contains(object));
        core::iter::successors(first, |object| {
            // SAFETY: As in `next`: it started in this list, and nothing has left it since.
            unsafe { (*object.links().next.get()).map(|next| next.as_ref()) }
        })
    }

    /// All objects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Object<T>> {
        self.iter_from(self.first())
    }

    /// Puts `object` behind the last one; gives it back where it is in a list already.
    pub(crate) fn push_back(&mut self, object: Ref<T>) -> Result<(), Ref<T>> {
        self.insert(object, self.last, None)
    }

    /// Puts `object` before the first one; gives it back where it is in a list already.
    pub(crate) fn push_front(&mut self, object: Ref<T>) -> Result<(), Ref<T>> {
        self.insert(object, None, self.first)
    }

    /// Puts `object` between two that are next to each other in this list; `None`: its ends.
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
        // SAFETY: We own a reference to the object, and it has just been made this list's, which is
        // borrowed mutably, so its links may be written. The same is true of its neighbours.
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

    /// Takes `object` out, where it is in this list.
    pub(crate) fn remove(&mut self, object: &Object<T>) -> Option<Ref<T>> {
        if !self.contains(object) {
            return None;
        }
        // SAFETY: It is in this list.
        Some(unsafe { self.unlink(object) })
    }

    /// Takes the first object out.
    pub(crate) fn pop_front(&mut self) -> Option<Ref<T>> {
        let first = self.first?;
        // SAFETY: By the type invariant it is in this list, which owns a reference to it.
        Some(unsafe { self.unlink(first.as_ref()) })
    }

    /// Takes `object` out.
    ///
    /// # Safety
    ///
    /// It is in this list.
    unsafe fn unlink(&mut self, object: &Object<T>) -> Ref<T> {
        let links = object.links();
        // SAFETY: The object and its neighbours are in this list, which is borrowed mutably, so
        // their links may be written.
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
        links.list.store(0, kernel::sync::atomic::Release);
        // SAFETY: The list owned a reference to the object, and does no longer.
        unsafe { ARef::from_raw(NonNull::from(object)) }
    }
}

impl<T: HasListLinks<ID>, const ID: u8> Drop for List<T, ID> {
    fn drop(&mut self) {
        while self.pop_front().is_some() {}
    }
}
