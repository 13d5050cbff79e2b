// SPDX-License-Identifier: GPL-2.0

//! The entries by which the kernel and modinfo(8) find the parameters of a module.

use super::{Number, OPERATIONS};
use crate::abstractions::this_module::THIS_MODULE;
use kernel::{bindings, str::CStr};

/// An entry of the section `__param`, in which the kernel finds the module's parameters.
///
/// # Invariants
///
/// Its operations are [`OPERATIONS`], and its `arg` points to a static [`Number`]. It is never
/// written.
#[repr(transparent)]
pub(crate) struct Registration(bindings::kernel_param);

// SAFETY: By the type invariant it is only read, and a `Number` is `Sync`.
unsafe impl Sync for Registration {}

impl Registration {
    /// Creates the entry of the parameter `name`, whose value is in `number` and whose file has the
    /// mode `mode`.
    pub(crate) const fn new(name: &'static CStr, number: &'static Number, mode: u16) -> Self {
        // INVARIANT: `ops` and `arg` are as required, and a `bindings::kernel_param` has no
        // interior mutability.
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

/// Returns `text` as the bytes of an entry in the section `.modinfo`. `LEN` is the length of
/// `text`.
pub(crate) const fn modinfo<const LEN: usize>(text: &str) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let mut i = 0;
    while i < LEN {
        bytes[i] = text.as_bytes()[i];
        i += 1;
    }
    bytes
}

/// Concatenates the text of a parameter's name or of an entry of `.modinfo`. If the module is built
/// into the kernel, the text begins with the module's name.
#[macro_export]
#[doc(hidden)]
macro_rules! module_prefixed {
    ($module:literal: $($text:literal),+) => {{
        #[cfg(MODULE)]
        const TEXT: &str = concat!($($text,)+ "\0");
        #[cfg(not(MODULE))]
        const TEXT: &str = concat!($module, ".", $($text,)+ "\0");
        TEXT
    }};
}

/// Defines the parameters of a module: for each a static `Number`, its name, its default, its
/// range, the mode of its file, and its description. The first argument is the module's name.
#[macro_export]
macro_rules! module_numbers {
    (
        module: $module:literal,
        $(
            $(#[$meta:meta])*
            $vis:vis static $static:ident: $name:literal = $default:literal in $range:expr,
            $mode:literal, $description:literal;
        )+
    ) => {$(
        $(#[$meta])*
        $vis static $static: $crate::abstractions::param::Number =
            $crate::abstractions::param::Number::new($default, $range);

        const _: () = {
            const KIND: &str = $crate::module_prefixed!($module: "parmtype=", $name, ":ulong");
            const TEXT: &str = $crate::module_prefixed!($module: "parm=", $name, ":", $description);
            const NAME_BYTES: &[u8] = $crate::module_prefixed!($module: $name).as_bytes();
            const NAME: &core::ffi::CStr =
                match core::ffi::CStr::from_bytes_with_nul(NAME_BYTES) {
                    Ok(name) => name,
                    Err(_) => panic!("the name of a parameter contains a zero"),
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
    )+};
}
