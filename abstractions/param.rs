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
///
/// The kernel refers to it by a [`Registration`], which takes one that is static. Any thread may read it
/// at any time, as its value is atomic; it is written with the module's parameter lock held.
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

/// A listener for writes to the parameters. Called with the module's parameter lock, a mutex, held.
pub(crate) trait Listener: Send + Sync + 'static {
    /// Some parameter has been written.
    fn changed(&self);
}

/// The listener of the module, if any. There is one from the end of the load to the unload.
///
/// # Invariants
///
/// Accessed only with the module's parameter lock held. It owns the listener, so that this stays where a
/// [`Subscription`] is leaked.
struct Listening(UnsafeCell<Option<Arc<dyn Listener>>>);

// SAFETY: By the type invariant access is under a mutex, and a listener is `Send + Sync`.
unsafe impl Sync for Listening {}

static LISTENING: Listening = Listening(UnsafeCell::new(None));

/// Being told of changes. Dropping it ends that: no call is under way when it returns, as calls are made
/// with the lock held that this takes.
pub(crate) struct Subscription(());

impl Subscription {
    /// Has `listener` told of changes, in place of who was told before; once at the beginning, of
    /// what may have changed until then.
    ///
    /// May sleep. Not to be called by a listener.
    pub(crate) fn new(listener: Arc<dyn Listener>) -> Self {
        // With the lock held, so that what a writer does meanwhile comes after it.
        Self::replace(Some(listener), |listener| listener.changed());
        Self(())
    }

    fn replace(listener: Option<Arc<dyn Listener>>, tell: impl FnOnce(&dyn Listener)) {
        // SAFETY: The module is there as long as its code runs. The cell is accessed under the lock.
        let old = unsafe {
            bindings::kernel_param_lock(THIS_MODULE);
            let listening = &mut *LISTENING.0.get();
            let old = core::mem::replace(listening, listener);
            if let Some(listener) = listening {
                tell(&**listener);
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

const THIS_MODULE: *mut bindings::module =
    <crate::TaskMonitor as ModuleMetadata>::THIS_MODULE.as_ptr();

/// Sets a parameter, as `kernel_param_ops::set`.
///
/// # Safety
///
/// To be called by the kernel, for a parameter made by `module_number!`, its lock held.
unsafe extern "C" fn set(text: *const c_char, param: *const bindings::kernel_param) -> c_int {
    from_result(|| {
        // SAFETY: The kernel holds the parameter lock during the call: `parse_args()` of a load or at
        // boot, and `param_attr_store()`. Nobody else accesses the cell meanwhile.
        let listener = unsafe { &*LISTENING.0.get() };
        // Whoever may load a module may give it parameters; there is no listener yet then. That files
        // for them are there a little earlier does not matter: who may load one could do so.
        if listener.is_some() || !rights::may_load_modules() {
            rights::require_admin()?;
        }
        if text.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: The text ends with a zero, and `arg` is a static `Number`, by the invariant of
        // `Registration`.
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
static OPERATIONS: bindings::kernel_param_ops = bindings::kernel_param_ops {
    flags: 0,
    set: Some(set),
    get: Some(get),
    free: None,
};

/// A `kernel_param` in a static, as the kernel finds it in the section `__param`.
///
/// # Invariants
///
/// Its operations are those of a [`Number`], and its `arg` is one that is static. It is never written.
#[repr(transparent)]
pub(crate) struct Registration(bindings::kernel_param);

// SAFETY: By the type invariant it is only read, and a `Number` is `Sync`.
unsafe impl Sync for Registration {}

impl Registration {
    /// A parameter that is called `name`, is kept in `number`, and has a file of that `mode`.
    pub(crate) const fn new(name: &'static CStr, number: &'static Number, mode: u16) -> Self {
        // INVARIANT: As given.
        Self(bindings::kernel_param {
            name: name.to_bytes_with_nul().as_ptr().cast(),
            mod_: THIS_MODULE,
            ops: &OPERATIONS,
            perm: mode,
            level: -1,
            flags: 0,
            __bindgen_anon_1: bindings::kernel_param__bindgen_ty_1 {
                arg: core::ptr::from_ref(number).cast_mut().cast(),
            },
        })
    }
}

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

/// What stands before the names of parameters and of fields of modinfo in a kernel that the module is
/// built into.
#[macro_export]
#[doc(hidden)]
macro_rules! module_prefixed {
    ($($text:literal),+) => {{
        #[cfg(MODULE)]
        const TEXT: &str = concat!($($text,)+ "\0");
        #[cfg(not(MODULE))]
        const TEXT: &str = concat!("taskmonitor.", $($text,)+ "\0");
        TEXT
    }};
}

/// Defines a module parameter.
#[macro_export]
macro_rules! module_number {
    ($(#[$meta:meta])* $vis:vis static $static:ident: $name:literal = $default:literal in $range:expr, $mode:literal, $description:literal;) => {
        $(#[$meta])*
        $vis static $static: $crate::abstractions::param::Number =
            $crate::abstractions::param::Number::new($default, $range);

        const _: () = {
            const KIND: &str = $crate::module_prefixed!("parmtype=", $name, ":ulong");
            const TEXT: &str = $crate::module_prefixed!("parm=", $name, ":", $description);
            const NAME: &core::ffi::CStr =
                match core::ffi::CStr::from_bytes_with_nul($crate::module_prefixed!($name).as_bytes()) {
                    Ok(name) => name,
                    Err(_) => panic!("a zero within a parameter's name"),
                };

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
                $crate::abstractions::param::Registration::new(NAME, &$static, $mode);
        };
    };
}
