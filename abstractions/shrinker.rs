// SPDX-License-Identifier: GPL-2.0

//! Shrinkers: giving memory back when the kernel asks for it.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h).

use core::ptr::NonNull;
use kernel::{bindings, prelude::*, str::CStr, sync::Arc};

/// What a [`Shrinker`] asks. It borrows nothing, as a shrinker that is leaked is still called.
///
/// Both are called from reclaim, that is from any allocation that may sleep, with whatever locks
/// its caller holds: they must not allocate, nor wait for anything that might.
pub(crate) trait Shrink: Send + Sync + 'static {
    /// How many objects could be freed.
    fn count(&self) -> usize;

    /// Frees up to `objects`, and tells how many it freed; `None` where there is nothing to free.
    fn scan(&self, objects: usize) -> Option<usize>;
}

/// A registered shrinker. Dropping it waits until no call is under way.
///
/// # Invariants
///
/// - `shrinker` is registered, and its `private_data` is what `_data` holds; it does not refer to this
///   value, which may be moved.
/// - `_data` is let go of after `shrinker_free()` has waited for the last call, those by way of debugfs
///   included, and never where this is leaked.
pub(crate) struct Shrinker<T: Shrink> {
    shrinker: NonNull<bindings::shrinker>,
    _data: Arc<T>,
}

// SAFETY: A shrinker may be freed from any thread, and `T` is `Send + Sync`.
unsafe impl<T: Shrink> Send for Shrinker<T> {}
// SAFETY: As above.
unsafe impl<T: Shrink> Sync for Shrinker<T> {}

impl<T: Shrink> Shrinker<T> {
    /// Registers a shrinker, which /sys/kernel/debug/shrinker shows as `name`.
    ///
    /// May sleep. Fails with `ENOMEM`.
    pub(crate) fn register(name: &CStr, data: Arc<T>) -> Result<Self> {
        // SAFETY: The format takes one string, and the name is copied.
        let shrinker =
            unsafe { bindings::shrinker_alloc(0, c"%s".as_char_ptr(), name.as_char_ptr()) };
        let shrinker = NonNull::new(shrinker).ok_or(ENOMEM)?;
        // SAFETY: The shrinker is ours until it is registered. Its callbacks get `data`, which is
        // alive until `shrinker_free()` has returned.
        unsafe {
            let raw = shrinker.as_ptr();
            (*raw).count_objects = Some(Self::count_objects);
            (*raw).scan_objects = Some(Self::scan_objects);
            (*raw).seeks = bindings::DEFAULT_SEEKS as c_int;
            (*raw).private_data = Arc::as_ptr(&data).cast_mut().cast();
            bindings::shrinker_register(raw);
        }
        // INVARIANT: It has just been registered with `data`.
        Ok(Self {
            shrinker,
            _data: data,
        })
    }

    /// # Safety
    ///
    /// To be called by reclaim, for a shrinker made by `register`.
    unsafe extern "C" fn count_objects(
        shrinker: *mut bindings::shrinker,
        _control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: By the type invariant `private_data` is a live `T`.
        let data = unsafe { &*(*shrinker).private_data.cast::<T>() };
        data.count()
    }

    /// # Safety
    ///
    /// As for `count_objects`.
    unsafe extern "C" fn scan_objects(
        shrinker: *mut bindings::shrinker,
        control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: As in `count_objects`; `control` is valid for the call.
        let (data, objects) = unsafe {
            (
                &*(*shrinker).private_data.cast::<T>(),
                (*control).nr_to_scan,
            )
        };
        // SHRINK_STOP
        data.scan(objects).unwrap_or(c_ulong::MAX)
    }
}

impl<T: Shrink> Drop for Shrinker<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is registered, and freed only here.
        unsafe { bindings::shrinker_free(self.shrinker.as_ptr()) };
    }
}
