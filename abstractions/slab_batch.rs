// SPDX-License-Identifier: GPL-2.0

//! Letting go of many objects of a [slab cache](super::slab), whose memory goes back together: the slab
//! allocator takes several at once for a third of what each by itself costs.

use super::{slab::Home, slab_object::Last};
use kernel::{
    bindings,
    prelude::*,
    sync::{aref::ARef, atomic::Release},
};

/// How much memory goes back at once. The places are on the stack of whoever reclaims memory, which is
/// deep already.
const SIZE: usize = 16;

/// Memory of objects that have gone, on its way back. The rest goes when this is dropped; leaked, it
/// stays, as does its home. Not `Send`, owned by who fills it.
///
/// # Invariants
///
/// The first `len` places are memory from `home` that nothing else refers to, which has `len` users for
/// them, of which `home` is one; it is none where `len` is 0.
pub(crate) struct Batch<T> {
    home: Option<ARef<Home<T>>>,
    places: [*mut c_void; SIZE],
    len: usize,
    /// How many objects' memory went back to the slab.
    returned: usize,
}

impl<T> Batch<T> {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self {
            home: None,
            places: [core::ptr::null_mut(); SIZE],
            len: 0,
            returned: 0,
        }
    }

    /// Gives back all. Returns how many objects' memory the slab has got back since the batch was new,
    /// which is all but what went to the reserve.
    pub(crate) fn finish(&mut self) -> usize {
        self.flush();
        self.returned
    }

    /// Takes the memory of `object`, whose value is dropped. May be called with no lock held that
    /// freeing memory takes.
    pub(crate) fn free(&mut self, object: Last<T>) {
        let (object, home) = object.into_memory();
        let is_stranger = |own: &ARef<Home<T>>| !core::ptr::eq(&raw const **own, &raw const *home);
        if self.len == SIZE || self.home.as_ref().is_some_and(is_stranger) {
            self.flush();
        }
        if let Some(place) = self.places.get_mut(self.len) {
            *place = object.as_ptr().cast();
            // INVARIANT: Nothing is left of the object but its memory, which came from there.
            self.len += 1;
            match self.home {
                // The user is counted still.
                Some(_) => core::mem::forget(home),
                None => self.home = Some(home),
            }
        }
    }

    /// Gives the memory back, to the reserve first.
    fn flush(&mut self) {
        let Some(home) = self.home.take() else {
            return;
        };
        // SAFETY: By the type invariant this much memory is ours to give back, and came from there.
        // What the reserve takes, it takes from the beginning.
        let returned = unsafe {
            let places = self.places.as_mut_ptr();
            let len = self.len as u32;
            let kept = bindings::mempool_free_bulk(home.reserve.as_ptr(), places, len) as usize;
            let (cache, rest) = (home.cache.as_ptr(), self.len - kept);
            bindings::kmem_cache_free_bulk(cache, rest, places.add(kept));
            rest
        };
        // INVARIANT: All users but `home`, which is dropped, are discounted. There is one at least.
        let others = self.len as i32 - 1;
        home.users.as_atomic().fetch_sub(others, Release);
        self.len = 0;
        self.returned += returned;
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        self.flush();
    }
}
