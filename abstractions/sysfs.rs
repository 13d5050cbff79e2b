// SPDX-License-Identifier: GPL-2.0

//! A file in `/sys/kernel`.
//!
//! The `kernel` crate has attributes of configfs, but none of sysfs.
//!
//! C headers: [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h),
//! [`include/linux/kobject.h`](srctree/include/linux/kobject.h).
//!
//! # Examples
//!
//! ```ignore
//! struct Level(Atomic<u32>);
//!
//! impl AttributeOperations for Level {
//!     fn show(&self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
//!         let mut text = Formatter::new(page);
//!         text.write_fmt(fmt!("{}\n", self.0.load(Relaxed))).map_err(|_| ENOSPC)?;
//!         Ok(text.bytes_written())
//!     }
//!
//!     fn store(_this: &Arc<Self>, _bytes: &[u8]) -> Result<usize> {
//!         Err(EPERM)
//!     }
//! }
//!
//! let file = Attribute::create(c"level", level, static_lock_class!())?;
//! ```

use super::compat;
use kernel::{
    bindings,
    error::{from_result, to_result},
    page::PAGE_SIZE,
    prelude::*,
    str::CStr,
    sync::{Arc, ArcBorrow, LockClassKey},
    types::Opaque,
};

/// What the reads and writes of an [`Attribute`] do.
///
/// Both methods are called in the task that reads or writes, and may sleep.
pub(crate) trait AttributeOperations: Send + Sync + 'static {
    /// Fills `page` from its beginning. Returns the number of bytes, at most `PAGE_SIZE - 1`. If it
    /// returns more, sysfs shows `PAGE_SIZE - 1` bytes and logs a complaint.
    fn show(&self, page: &mut [u8; PAGE_SIZE]) -> Result<usize>;

    /// Takes the bytes of one write, at most [`PAGE_SIZE`]. Returns how many were consumed.
    fn store(this: &Arc<Self>, bytes: &[u8]) -> Result<usize>;
}

/// A file in `/sys/kernel` with mode 0600. Dropping it removes the file and waits until no call is
/// in progress; it may sleep.
///
/// # Invariants
///
/// - The attribute in `file` is registered with `kernel_kobj`. sysfs refers to the content of the
///   box, which does not move when this value does.
/// - `data` in the box points to the content of `_data`. Each call holds a reference to it while it
///   runs.
/// - Both fields are dropped after `sysfs_remove_file_ns()` has waited for the last call, and never
///   if this value is leaked.
pub(crate) struct Attribute<T: AttributeOperations> {
    file: KBox<Opaque<Registered<T>>>,
    _data: Arc<T>,
}

/// What sysfs refers to. `attribute` is the first field, so a pointer to it is also a pointer to
/// the whole.
#[repr(C)]
struct Registered<T> {
    attribute: bindings::kobj_attribute,
    data: *const T,
}

// SAFETY: A file may be removed in any thread, and `T` is `Send + Sync`.
unsafe impl<T: AttributeOperations> Send for Attribute<T> {}
// SAFETY: As above; an `&Attribute` gives access to nothing.
unsafe impl<T: AttributeOperations> Sync for Attribute<T> {}

impl<T: AttributeOperations> Attribute<T> {
    /// Creates the file. `key` is the lockdep class that sysfs uses for calls in progress.
    ///
    /// May sleep. Fails with `EEXIST` or `ENOMEM`.
    pub(crate) fn create(
        name: &'static CStr,
        data: Arc<T>,
        key: Pin<&'static LockClassKey>,
    ) -> Result<Self> {
        let mut attribute: bindings::kobj_attribute = pin_init::zeroed();
        attribute.attr.name = name.as_char_ptr();
        attribute.attr.mode = 0o600;
        #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
        {
            attribute.attr.key = key.as_ptr();
        }
        #[cfg(not(CONFIG_DEBUG_LOCK_ALLOC))]
        let _ = key;
        compat::set_functions(&mut attribute, Self::show, Self::store);
        let registered = Registered {
            attribute,
            data: Arc::as_ptr(&data),
        };
        let file = KBox::new(Opaque::new(registered), GFP_KERNEL)?;
        // SAFETY: The attribute stays in its place on the heap until `drop` has removed it.
        // `kernel_kobj` exists from boot to shutdown.
        to_result(unsafe {
            bindings::sysfs_create_file_ns(
                bindings::kernel_kobj,
                core::ptr::addr_of!((*file.get()).attribute.attr),
                core::ptr::null(),
            )
        })?;
        // INVARIANT: The attribute was registered above.
        Ok(Self { file, _data: data })
    }

    /// Returns a reference to the data of an attribute.
    ///
    /// # Safety
    ///
    /// `attribute` is in the box of an `Attribute<T>` that is not dropped during the call.
    unsafe fn data(attribute: *mut bindings::kobj_attribute) -> Arc<T> {
        // CAST: `Registered` is `repr(C)`, with `attribute` as its first field.
        // SAFETY: By the type invariant, `data` points to the content of an `Arc` that is alive.
        unsafe { ArcBorrow::from_raw((*attribute.cast::<Registered<T>>()).data).into() }
    }

    /// # Safety
    ///
    /// Only for sysfs to call, for an attribute created by [`create`](Self::create).
    unsafe extern "C" fn show(
        _kobject: *mut bindings::kobject,
        attribute: *mut bindings::kobj_attribute,
        page: *mut c_char,
    ) -> isize {
        // SAFETY: sysfs does not remove the attribute during the call. It passes a whole page,
        // filled with zeros, which nothing else uses meanwhile.
        let (data, page) = unsafe { (Self::data(attribute), &mut *page.cast()) };
        from_result(|| data.show(page).map(|len| len as isize))
    }

    /// # Safety
    ///
    /// Only for sysfs to call, for an attribute created by [`create`](Self::create).
    unsafe extern "C" fn store(
        _kobject: *mut bindings::kobject,
        attribute: *mut bindings::kobj_attribute,
        bytes: *const c_char,
        count: usize,
    ) -> isize {
        // SAFETY: sysfs does not remove the attribute during the call. It passes `count` valid
        // bytes.
        let (data, bytes) = unsafe {
            (
                Self::data(attribute),
                core::slice::from_raw_parts(bytes.cast(), count),
            )
        };
        from_result(|| T::store(&data, bytes).map(|len| len as isize))
    }
}

impl<T: AttributeOperations> Drop for Attribute<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the attribute is registered. No call is in progress when
        // this returns, so that the box may be freed.
        unsafe {
            bindings::sysfs_remove_file_ns(
                bindings::kernel_kobj,
                core::ptr::addr_of!((*self.file.get()).attribute.attr),
                core::ptr::null(),
            );
        }
    }
}
