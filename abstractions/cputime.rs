// SPDX-License-Identifier: GPL-2.0

//! The CPU time that tasks have consumed, as the scheduler accounts it; and for processes, the run
//! delay, which is read together with it.
//!
//! The `kernel` crate's `Task` has no CPU times. Of the functions of `kernel/sched/cputime.c`,
//! which compute them for `/proc/PID/stat` and `wait4()`, only `task_cputime_adjusted()` is
//! exported. The functions here compute by the same rules, and read and update the same state: the
//! `prev_cputime` of a thread or of a process. So they and the kernel always report the same split
//! of a run time into user and system time.
//!
//! C headers: [`include/linux/sched/cputime.h`](srctree/include/linux/sched/cputime.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).
//!
//! # Examples
//!
//! ```ignore
//! let totals = cputime::process_totals(leader, ended_threads, &rcu::read_lock());
//! let times = cputime::process_times(leader, totals);
//! pr_info!("user {} ns, system {} ns\n", times.user_ns, times.system_ns);
//! ```

mod adjust;
mod raw;
mod single_threaded;

use super::{
    read_once::read_once,
    run_delay::{self, EndedThreads},
    seqlock,
};
use adjust::{adjust, with_previous};
use core::ptr::addr_of_mut;
use kernel::{bindings, ffi::c_void, sync::rcu, task::Task};
use raw::{booked_times, raw_times};

pub(crate) use super::seqlock::Sequence;
pub(crate) use raw::{vtime_accounting_enabled, CpuTime};
pub(crate) use single_threaded::SingleThreaded;

extern "C" {
    /// Exported by kernel/sched/cputime.c for modules under the GPL.
    ///
    /// The declaration does not name the task's type: `struct task_struct` has members that are
    /// empty in some kernels, so that the compiler would warn that the type is not FFI-safe.
    pub(super) fn task_cputime_adjusted(task: *mut c_void, user: *mut u64, system: *mut u64);
}

/// Returns for how long the thread `task` has run, in nanoseconds.
#[inline]
pub(crate) fn thread_runtime_ns(task: &Task) -> u64 {
    // SAFETY: A `&Task` is a live `task_struct`, also after the task has ended.
    unsafe { read_once!(task.as_ptr(), se.sum_exec_runtime) }
}

/// For how long a thread or a process has run and waited for a CPU, added up, in nanoseconds.
///
/// Neither of the two ever falls. So if the sum is the same, so are both.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Activity(u64);

impl Activity {
    /// A value that no task has.
    pub(crate) const NONE: Self = Self(u64::MAX);

    /// Adds up the two.
    #[inline(always)]
    pub(crate) fn new(runtime_ns: u64, run_delay_ns: u64) -> Self {
        Self(runtime_ns.wrapping_add(run_delay_ns))
    }
}

/// Returns the activity of the thread `task`.
#[inline(always)]
pub(crate) fn thread_activity(task: &Task) -> Activity {
    Activity::new(thread_runtime_ns(task), run_delay::thread_ns(task))
}

/// Returns the CPU time that the thread `task` has consumed.
pub(crate) fn thread_times(task: &Task) -> CpuTime {
    let mut times = CpuTime::default();
    // SAFETY: A `&Task` is a live `task_struct`, also after the task has ended. The results are
    // written to two live integers.
    unsafe {
        task_cputime_adjusted(
            task.as_ptr().cast(),
            &mut times.user_ns,
            &mut times.system_ns,
        )
    };
    times
}

/// Returns the same as [`thread_times`], for a caller that has read for how long the thread has
/// run: `runtime_ns`. Only for accounting by ticks: [`vtime_accounting_enabled`] must have returned
/// false.
#[inline(always)]
pub(crate) fn thread_times_at(task: &Task, runtime_ns: u64) -> CpuTime {
    let task = task.as_ptr();
    // SAFETY: A `&Task` is a live `task_struct`, also after the task has ended, and `prev_cputime`
    // is that of the thread.
    unsafe {
        with_previous(addr_of_mut!((*task).prev_cputime), |previous| {
            adjust(previous, runtime_ns, booked_times(task))
        })
    }
}

