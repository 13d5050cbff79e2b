// SPDX-License-Identifier: GPL-2.0

//! Reads of memory that other CPUs may write at the same time, without a function call.
//!
//! The `kernel` crate has [`Atomic::load`], and [`atomic_load()`] for the fields of C structures.
//! Both call a C helper such as `rust_helper_atomic_read()`, unless the kernel was built with
//! `CONFIG_RUST_INLINE_HELPERS`.
//!
//! C header: [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h).
//!
//! [`atomic_load()`]: kernel::sync::atomic::atomic_load

use kernel::sync::atomic::{Atomic, AtomicType};

/// Reads an atomic with relaxed ordering, like [`Atomic::load`] and C's `atomic_read()`.
///
/// With this a fork probe finds out in 32 instructions that a process is not followed; with
/// [`Atomic::load`] it takes 43. A fork that is followed costs 1,660 instructions with this and
/// 1,680 with [`Atomic::load`] (`bench/run forks`).
#[inline(always)]
pub(crate) fn load_relaxed<T: AtomicType>(atomic: &Atomic<T>) -> T {
    // SAFETY: `as_ptr` returns a pointer that is valid and aligned for as long as `atomic` is
    // borrowed. Other threads access the value by atomic operations only. A volatile read of an
    // aligned integer of up to 64 bits is atomic too, like `READ_ONCE()` of C.
    unsafe { atomic.as_ptr().read_volatile() }
}

/// Writes an atomic with relaxed ordering, like [`Atomic::store`] and C's `atomic_set()`.
///
/// [`Atomic::store`] calls a function of C.
#[inline(always)]
pub(crate) fn store_relaxed<T: AtomicType>(atomic: &Atomic<T>, value: T) {
    // SAFETY: As in `load_relaxed`. A volatile write of an aligned integer of up to 64 bits is
    // atomic, like `WRITE_ONCE()` of C.
    unsafe { atomic.as_ptr().write_volatile(value) }
}

/// Reads a field of `*$base` that other CPUs may write at the same time, like `READ_ONCE()` of C.
///
/// # Safety
///
/// `$base` points to a live structure, and a value of the field's type is valid whatever its bits
/// are.
macro_rules! read_once {
    ($base:expr, $($field:tt)+) => {
        core::ptr::read_volatile(core::ptr::addr_of!((*$base).$($field)+))
    };
}
pub(super) use read_once;
