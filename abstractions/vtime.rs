// SPDX-License-Identifier: GPL-2.0

//! A thread's unscaled times, under tick accounting and where each switch between user and kernel is
//! timed (`CONFIG_VIRT_CPU_ACCOUNTING_GEN`, in use on a machine booted with `nohz_full=`).
//!
//! C header: [`include/linux/vtime.h`](srctree/include/linux/vtime.h).

use super::cputime::CpuTime;
use core::ptr::{addr_of, read_volatile};
use kernel::bindings;

/// What `task_cputime()` returns for `thread`.
///
/// # Safety
///
/// `thread` is valid.
#[inline(always)]
pub(crate) unsafe fn raw_times(thread: *const bindings::task_struct) -> CpuTime {
    #[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
    if timed() {
        // SAFETY: By the safety requirement.
        return unsafe { timed_times(thread) };
    }
    // SAFETY: By the safety requirement.
    unsafe { booked_times(thread) }
}

/// What has been booked.
///
/// # Safety
///
/// `thread` is valid.
#[inline(always)]
pub(super) unsafe fn booked_times(thread: *const bindings::task_struct) -> CpuTime {
    // SAFETY: By the safety requirement.
    unsafe {
        CpuTime {
            user_ns: read_volatile(addr_of!((*thread).utime)),
            system_ns: read_volatile(addr_of!((*thread).stime)),
        }
    }
}

/// Whether each switch is timed; never at other times than boot does this change.
#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
#[inline(always)]
pub(crate) fn timed() -> bool {
    extern "C" {
        static context_tracking_key: bindings::static_key_false;
    }
    // SAFETY: The key is a static, and its count is read at once.
    unsafe { read_volatile(addr_of!(context_tracking_key.key.enabled.counter)) > 0 }
}

/// Whether each switch is timed.
#[cfg(not(CONFIG_VIRT_CPU_ACCOUNTING_GEN))]
#[inline(always)]
pub(crate) fn timed() -> bool {
    false
}

/// What has been booked, and what has passed since then in the state that the thread is in.
///
/// # Safety
///
/// `thread` is valid.
#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
unsafe fn timed_times(thread: *const bindings::task_struct) -> CpuTime {
    extern "C" {
        fn sched_clock() -> u64;
    }
    loop {
        // SAFETY: By the safety requirement; what is in it is valid too.
        let times = unsafe {
            let vtime = addr_of!((*thread).vtime);
            super::seqlock::try_read(addr_of!((*vtime).seqcount), || {
                let mut times = booked_times(thread);
                let state = read_volatile(addr_of!((*vtime).state));
                if state < bindings::vtime_state_VTIME_SYS {
                    return times;
                }
                let since = read_volatile(addr_of!((*vtime).starttime));
                let delta = sched_clock().saturating_sub(since);
                if state == bindings::vtime_state_VTIME_SYS {
                    times.system_ns += read_volatile(addr_of!((*vtime).stime)) + delta;
                } else {
                    times.user_ns += read_volatile(addr_of!((*vtime).utime)) + delta;
                }
                times
            })
        };
        if let Some(times) = times {
            return times;
        }
    }
}
