// SPDX-License-Identifier: GPL-2.0

//! Module parameters that are numbers and can be read and written in sysfs.
//!
//! The `kernel` crate's parameters (`module!`) have no file in sysfs, so that they can be set only
//! at load.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h).
//!
//! # Examples
//!
//! ```ignore
//! module_numbers! {
//!     module: "my_device",
//!
//!     /// The length of the queue.
//!     pub(crate) static QUEUE_LEN: "queue_len" = 64 in 1..=4096, 0o600,
//!         "length of the queue, 1 to 4096";
//! }
//!
//! impl Listener for Device {
//!     fn changed(&self) {
//!         self.resize(QUEUE_LEN.get());
//!     }
//! }
//!
//! let subscription = Subscription::new(device);
//! ```

mod registration;

pub(crate) use registration::{modinfo, Registration};

use super::{capability, this_module::THIS_MODULE};
use core::{cell::UnsafeCell, ops::RangeInclusive};
use kernel::{
    bindings,
    error::from_result,
    fmt::Write,
    page::PAGE_SIZE,
    prelude::*,
    str::{parse_int::ParseInt, BStr, CStr, Formatter},
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
};

/// A parameter, defined by [`module_numbers!`](crate::module_numbers).
///
/// Any thread may read it at any time, because the value is atomic. The kernel writes it by a
/// [`Registration`], with the module's parameter lock held.
pub(crate) struct Number {
    value: Atomic<u64>,
    range: RangeInclusive<u64>,
}

impl Number {
    /// Creates a parameter with the value `default`, which can be set to any value in `range`.
    pub(crate) const fn new(default: u64, range: RangeInclusive<u64>) -> Self {
        Self {
            value: Atomic::new(default),
            range,
        }
    }

    /// Returns the current value. May be called from any context.
    pub(crate) fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }

    /// Returns whether the parameter can be set to `value`. May be called from any context.
    pub(crate) fn accepts(&self, value: u64) -> bool {
        self.range.contains(&value)
    }

    /// Parses `text` and sets the value. Fails with `EINVAL` if `text` is not a number or is out of
    /// range.
    fn set(&self, text: &CStr) -> Result {
        let text = text.to_bytes();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        // The kernel's parser would accept `-0`.
        if text.starts_with(b"-") {
            return Err(EINVAL);
        }
        let value = u64::from_str(BStr::from_bytes(text)).map_err(|_| EINVAL)?;
        if !self.range.contains(&value) {
            return Err(EINVAL);
        }
        self.value.store(value, Relaxed);
        Ok(())
    }
}

/// A listener for writes to the parameters.
///
/// `'static`, because the kernel continues to call the listener of a [`Subscription`] that is
/// leaked.
pub(crate) trait Listener: Send + Sync + 'static {
    /// Called after a parameter has been written, in the task that wrote it. The module's parameter
    /// lock, a mutex, is held. May sleep.
    fn changed(&self);
}

/// The module's listener; `None` while there is no [`Subscription`].
///
/// # Invariants
///
/// The cell is accessed only with the module's parameter lock held. It owns the listener, which
/// stays there if its [`Subscription`] is leaked.
struct ListenerCell(UnsafeCell<Option<Arc<dyn Listener>>>);

// SAFETY: By the type invariant access is under a mutex, and a listener is `Send + Sync`.
unsafe impl Sync for ListenerCell {}

static LISTENER: ListenerCell = ListenerCell(UnsafeCell::new(None));

/// A subscription to writes of the parameters.
///
/// Dropping it removes the listener. No call is in progress afterwards, because calls are made with
/// the module's parameter lock held, which `drop` takes; it may sleep.
pub(crate) struct Subscription(());

impl Subscription {
    /// Makes `listener` the module's listener, which replaces an earlier one, and calls it once,
    /// because parameters may have been written before.
    ///
    /// May sleep. Must not be called by a listener.
    pub(crate) fn new(listener: Arc<dyn Listener>) -> Self {
        // The first call is made with the lock held, so that calls for later writes come after it.
        Self::replace(Some(listener), |listener| listener.changed());
        Self(())
    }

    fn replace(listener: Option<Arc<dyn Listener>>, call: impl FnOnce(&dyn Listener)) {
        // SAFETY: `THIS_MODULE` is valid, or null: then the lock is that of all parameters that are
        // built in. The cell is accessed with the lock held.
        let old = unsafe {
            bindings::kernel_param_lock(THIS_MODULE);
            let current = &mut *LISTENER.0.get();
            let old = core::mem::replace(current, listener);
            if let Some(listener) = current {
                call(&**listener);
            }
            bindings::kernel_param_unlock(THIS_MODULE);
            old
        };
        drop(old);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        Self::replace(None, |_| {});
    }
}

/// Sets a parameter (`kernel_param_ops::set`). Fails with `EPERM` if the task may not do that.
///
/// # Safety
///
/// Only for the kernel to call, with the module's parameter lock held, for the parameter of a
/// [`Registration`].
unsafe extern "C" fn set(text: *const c_char, param: *const bindings::kernel_param) -> c_int {
    from_result(|| {
        // SAFETY: `parse_args()`, at a load or at boot, and `param_attr_store()` hold the parameter
        // lock during the call.
        let listener = unsafe { &*LISTENER.0.get() };
        // A task that may load modules may set their parameters when it loads them. There is no
        // listener then. The parameters' files exist a little earlier than the listener. A task
        // that may load modules may write them too during that time, because it could load the
        // module with the same values.
        if listener.is_some() || !capability::may_load_modules() {
            capability::require_admin()?;
        }
        if text.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: The kernel passes a string that ends with a zero. By the invariants of
        // `Registration`, `arg` points to a static `Number`.
        unsafe {
            let number = &*(*param).__bindgen_anon_1.arg.cast::<Number>();
            number.set(CStr::from_char_ptr(text))?;
        }
        if let Some(listener) = listener {
            listener.changed();
        }
        Ok(0)
    })
}

/// Prints a parameter (`kernel_param_ops::get`). Fails with `EPERM` without `CAP_SYS_ADMIN`.
///
/// # Safety
///
/// As for [`set`]. `page` points to a page that nothing else uses during the call.
unsafe extern "C" fn get(page: *mut c_char, param: *const bindings::kernel_param) -> c_int {
    if let Err(error) = capability::require_admin() {
        return error.to_errno();
    }
    // SAFETY: By the invariants of `Registration`, `arg` points to a static `Number`. The buffer is
    // a page, by the safety requirement.
    let (number, mut text) = unsafe {
        (
            &*(*param).__bindgen_anon_1.arg.cast::<Number>(),
            Formatter::new(&mut *page.cast::<[u8; PAGE_SIZE]>()),
        )
    };
    match text.write_fmt(fmt!("{}\n", number.get())) {
        Ok(()) => text.bytes_written() as c_int,
        Err(_) => ENOMEM.to_errno(),
    }
}

/// The operations of every [`Number`].
static OPERATIONS: bindings::kernel_param_ops = bindings::kernel_param_ops {
    flags: 0,
    set: Some(set),
    get: Some(get),
    free: None,
};