/// Returns for how long the other threads of the process of `leader` had run, in nanoseconds, if
/// they have all been reaped; `None` if other threads are left.
///
/// The threads of the process must not change during the call. They do not while the caller holds
/// `tasklist_lock` for writing, because threads are added to and removed from a process under that
/// lock.
pub(super) fn reaped_threads_runtime_ns(leader: &Task) -> Option<u64> {
    // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
    // freed.
    unsafe {
        let signal = read_once!(leader.as_ptr(), signal);
        (read_once!(signal, nr_threads) == 1).then(|| read_once!(signal, sum_sched_runtime))
    }
}

/// The run time, the run delay and the unscaled CPU time of a process, including those of threads
/// that have been reaped.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    /// For how long it has run, in nanoseconds.
    pub(crate) runtime_ns: u64,
    /// For how long it has waited for a CPU, in nanoseconds. While a thread exits, what that one
    /// has waited may be missing.
    pub(crate) run_delay_ns: u64,
    raw: CpuTime,
}

/// Adds up what the threads of the process of `task` have consumed and waited, including threads
/// that have been reaped. `ended`: what its ended threads have waited.
///
/// If `stats_lock` is written meanwhile, because a thread is reaped for example, the sum is
/// computed again; after some tries with `stats_lock` held. The caller must not hold that lock.
#[inline(never)]
pub(crate) fn process_totals(task: &Task, ended: EndedThreads, _rcu: &rcu::Guard) -> Totals {
    // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
    // freed. In the RCU read-side critical section the threads on the list stay valid, and so do
    // their links. No wrapper lets its user hold `stats_lock`.
    unsafe {
        let signal = read_once!(task.as_ptr(), signal);
        seqlock::read(addr_of_mut!((*signal).stats_lock), || {
            let ended = ended.sum(signal);
            let mut totals = Totals {
                runtime_ns: read_once!(signal, sum_sched_runtime),
                run_delay_ns: ended.total_ns,
                raw: CpuTime {
                    user_ns: read_once!(signal, utime),
                    system_ns: read_once!(signal, stime),
                },
            };
            let head = addr_of_mut!((*signal).thread_head);
            let mut link = read_once!(head, next);
            while link != head {
                let thread = kernel::container_of!(link, bindings::task_struct, thread_node);
                let raw = raw_times(thread);
                totals.runtime_ns += read_once!(thread, se.sum_exec_runtime);
                totals.run_delay_ns += ended.of_thread_not_in(thread);
                totals.raw.user_ns += raw.user_ns;
                totals.raw.system_ns += raw.system_ns;
                link = read_once!(link, next);
            }
            totals
        })
    }
}

/// Returns the CPU time of the process of `task`, for which the caller has read `totals`.
#[inline(always)]
pub(crate) fn process_times(task: &Task, totals: Totals) -> CpuTime {
    // SAFETY: `process_previous` returns the `prev_cputime` of the task's signal structure.
    unsafe {
        with_previous(process_previous(task), |previous| {
            adjust(previous, totals.runtime_ns, totals.raw)
        })
    }
}

/// Returns the CPU time that was last reported for the process of `task`. If its parent has waited
/// for the process, this is what the parent got.
pub(crate) fn reported_process_times(task: &Task) -> CpuTime {
    // SAFETY: `process_previous` returns the `prev_cputime` of the task's signal structure.
    unsafe { with_previous(process_previous(task), |_| {}) }
}

fn process_previous(task: &Task) -> *mut bindings::prev_cputime {
    // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
    // freed.
    unsafe { addr_of_mut!((*read_once!(task.as_ptr(), signal)).prev_cputime) }
}
