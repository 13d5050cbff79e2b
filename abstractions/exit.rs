// SPDX-License-Identifier: GPL-2.0

//! How tasks end: what `kernel/exit.c` makes of them, up to the reaping.
//!
//! C headers: [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).

use super::{once::read_once, pid::Pid, seqlock};
use kernel::{bindings, task::Task};

/// Whether `task` has not ended.
#[inline(always)]
pub(crate) fn lives(task: &Task) -> bool {
    // SAFETY: The task is live memory.
    unsafe { read_once!(task.as_ptr(), exit_state) == 0 }
}

/// Whether `task` has not ended, and `pid` is still its own. A thread that calls `exec` gets the PID of
/// its process; the leader from which it takes that has ended by then (`de_thread()`).
#[inline(always)]
pub(crate) fn lives_as(task: &Task, pid: &Pid) -> bool {
    // SAFETY: The task is live memory; the pointer is compared only.
    lives(task) && unsafe { read_once!(task.as_ptr(), thread_pid) == pid.as_ptr() }
}

/// How far a task's end has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It runs still, if only its way out.
    Coming,
    /// It is a zombie and has left the CPU for good: nothing will be added to its times.
    Final,
    /// A parent is taking it just now, what that is told is settled, but not to be read yet; or it has
    /// been taken, or gone by itself, and still runs the last of its way out.
    Reaping,
    /// It has been reaped, and nothing will be added to its times.
    Reaped,
}

/// How far the end of `task` itself has come.
pub(crate) fn end_of(task: &Task) -> End {
    let task = task.as_ptr();
    // SAFETY: The task is live memory.
    unsafe {
        // In this order: a task that is dead by its state is not preempted any more, so that off the
        // CPU it is there for good; and a zombie that was so before we look at it has all its times.
        let is_dead = read_once!(task, __state) & bindings::TASK_DEAD != 0;
        seqlock::read_barrier();
        let is_off = is_dead && read_once!(task, on_cpu) == 0;
        seqlock::read_barrier();
        let is_zombie = match read_once!(task, exit_state) as u32 {
            0 => return End::Coming,
            state => state == bindings::EXIT_ZOMBIE,
        };
        match (is_zombie, is_off) {
            (true, true) => End::Final,
            (true, false) => End::Coming,
            (false, true) if read_once!(task, sighand).is_null() => {
                // Pairs with the release in `__exit_signal()`: what is read from now on was written
                // by the reaping.
                seqlock::read_barrier();
                End::Reaped
            }
            (false, _) => End::Reaping,
        }
    }
}

/// How many threads the process of `task` has, zombies included, until they are reaped.
pub(crate) fn process_threads(task: &Task) -> u32 {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe { read_once!(read_once!(task.as_ptr(), signal), nr_threads) as u32 }
}
