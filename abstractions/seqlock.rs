// SPDX-License-Identifier: GPL-2.0

//! Reading what a seqlock or a sequence counter protects.
//!
//! C header: [`include/linux/seqlock.h`](srctree/include/linux/seqlock.h).

use core::ptr::{addr_of, addr_of_mut, read_volatile};
use kernel::{
    bindings,
    processor::cpu_relax,
    sync::barrier::{smp_mb, Read},
};

/// How often a reader tries before it takes the writers' lock.
const TRIES: u32 = 8;

/// Orders reads before and after it, as `smp_rmb()`.
#[inline(always)]
pub(super) fn read_barrier() {
    if cfg!(target_arch = "x86_64") {
        // The processor does that by itself; a call of the helper would be all the cost.
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::Acquire);
    } else {
        smp_mb(Read);
    }
}

/// The state of a sequence counter at which no writer was at work.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sequence(u32);

/// Begins to read what `counter` protects, as `read_seqcount_begin()` but without waiting; `None` while
/// a writer is at work.
///
/// # Safety
///
/// `counter` is valid.
#[inline(always)]
pub(crate) unsafe fn begin(counter: *const bindings::seqcount_t) -> Option<Sequence> {
    // SAFETY: By the safety requirement.
    let sequence = unsafe { read_volatile(addr_of!((*counter).sequence)) };
    // Pairs with the barrier in `write_seqcount_begin()`.
    read_barrier();
    (sequence & 1 == 0).then_some(Sequence(sequence))
}

/// Whether no writer has been at work since `sequence`: all that was read until now belongs together.
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
    read_barrier();
    // SAFETY: By the safety requirement.
    sequence.0 == unsafe { read_volatile(addr_of!((*counter).sequence)) }
}

/// Runs `read` once; `None` where a writer was at work meanwhile.
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
    let Some(sequence) = (unsafe { begin(counter) }) else {
        cpu_relax();
        return None;
    };
    let value = read();
    // SAFETY: By the safety requirement.
    unsafe { is_unchanged(counter, sequence) }.then_some(value)
}

/// Runs `read` until no writer was at work meanwhile; after some tries, with the writers shut out.
///
/// # Safety
///
/// `lock` is valid, and the caller holds nothing that a writer may hold.
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

/// What [`read`] does when its first try was in vain.
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
    // SAFETY: By the safety requirement. Writers may be in interrupts, which are off meanwhile.
    unsafe {
        bindings::spin_lock_irq_disable(addr_of_mut!((*lock).lock));
        let value = read();
        bindings::spin_unlock_irq_enable(addr_of_mut!((*lock).lock));
        value
    }
}
