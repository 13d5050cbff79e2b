// SPDX-License-Identifier: GPL-2.0

//! Reading what others may be writing.
//!
//! C header: [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h).

use kernel::sync::atomic::{Atomic, AtomicType};

/// Reads an atomic, relaxed and in line, as C's `atomic_read()`: [`Atomic::load`] calls a function for
/// it, which costs several times as much.
#[inline(always)]
pub(crate) fn peek<T: AtomicType>(atomic: &Atomic<T>) -> T {
    // SAFETY: A reference is valid, and aligned.
    unsafe { atomic.as_ptr().read_volatile() }
}

/// Reads a field behind a pointer that others may be writing, as `READ_ONCE()` does.
macro_rules! read_once {
    ($base:expr, $($field:tt)+) => {
        core::ptr::read_volatile(core::ptr::addr_of!((*$base).$($field)+))
    };
}
pub(super) use read_once;
