// SPDX-License-Identifier: GPL-2.0

//! Module parameters that are numbers, can be read and written in sysfs, and tell of a change.
//!
//! Those of `module!` can be set at load only, and are not shown.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h).

use super::rights;
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
    ModuleMetadata,
};

/// A parameter; made by [`module_number!`](crate::module_number).
pub(crate) struct Number {
    value: Atomic<u64>,
    range: RangeInclusive<u64>,
}

impl Number {
    /// A parameter that is `default` until it is set, and can be set to what is in `range`.
    pub(crate) const fn new(default: u64, range: RangeInclusive<u64>) -> Self {
        Self {
            value: Atomic::new(default),
            range,
        }
    }

    /// The value now. May be called from any context.
    pub(crate) fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }

    fn set(&self, text: &CStr) -> Result {
        let text = text.to_bytes();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        // The kernel's numbers can have a sign; -0 would pass for one of ours.
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

/// Who wants to know when a parameter has been written. Called with the module's parameter lock, a
/// mutex, held.
pub(crate) trait Listener: Send + Sync {
    /// Some parameter has been written.
    fn changed(&self);
}

/// The listener of the module, if any.
///
/// # Invariants
///
/// Accessed only with the module's parameter lock held.
struct Listening(UnsafeCell<Option<Arc<dyn Listener>>>);

// SAFETY: By the type invariant access is under a mutex, and a listener is `Send + Sync`.
unsafe impl Sync for Listening {}

static LISTENING: Listening = Listening(UnsafeCell::new(None));

/// Being told of changes. Dropping it ends that: no call is under way when it returns.
pub(crate) struct Subscription(());

impl Subscription {
    /// Has `listener` told of changes, in place of who was told before; once at the beginning, of
    /// what may have changed until then.
    ///
    /// May sleep. Not to be called by a listener.
    pub(crate) fn new(listener: Arc<dyn Listener>) -> Self {
        Self::replace(Some(listener.clone()));
        listener.changed();
        Self(())
    }

    fn replace(listener: Option<Arc<dyn Listener>>) {
        // SAFETY: The module is there as long as its code runs. The cell is accessed under the lock.
        let old = unsafe {
            bindings::kernel_param_lock(THIS_MODULE);
            let old = core::mem::replace(&mut *LISTENING.0.get(), listener);
            bindings::kernel_param_unlock(THIS_MODULE);
            old
        };
        drop(old);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        Self::replace(None);
    }
}

const THIS_MODULE: *mut bindings::module =
    <crate::TaskMonitor as ModuleMetadata>::THIS_MODULE.as_ptr();

/// Sets a parameter, as `kernel_param_ops::set`.
///
/// # Safety
///
/// To be called by the kernel, for a parameter made by `module_number!`, its lock held.
unsafe extern "C" fn set(text: *const c_char, param: *const bindings::kernel_param) -> c_int {
    from_result(|| {
        rights::require_admin()?;
        if text.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: The text ends with a zero, and `arg` is a static `Number`, by `module_number`. The
        // kernel holds the parameter lock during the call.
        unsafe {
            let number = &*(*param).__bindgen_anon_1.arg.cast::<Number>();
            number.set(CStr::from_char_ptr(text))?;
            if let Some(listener) = &*LISTENING.0.get() {
                listener.changed();
            }
        }
        Ok(0)
    })
}

/// Shows a parameter, as `kernel_param_ops::get`.
///
/// # Safety
///
/// As for [`set`]; `page` is one, and nobody else's.
unsafe extern "C" fn get(page: *mut c_char, param: *const bindings::kernel_param) -> c_int {
    if let Err(error) = rights::require_admin() {
        return error.to_errno();
    }
    // SAFETY: As in `set`. The buffer is a page.
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
pub(crate) static OPERATIONS: bindings::kernel_param_ops = bindings::kernel_param_ops {
    flags: 0,
    set: Some(set),
    get: Some(get),
    free: None,
};

/// A `kernel_param` in a static.
#[repr(transparent)]
pub(crate) struct Registration(pub bindings::kernel_param);

// SAFETY: It is only read.
unsafe impl Sync for Registration {}

/// Text in a static, for modinfo.
pub(crate) const fn modinfo<const LEN: usize>(text: &str) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let mut i = 0;
    while i < LEN {
        bytes[i] = text.as_bytes()[i];
        i += 1;
    }
    bytes
}

/// Defines a module parameter.
#[macro_export]
macro_rules! module_number {
    ($(#[$meta:meta])* $vis:vis static $static:ident: $name:literal = $default:literal in $range:expr, $mode:literal, $description:literal;) => {
        $(#[$meta])*
        $vis static $static: $crate::abstractions::param::Number =
            $crate::abstractions::param::Number::new($default, $range);

        const _: () = {
            const KIND: &str = concat!("parmtype=", $name, ":ulong\0");
            const TEXT: &str = concat!("parm=", $name, ":", $description, "\0");

            #[allow(unsafe_code)]
            #[used(compiler)]
            #[link_section = ".modinfo"]
            static PARMTYPE: [u8; KIND.len()] = $crate::abstractions::param::modinfo(KIND);

            #[allow(unsafe_code)]
            #[used(compiler)]
            #[link_section = ".modinfo"]
            static PARM: [u8; TEXT.len()] = $crate::abstractions::param::modinfo(TEXT);

            #[allow(unsafe_code)]
            #[used(compiler)]
            #[link_section = "__param"]
            static PARAM: $crate::abstractions::param::Registration =
                $crate::abstractions::param::Registration(::kernel::bindings::kernel_param {
                    name: concat!($name, "\0").as_ptr().cast(),
                    mod_: <$crate::TaskMonitor as ::kernel::ModuleMetadata>::THIS_MODULE.as_ptr(),
                    ops: &$crate::abstractions::param::OPERATIONS,
                    perm: $mode,
                    level: -1,
                    flags: 0,
                    __bindgen_anon_1: ::kernel::bindings::kernel_param__bindgen_ty_1 {
                        arg: core::ptr::from_ref(&$static).cast_mut().cast(),
                    },
                });
        };
    };
}
