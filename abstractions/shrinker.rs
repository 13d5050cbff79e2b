// SPDX-License-Identifier: GPL-2.0

//! Shrinkers, through which the kernel reclaims memory from caches.
//!
//! The `kernel` crate has no shrinkers; `drivers/android/binder/page_range.rs` calls the C
//! functions itself.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h).
//!
//! # Examples
//!
//! ```ignore
//! impl Shrink for NameCache {
//!     fn count(&self) -> usize {
//!         self.lock().len()
//!     }
//!
//!     fn scan(&self, objects: usize) -> Option<usize> {
//!         let freed = self.lock().free_oldest(objects);
//!         (freed != 0).then_some(freed)
//!     }
//! }
//!
//! let shrinker = Shrinker::register(c"name-cache", cache.clone())?;
//! ```

use core::ptr::NonNull;
use kernel::{bindings, prelude::*, str::CStr, sync::Arc};

/// What the kernel calls through a [`Shrinker`].
///
/// `'static`, because the kernel continues to call a shrinker that is leaked.
///
/// Both methods are called from reclaim. Any allocation that may sleep can enter reclaim, with the
/// locks that its caller holds. So they must not allocate memory, nor wait for a task that may be
/// allocating memory.
pub(crate) trait Shrink: Send + Sync + 'static {
    /// Returns how many objects could be freed.
    fn count(&self) -> usize;

    /// Frees up to `objects` objects. Returns how many were freed; `None` if none can be freed.
    fn scan(&self, objects: usize) -> Option<usize>;
}

/// A registered shrinker. Dropping it waits until no call is in progress; it may sleep.
///
/// # Invariants
///
/// - `shrinker` is registered. Its `private_data` points to the content of `_data`, and it has no
///   pointer to this value, which may be moved.
/// - `_data` is dropped after `shrinker_free()` has waited for the last call, also if that came
///   through debugfs. It is never dropped if this value is leaked.
pub(crate) struct Shrinker<T: Shrink> {
    shrinker: NonNull<bindings::shrinker>,
    _data: Arc<T>,
}

// SAFETY: A shrinker may be freed in any thread, and `T` is `Send + Sync`.
unsafe impl<T: Shrink> Send for Shrinker<T> {}
// SAFETY: As above; a `&Shrinker` gives access to nothing.
unsafe impl<T: Shrink> Sync for Shrinker<T> {}

impl<T: Shrink> Shrinker<T> {
    /// Registers a shrinker for `data`. `/sys/kernel/debug/shrinker` shows it as `name`.
    ///
    /// May sleep. Fails with `ENOMEM`.
    pub(crate) fn register(name: &CStr, data: Arc<T>) -> Result<Self> {
        // SAFETY: The format takes one string, which is copied.
        let shrinker =
            unsafe { bindings::shrinker_alloc(0, c"%s".as_char_ptr(), name.as_char_ptr()) };
        let shrinker = NonNull::new(shrinker).ok_or(ENOMEM)?;
        // SAFETY: Nothing else refers to the shrinker until it is registered. Its callbacks get the
        // content of `data`, which by the type invariant is alive until `shrinker_free()` has
        // returned.
        unsafe {
            let raw = shrinker.as_ptr();
            (*raw).count_objects = Some(Self::count_objects);
            (*raw).scan_objects = Some(Self::scan_objects);
            (*raw).seeks = bindings::DEFAULT_SEEKS as c_int;
            (*raw).private_data = Arc::as_ptr(&data).cast_mut().cast();
            bindings::shrinker_register(raw);
        }
        // INVARIANT: The shrinker was registered above, with the content of `data`.
        Ok(Self {
            shrinker,
            _data: data,
        })
    }

    /// # Safety
    ///
    /// Only for the kernel to call, for a shrinker created by [`register`](Self::register).
    unsafe extern "C" fn count_objects(
        shrinker: *mut bindings::shrinker,
        _control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: By the invariants of `Shrinker`, `private_data` points to a live `T`.
        let data = unsafe { &*(*shrinker).private_data.cast::<T>() };
        data.count()
    }

    /// # Safety
    ///
    /// As for [`count_objects`](Self::count_objects).
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
        // `SHRINK_STOP` of C.
        data.scan(objects).unwrap_or(c_ulong::MAX)
    }
}

impl<T: Shrink> Drop for Shrinker<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the shrinker is registered. Only this call frees it.
        unsafe { bindings::shrinker_free(self.shrinker.as_ptr()) };
    }
}
