// SPDX-License-Identifier: GPL-2.0

//! A thread's unscaled CPU time, in both kinds of accounting that the module supports.
//!
//! By ticks: the length of each tick is booked as user or system time. By virtual CPU time
//! accounting (`CONFIG_VIRT_CPU_ACCOUNTING_GEN`, in use if the machine was booted with
//! `nohz_full=`): each switch between user mode and the kernel is timed.
//!
//! C headers: [`include/linux/sched/cputime.h`](srctree/include/linux/sched/cputime.h),
//! [`include/linux/vtime.h`](srctree/include/linux/vtime.h).

use crate::abstractions::read_once::read_once;
#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
use crate::abstractions::seqlock;
#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
use core::ptr::addr_of;
use kernel::bindings;

/// Consumed CPU time in nanoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// In user mode.
    pub(crate) user_ns: u64,
    /// In the kernel.
    pub(crate) system_ns: u64,
}

impl CpuTime {
    /// Returns the sum of both.
    pub(crate) fn total_ns(self) -> u64 {
        self.user_ns.wrapping_add(self.system_ns)
    }
}

/// Returns the unscaled CPU time of `thread`, like `task_cputime()` of C.
///
/// # Safety
///
/// `thread` is valid.
#[inline(always)]
pub(crate) unsafe fn raw_times(thread: *const bindings::task_struct) -> CpuTime {
    #[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
    if vtime_accounting_enabled() {
        // SAFETY: By the safety requirement.
        return unsafe { vtime_times(thread) };
    }
    // SAFETY: By the safety requirement.
    unsafe { booked_times(thread) }
}

/// Returns the unscaled CPU time that was booked for `thread`. With accounting by ticks, this is
/// all of it.
///
/// # Safety
///
/// `thread` is valid.
#[inline(always)]
pub(crate) unsafe fn booked_times(thread: *const bindings::task_struct) -> CpuTime {
    // SAFETY: By the safety requirement.
    unsafe {
        CpuTime {
            user_ns: read_once!(thread, utime),
            system_ns: read_once!(thread, stime),
        }
    }
}

/// Returns whether virtual CPU time accounting is in use, like `vtime_accounting_enabled()` of C.
/// This changes during boot only.
#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
#[inline(always)]
pub(crate) fn vtime_accounting_enabled() -> bool {
    extern "C" {
        static context_tracking_key: bindings::static_key_false;
    }
    // SAFETY: The key is a static of the kernel, and the count is an integer.
    unsafe { read_once!(&raw const context_tracking_key, key.enabled.counter) > 0 }
}

/// Returns false: the kernel has no virtual CPU time accounting.
#[cfg(not(CONFIG_VIRT_CPU_ACCOUNTING_GEN))]
#[inline(always)]
pub(crate) fn vtime_accounting_enabled() -> bool {
    false
}

/// Returns what was booked for `thread` plus what it has consumed since then. Only for virtual CPU
/// time accounting.
///
/// # Safety
///
/// `thread` is valid.
#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_GEN)]
unsafe fn vtime_times(thread: *const bindings::task_struct) -> CpuTime {
    extern "C" {
        fn sched_clock() -> u64;
    }
    loop {
        // SAFETY: By the safety requirement; `vtime` is a part of the structure. `sched_clock()`
        // may be called from any context.
        let times = unsafe {
            let vtime = addr_of!((*thread).vtime);
            seqlock::try_read(addr_of!((*vtime).seqcount), || {
                let mut times = booked_times(thread);
                let state = read_once!(vtime, state);
                if state < bindings::vtime_state_VTIME_SYS {
                    return times;
                }
                let since = read_once!(vtime, starttime);
                let delta = sched_clock().saturating_sub(since);
                if state == bindings::vtime_state_VTIME_SYS {
                    times.system_ns += read_once!(vtime, stime) + delta;
                } else {
                    times.user_ns += read_once!(vtime, utime) + delta;
                }
                times
            })
        };
        if let Some(times) = times {
            return times;
        }
    }
}
