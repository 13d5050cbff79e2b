// SPDX-License-Identifier: GPL-2.0

//! Splits a run time into user and system time, neither of which ever falls.
//!
//! The scheduler measures exactly for how long a task has run. Its user and system time are booked
//! at ticks, which is less exact. The kernel reports the run time, split in the ratio of what was
//! booked. It keeps what it reported last in `struct prev_cputime`, so that neither part ever
//! falls.
//!
//! C header: [`include/linux/sched/cputime.h`](srctree/include/linux/sched/cputime.h).

use super::raw::CpuTime;
use core::ptr::addr_of_mut;
use kernel::bindings;

/// Splits the run time, in nanoseconds, in the ratio of the unscaled times `raw`, like
/// `cputime_adjust()` of C. `previous` is what was reported last; the result replaces it.
#[inline(always)]
pub(super) fn adjust(previous: &mut CpuTime, runtime_ns: u64, raw: CpuTime) {
    if previous.total_ns() >= runtime_ns {
        return;
    }
    // Nothing if no system time was booked, all of the run time if no user time was.
    let system = mul_div(raw.system_ns, runtime_ns, raw.total_ns());
    // Neither part ever falls. The total has grown, and neither `system` nor what was reported
    // before is more than the total, so that no subtraction wraps.
    let system = system.max(previous.system_ns);
    let user = runtime_ns.wrapping_sub(system).max(previous.user_ns);
    *previous = CpuTime {
        user_ns: user,
        system_ns: runtime_ns.wrapping_sub(user),
    };
}

/// Runs `f` on the times in `previous` with its lock held and interrupts off, and returns the times
/// after that. `f` must not sleep, nor take a lock.
///
/// # Safety
///
/// `previous` is part of a live task, or of the signal structure of one.
#[inline(always)]
pub(super) unsafe fn with_previous(
    previous: *mut bindings::prev_cputime,
    f: impl FnOnce(&mut CpuTime),
) -> CpuTime {
    // SAFETY: By the safety requirement the structure is valid, and its lock initialised. The times
    // are accessed with the lock held only.
    unsafe {
        let flags = bindings::_raw_spin_lock_irqsave(addr_of_mut!((*previous).lock));
        let mut times = CpuTime {
            user_ns: (*previous).utime,
            system_ns: (*previous).stime,
        };
        f(&mut times);
        (*previous).utime = times.user_ns;
        (*previous).stime = times.system_ns;
        bindings::_raw_spin_unlock_irqrestore(addr_of_mut!((*previous).lock), flags);
        times
    }
}

/// Returns `a * b / c`, with a product of 128 bits, like `mul_u64_u64_div_u64()` of C. If `a` is
/// not less than `c`, returns `b`, or 0 if `a` is 0.
///
/// On x86 this is inline assembly in C too (arch/x86/include/asm/div64.h), so that there is no
/// function to call; and Rust code in the kernel cannot divide a `u128`. A sample of a busy process
/// costs 210 instructions with these two (`bench/run processes`).
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    if a >= c {
        return if a == 0 { 0 } else { b };
    }
    #[cfg(target_arch = "x86_64")]
    {
        let quotient: u64;
        // SAFETY: `c` is greater than `a`, so that it is not 0, and the quotient is less than `b`,
        // so that the division does not overflow.
        unsafe {
            core::arch::asm!(
                "mul {b}",
                "div {c}",
                b = in(reg) b,
                c = in(reg) c,
                inout("rax") a => quotient,
                out("rdx") _,
                options(pure, nomem, nostack),
            );
        }
        quotient
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: `c` is not 0, because it is greater than `a`.
        unsafe { bindings::mul_u64_add_u64_div_u64(a, b, 0, c) }
    }
}
