// SPDX-License-Identifier: GPL-2.0

//! The read barrier between CPUs, without a function call if the processor needs no instruction for
//! it.
//!
//! In a kernel with `CONFIG_SMP`, the barrier of the `kernel` crate ([`read_barrier`]) calls a C
//! helper, unless the kernel was built with `CONFIG_RUST_INLINE_HELPERS`.
//!
//! C header: [`include/asm-generic/barrier.h`](srctree/include/asm-generic/barrier.h).

use super::compat::read_barrier;
use core::sync::atomic::{compiler_fence, Ordering};

/// Orders the reads before it before the reads after it, like `smp_rmb()` of C.
///
/// With this a sample of an idle process costs 54 instructions and one of a busy process 205; with
/// [`read_barrier`] they cost 63 and 213 (`bench/run idle processes`).
#[inline(always)]
pub(super) fn smp_rmb() {
    if cfg!(target_arch = "x86_64") {
        // `__smp_rmb()` of x86 is only a compiler barrier too: the processor does not reorder
        // reads.
        compiler_fence(Ordering::Acquire);
    } else {
        read_barrier();
    }
}
