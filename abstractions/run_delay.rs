// SPDX-License-Identifier: GPL-2.0

//! The run delay of tasks: for how long they have been runnable, but without a CPU.
//!
//! The `kernel` crate has nothing for this. The scheduler adds each wait to
//! `task_struct::sched_info.run_delay` when it ends (`kernel/sched/stats.h`), in all kernels with
//! `CONFIG_SCHED_INFO`; in others the run delay is 0 here. It is the second number in
//! `/proc/PID/schedstat`.
//!
//! That of a process is the sum over its threads. What threads had waited that have ended is in
//! `signal_struct::stats`, in a kernel with `CONFIG_TASK_DELAY_ACCT`: `taskstats_exit()` adds each
//! thread that ends, if the process has had more than one. The same sum is `cpu_delay_total` of
//! taskstats. In other kernels somebody must tell [`EndedThreads`] of each thread that ends.
//!
//! C headers: [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/uapi/linux/taskstats.h`](srctree/include/uapi/linux/taskstats.h).
//!
//! # Examples
//!
//! ```ignore
//! pr_info!("waited for {} ns\n", run_delay::thread_ns(task));
//! ```

use super::{barrier::smp_rmb, read_once::read_once};
use kernel::{bindings, task::Task};

/// Returns the run delay of the thread `task`, in nanoseconds.
#[inline(always)]
pub(crate) fn thread_ns(task: &Task) -> u64 {
    // SAFETY: A `&Task` is a live `task_struct`, also after the task has ended.
    unsafe { of_thread(task.as_ptr()) }
}

/// Returns the run delay of `thread`, in nanoseconds.
///
/// # Safety
///
/// `thread` is valid.
#[cfg(CONFIG_SCHED_INFO)]
#[inline(always)]
pub(super) unsafe fn of_thread(thread: *const bindings::task_struct) -> u64 {
    // SAFETY: By the safety requirement.
    unsafe { read_once!(thread, sched_info.run_delay) }
}

/// Returns 0: the kernel does not measure the run delay.
///
/// # Safety
///
/// None; the function is unsafe because that of other kernels is.
#[cfg(not(CONFIG_SCHED_INFO))]
#[inline(always)]
pub(super) unsafe fn of_thread(_thread: *const bindings::task_struct) -> u64 {
    0
}

/// What the ended threads of a process have waited.
///
/// The kernel adds it up, if it has `CONFIG_TASK_DELAY_ACCT`. If not, threads that end must be
/// [added](Self::add) here.
#[derive(Clone, Copy)]
pub(crate) struct EndedThreads {
    /// The sum in nanoseconds; `None` if no thread has been added.
    #[cfg(not(CONFIG_TASK_DELAY_ACCT))]
    sum_ns: Option<u64>,
}

impl EndedThreads {
    /// Whether the kernel adds up what ended threads have waited.
    pub(crate) const KERNEL_ADDS_UP: bool = cfg!(CONFIG_TASK_DELAY_ACCT);

    /// No thread has been added.
    pub(crate) const fn new() -> Self {
        Self {
            #[cfg(not(CONFIG_TASK_DELAY_ACCT))]
            sum_ns: None,
        }
    }

    /// Adds `thread`, which is exiting: `PF_EXITING` is set. Like `taskstats_exit()`, does nothing
    /// if the process has had one thread only. Not needed if the kernel [adds
    /// up](Self::KERNEL_ADDS_UP).
    pub(crate) fn add(&mut self, thread: &Task) {
        #[cfg(not(CONFIG_TASK_DELAY_ACCT))]
        if self.sum_ns.is_some() || super::exit::process_threads(thread) > 1 {
            self.sum_ns = Some(self.sum_ns.unwrap_or(0) + thread_ns(thread));
        }
        let _ = thread;
    }

    /// Returns the run delay of the process of `leader`, whose last thread has exited or is just
    /// doing so, in nanoseconds.
    pub(crate) fn exited_process_ns(self, leader: &Task) -> u64 {
        // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
        // freed.
        unsafe {
            let signal = read_once!(leader.as_ptr(), signal);
            let ended = self.sum(signal);
            ended.total_ns + ended.of_thread_not_in(leader.as_ptr())
        }
    }

    /// Reads the sum of the process with the signal structure `signal`. The run delays of its
    /// threads must be read after that.
    ///
    /// # Safety
    ///
    /// `signal` is valid.
    #[cfg(CONFIG_TASK_DELAY_ACCT)]
    #[inline(always)]
    pub(super) unsafe fn sum(self, signal: *const bindings::signal_struct) -> EndedSum {
        // SAFETY: By the safety requirement. If the pointer is not null, it is valid until the
        // signal structure is freed (`taskstats_tgid_free()`). `taskstats_tgid_alloc()` releases
        // the pointer after the structure has been cleared, and what is read through the pointer
        // depends on it.
        let stats = unsafe { read_once!(signal, stats) };
        if stats.is_null() {
            return EndedSum::NONE;
        }
        // SAFETY: As above.
        let total_ns = unsafe { read_once!(stats, cpu_delay_total) };
        smp_rmb();
        EndedSum {
            total_ns,
            has_sum: true,
        }
    }

    /// Returns the sum of the threads that have been added.
    ///
    /// # Safety
    ///
    /// None: the argument is not used.
    #[cfg(not(CONFIG_TASK_DELAY_ACCT))]
    #[inline(always)]
    pub(super) unsafe fn sum(self, _signal: *const bindings::signal_struct) -> EndedSum {
        smp_rmb();
        EndedSum {
            total_ns: self.sum_ns.unwrap_or(0),
            has_sum: self.sum_ns.is_some(),
        }
    }
}

/// The sum of the run delays of ended threads of a process, at one moment.
///
/// The total of a process is that sum, and the run delays of the threads that are not in it. A
/// thread gets into it while it exits: after it has set `PF_EXITING` (`exit_signals()`), and before
/// it is a zombie. In between it cannot be told from outside whether it is in the sum already. So
/// a thread counts by [`of_thread_not_in`](Self::of_thread_not_in) as long as it does not exit. A
/// total that is read while a thread exits can be too small for that moment, and never too large:
///
/// - The sum is read before the flags of the threads. A thread that is not seen exiting after that
///   was not in the sum that was read, because it takes `siglock` to set the flag, and again for
///   the sum of the kernel.
/// - If there is no sum, no thread has been added yet, and all threads count.
#[derive(Clone, Copy)]
pub(super) struct EndedSum {
    /// The sum in nanoseconds.
    pub(super) total_ns: u64,
    /// Whether there is a sum.
    has_sum: bool,
}

impl EndedSum {
    #[cfg(CONFIG_TASK_DELAY_ACCT)]
    const NONE: Self = Self {
        total_ns: 0,
        has_sum: false,
    };

    /// Returns the run delay of `thread`, in nanoseconds; 0 if it may be in the sum.
    ///
    /// # Safety
    ///
    /// `thread` is valid.
    #[inline(always)]
    pub(super) unsafe fn of_thread_not_in(self, thread: *const bindings::task_struct) -> u64 {
        // SAFETY: By the safety requirement.
        unsafe {
            if self.has_sum && read_once!(thread, flags) & bindings::PF_EXITING != 0 {
                return 0;
            }
            of_thread(thread)
        }
    }
}
