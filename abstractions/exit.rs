// SPDX-License-Identifier: GPL-2.0

//! The end of a task: whether it is alive, a zombie or reaped (`kernel/exit.c`).
//!
//! The `kernel` crate's `Task` has no method that returns whether a task has ended.
//!
//! C headers: [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).
//!
//! # Examples
//!
//! ```ignore
//! let times = cputime::thread_times(thread);
//! match exit::progress(thread) {
//!     ExitProgress::Running | ExitProgress::Reaping => {
//!         pr_info!("at least {}\n", times.total_ns())
//!     }
//!     ExitProgress::Zombie | ExitProgress::Reaped => {
//!         pr_info!("exactly {}\n", cputime::thread_times(thread).total_ns())
//!     }
//! }
//! ```

use super::{barrier::smp_rmb, pid::Pid, read_once::read_once};
use kernel::{bindings, task::Task};

/// Returns whether `task` is neither a zombie nor reaped.
#[inline(always)]
pub(crate) fn is_alive(task: &Task) -> bool {
    // SAFETY: A `&Task` is a live `task_struct`, also after the task has ended.
    unsafe { read_once!(task.as_ptr(), exit_state) == 0 }
}

/// Returns whether `task` is alive and `pid` is still its own.
///
/// The PID of a thread changes if the thread calls `exec`: it takes over the PID of the leader,
/// which has ended by then (`de_thread()`).
#[inline(always)]
pub(crate) fn is_alive_with_pid(task: &Task, pid: &Pid) -> bool {
    // SAFETY: A `&Task` is a live `task_struct`. The pointer is compared and not dereferenced.
    is_alive(task) && unsafe { read_once!(task.as_ptr(), thread_pid) == pid.as_ptr() }
}

/// How far the end of a task has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitProgress {
    /// The task is alive, or is a zombie that still runs the last part of its exit: its CPU time
    /// can grow.
    Running,
    /// The task is a zombie and has left the CPU for good: its CPU time is final.
    Zombie,
    /// Either a parent is reaping the task: the CPU time that the parent gets is decided, but
    /// cannot be read yet. Or the task has been reaped, by its parent or by itself, and still runs
    /// the last part of its exit.
    Reaping,
    /// The task has been reaped and has left the CPU for good: its CPU time is final.
    Reaped,
}

/// Returns how far the end of `task` itself has come, whatever the other threads of its process do.
pub(crate) fn progress(task: &Task) -> ExitProgress {
    let task = task.as_ptr();
    // SAFETY: A `&Task` is a live `task_struct`, also after the task has ended.
    unsafe {
        // The order of the reads matters. A task whose state is `TASK_DEAD` is not preempted any
        // more: if it is seen off the CPU after that, it stays off. If it is seen as a zombie after
        // that, its CPU time is final.
        let is_dead = read_once!(task, __state) & bindings::TASK_DEAD != 0;
        smp_rmb();
        let is_off = is_dead && read_once!(task, on_cpu) == 0;
        smp_rmb();
        let is_zombie = match read_once!(task, exit_state) as u32 {
            0 => return ExitProgress::Running,
            state => state == bindings::EXIT_ZOMBIE,
        };
        match (is_zombie, is_off) {
            (true, true) => ExitProgress::Zombie,
            (true, false) => ExitProgress::Running,
            (false, true) if read_once!(task, sighand).is_null() => {
                // Pairs with the release in `__exit_signal()`: the caller sees all that the reaping
                // wrote before it.
                smp_rmb();
                ExitProgress::Reaped
            }
            (false, _) => ExitProgress::Reaping,
        }
    }
}

/// Returns whether a thread of the process of `task` has not begun to exit (`signal->live`).
pub(crate) fn has_live_thread(task: &Task) -> bool {
    // SAFETY: As in `process_threads`.
    unsafe { read_once!(read_once!(task.as_ptr(), signal), live.counter) != 0 }
}

/// Returns the number of threads of the process of `task`, including threads that have ended but
/// have not been reaped.
pub(crate) fn process_threads(task: &Task) -> u32 {
    // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
    // freed.
    unsafe { read_once!(read_once!(task.as_ptr(), signal), nr_threads) as u32 }
}
