// SPDX-License-Identifier: GPL-2.0

//! Random numbers, for tests.
//!
//! C header: [`include/linux/random.h`](srctree/include/linux/random.h).

use kernel::bindings;

/// A number of which each value is as likely.
pub(crate) fn next_u64() -> u64 {
    let mut number = 0_u64;
    // SAFETY: The buffer is valid for its length. May be called from any context.
    unsafe { bindings::get_random_bytes((&raw mut number).cast(), size_of_val(&number)) };
    number
}
