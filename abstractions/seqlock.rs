// SPDX-License-Identifier: GPL-2.0

//! The readers' side of sequence counters and sequential locks of the kernel.
//!
//! The `kernel` crate has no sequence counters.
//!
//! C header: [`include/linux/seqlock.h`](srctree/include/linux/seqlock.h).
//!
//! # Examples
//!
//! ```ignore
//! // SAFETY: `signal` is alive, and the caller holds no lock.
//! let (user, system) = unsafe {
//!     seqlock::read(addr_of_mut!((*signal).stats_lock), || {
//!         (read_once!(signal, utime), read_once!(signal, stime))
//!     })
//! };
//! ```

use super::{barrier::smp_rmb, compat::with_lock_irq};
use core::ptr::{addr_of, addr_of_mut, read_volatile};
use kernel::{bindings, processor::cpu_relax};

/// How often a reader tries before it takes the writers' lock.
const TRIES: u32 = 8;

/// The value of a sequence counter when no writer is active.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sequence(u32);

/// Begins a read of what `counter` protects, like `read_seqcount_begin()` of C, but without a wait:
/// if a writer is active, [`is_unchanged`] will return false.
///
/// # Safety
///
/// `counter` is valid.
#[inline(always)]
pub(crate) unsafe fn begin(counter: *const bindings::seqcount_t) -> Sequence {
    // SAFETY: By the safety requirement.
    let sequence = unsafe { read_volatile(addr_of!((*counter).sequence)) };
    // Pairs with the barrier in `write_seqcount_begin()`.
    smp_rmb();
    // The count is odd while a writer is active. Then this is the count before, which is over.
    Sequence(sequence & !1)
}

/// Returns whether no writer has been active since [`begin`] returned `sequence`, so that all that
/// was read since then is consistent.
///
/// # Safety
///
/// `counter` is valid.
#[inline(always)]
pub(crate) unsafe fn is_unchanged(
    counter: *const bindings::seqcount_t,
    sequence: Sequence,
) -> bool {
    // Pairs with the barrier in `write_seqcount_end()`.
    smp_rmb();
    // SAFETY: By the safety requirement.
    sequence.0 == unsafe { read_volatile(addr_of!((*counter).sequence)) }
}

/// Runs `read` once. Returns `None` if a writer was active meanwhile.
///
/// # Safety
///
/// `counter` is valid.
#[inline(always)]
pub(crate) unsafe fn try_read<R>(
    counter: *const bindings::seqcount_t,
    read: impl FnOnce() -> R,
) -> Option<R> {
    // SAFETY: By the safety requirement.
    let sequence = unsafe { begin(counter) };
    let value = read();
    // SAFETY: By the safety requirement.
    if unsafe { is_unchanged(counter, sequence) } {
        return Some(value);
    }
    cpu_relax();
    None
}

/// Runs `read` until no writer was active meanwhile. After [`TRIES`] tries, runs it with the
/// writers' lock held and interrupts off. Returns its last result.
///
/// # Safety
///
/// `lock` is valid. The caller holds neither that lock nor one that a writer takes while it holds
/// it.
#[inline(always)]
pub(crate) unsafe fn read<R>(lock: *mut bindings::seqlock_t, mut read: impl FnMut() -> R) -> R {
    // SAFETY: By the safety requirement.
    let first = unsafe { try_read(addr_of!((*lock).seqcount.seqcount), &mut read) };
    match first {
        Some(value) => value,
        // SAFETY: By the safety requirement.
        None => unsafe { read_again(lock, read) },
    }
}

/// The rest of [`read`], after a first try that failed.
///
/// # Safety
///
/// As for [`read`].
#[cold]
unsafe fn read_again<R>(lock: *mut bindings::seqlock_t, mut read: impl FnMut() -> R) -> R {
    for _ in 1..TRIES {
        // SAFETY: By the safety requirement.
        let value = unsafe { try_read(addr_of!((*lock).seqcount.seqcount), &mut read) };
        if let Some(value) = value {
            return value;
        }
    }
    // SAFETY: By the safety requirement. Interrupts are off while the lock is held, because writers
    // may hold a lock that interrupts take too.
    unsafe { with_lock_irq(addr_of_mut!((*lock).lock), read) }
}
