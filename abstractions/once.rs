// SPDX-License-Identifier: GPL-2.0

//! Reading what others may be writing.
//!
//! C header: [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h).

/// Reads a field behind a pointer that others may be writing, as `READ_ONCE()` does.
macro_rules! read_once {
    ($base:expr, $($field:tt)+) => {
        core::ptr::read_volatile(core::ptr::addr_of!((*$base).$($field)+))
    };
}
pub(super) use read_once;
