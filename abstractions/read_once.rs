// SPDX-License-Identifier: GPL-2.0

//! Reads of memory that other CPUs may write at the same time, without a function call.
//!
//! The `kernel` crate has no `READ_ONCE()` for the fields of C structures. It reads its own [`Atomic`]s by
//! a call of a C helper (`rust_helper_atomic_read()`), unless the kernel was built with
//! `CONFIG_RUST_INLINE_HELPERS`.
//!
//! C header: [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h).

use kernel::sync::atomic::{Atomic, AtomicType};

/// Reads an atomic with relaxed ordering, like [`Atomic::load`] and C's `atomic_read()`.
///
/// With this a fork probe finds out in 32 instructions that a process is not followed; with
/// [`Atomic::load`] it takes 43. A fork that is followed costs 1,660 and 1,680 (`bench/run forks`).
#[inline(always)]
pub(crate) fn load_relaxed<T: AtomicType>(atomic: &Atomic<T>) -> T {
    // SAFETY: `as_ptr` returns a pointer that is valid and aligned for as long as `atomic` is borrowed.
    // Other threads access the value by atomic operations only; a volatile read of an aligned integer of
    // up to 64 bits is one, as in C's `READ_ONCE()`.
    unsafe { atomic.as_ptr().read_volatile() }
}

/// Reads a field of `*$base`, which other CPUs may write at the same time, like `READ_ONCE()` of C.
///
/// # Safety
///
/// `$base` points to a live structure, and a value of the field's type is valid whatever its bits are.
macro_rules! read_once {
    ($base:expr, $($field:tt)+) => {
        core::ptr::read_volatile(core::ptr::addr_of!((*$base).$($field)+))
    };
}
pub(super) use read_once;
