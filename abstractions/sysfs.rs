// SPDX-License-Identifier: GPL-2.0

//! A file in /sys/kernel.
//!
//! C headers: [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h),
//! [`include/linux/kobject.h`](srctree/include/linux/kobject.h).

use kernel::{
    bindings,
    error::{from_result, to_result},
    page::PAGE_SIZE,
    prelude::*,
    str::CStr,
    sync::{Arc, ArcBorrow, LockClassKey},
    types::Opaque,
};

/// What an [`Attribute`] shows and takes. Both calls come from the process that reads or writes, and
/// may sleep.
pub(crate) trait Show: Send + Sync + 'static {
    /// Fills `page` from its beginning; returns how many bytes, at most all but one (of more sysfs
    /// shows that many, and complains).
    fn show(&self, page: &mut [u8; PAGE_SIZE]) -> Result<usize>;

    /// Takes what was written, at most [`PAGE_SIZE`] bytes; returns how many were consumed.
    fn store(this: &Arc<Self>, bytes: &[u8]) -> Result<usize>;
}

/// A file in /sys/kernel, for root alone. Dropping it waits until nobody is inside.
///
/// # Invariants
///
/// - `file` is registered with `kernel_kobj`. sysfs refers to what is in the box, which stays where it is
///   when this value is moved, and goes, as does `_data`, after `sysfs_remove_file_ns()` has waited for
///   the last call; where this is leaked, never.
/// - Its `data` is what `_data` holds. Each call takes a reference to that for as long as it lasts.
pub(crate) struct Attribute<T: Show> {
    file: KBox<Opaque<Registered<T>>>,
    _data: Arc<T>,
}

/// What sysfs refers to. The attribute comes first, so that a pointer to it is one to the whole.
#[repr(C)]
struct Registered<T> {
    attribute: bindings::kobj_attribute,
    data: *const T,
}

// SAFETY: sysfs does its own locking, and the data is `Send + Sync`.
unsafe impl<T: Show> Send for Attribute<T> {}
// SAFETY: As above.
unsafe impl<T: Show> Sync for Attribute<T> {}

impl<T: Show> Attribute<T> {
    /// Makes the file; `key` is the lockdep class of being inside it.
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
        attribute.__bindgen_anon_1.show = Some(Self::show);
        attribute.__bindgen_anon_2.store = Some(Self::store);
        let registered = Registered {
            attribute,
            data: Arc::as_ptr(&data),
        };
        let file = KBox::new(Opaque::new(registered), GFP_KERNEL)?;
        // SAFETY: The attribute stays where it is, on the heap, until `drop` has removed it, and
        // `kernel_kobj` is there from boot to shutdown.
        to_result(unsafe {
            bindings::sysfs_create_file_ns(
                bindings::kernel_kobj,
                core::ptr::addr_of!((*file.get()).attribute.attr),
                core::ptr::null(),
            )
        })?;
        // INVARIANT: It has just been registered.
        Ok(Self { file, _data: data })
    }

    /// # Safety
    ///
    /// `attribute` belongs to an `Attribute<T>` that is registered.
    unsafe fn data(attribute: *mut bindings::kobj_attribute) -> Arc<T> {
        // SAFETY: By the layout of `Registered`, and the type invariant. sysfs keeps the file there
        // during a call.
        unsafe { ArcBorrow::from_raw((*attribute.cast::<Registered<T>>()).data).into() }
    }

    /// # Safety
    ///
    /// To be called by sysfs, for an attribute made by `create`, with a whole page.
    unsafe extern "C" fn show(
        _kobject: *mut bindings::kobject,
        attribute: *mut bindings::kobj_attribute,
        page: *mut c_char,
    ) -> isize {
        // SAFETY: Called by sysfs for an attribute of ours, with a whole page, zeroed.
        let (data, page) = unsafe { (Self::data(attribute), &mut *page.cast()) };
        from_result(|| data.show(page).map(|len| len as isize))
    }

    /// # Safety
    ///
    /// To be called by sysfs, for an attribute made by `create`, with `count` bytes.
    unsafe extern "C" fn store(
        _kobject: *mut bindings::kobject,
        attribute: *mut bindings::kobj_attribute,
        bytes: *const c_char,
        count: usize,
    ) -> isize {
        // SAFETY: Called by sysfs for an attribute of ours, with `count` bytes.
        let (data, bytes) = unsafe {
            (
                Self::data(attribute),
                core::slice::from_raw_parts(bytes.cast(), count),
            )
        };
        from_result(|| T::store(&data, bytes).map(|len| len as isize))
    }
}

impl<T: Show> Drop for Attribute<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the attribute is registered. Nobody is inside when the call
        // returns, so it may go.
        unsafe {
            bindings::sysfs_remove_file_ns(
                bindings::kernel_kobj,
                core::ptr::addr_of!((*self.file.get()).attribute.attr),
                core::ptr::null(),
            );
        }
    }
}
