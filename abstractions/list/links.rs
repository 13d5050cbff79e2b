// SPDX-License-Identifier: GPL-2.0

//! The part of an object by which it is in a list.

use crate::abstractions::slab::Object;
use core::{cell::UnsafeCell, ptr::NonNull};
use kernel::sync::atomic::Atomic;

/// The links of an object in a [`List`](super::List).
///
/// # Invariants
///
/// - `list` is the `id` of the list that the object is in, or 0. It is changed from 0 to an `id`,
///   and back, only with the `&mut List` of that list.
/// - `prev` and `next` are read only with a `&List` of the list whose `id` is in `list`, and
///   written only with its `&mut List`.
pub(crate) struct ListLinks<T> {
    pub(super) list: Atomic<u64>,
    pub(super) prev: UnsafeCell<Option<NonNull<Object<T>>>>,
    pub(super) next: UnsafeCell<Option<NonNull<Object<T>>>>,
}

// SAFETY: `list` is atomic. By the type invariant the pointers are accessed with a borrow of the
// list only, so that no write is concurrent to another access.
unsafe impl<T: Send + Sync> Send for ListLinks<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for ListLinks<T> {}

impl<T> ListLinks<T> {
    /// Creates the links of an object that is in no list.
    pub(crate) const fn new() -> Self {
        Self {
            list: Atomic::new(0),
            prev: UnsafeCell::new(None),
            next: UnsafeCell::new(None),
        }
    }
}

/// A type whose values can be in a [`List`](super::List).
/// [`impl_list_links!`](crate::impl_list_links) implements it.
///
/// # Safety
///
/// `links` returns a reference to a `ListLinks` that is a field of `self`, and to the same field at
/// each call.
pub(crate) unsafe trait HasListLinks<const ID: u8>: Sized {
    /// Returns the links of this value.
    fn links(&self) -> &ListLinks<Self>;
}

/// Implements `HasListLinks`: names the field that holds a type's `ListLinks`.
///
/// The arguments are the type, the `ID` of the kind of list, and the field. A type that can be in
/// lists of several kinds at once has one field for each `ID`. A generic type's parameters and
/// their bounds come first, in `impl{}`.
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
        // SAFETY: `links` returns the field `$field` of `self` at each call. `offset_of!` accepts a
        // field of the type itself only, not one that is reached by `Deref`, and the type of the
        // pointer is that of a `ListLinks`, not of something that derefs to one.
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
