// SPDX-License-Identifier: GPL-2.0

//! How tasks end: what `kernel/exit.c` makes of them, up to the reaping.
//!
//! C headers: [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).

use super::{once::read_once, pid::Pid, seqlock};
use core::ptr::addr_of;
use kernel::{bindings, sync::rcu, task::Task};

/// Whether `task` has not ended, and `pid` is still its number (an `exec` by another thread of a
/// process takes the leader's number away from it).
pub(crate) fn lives_as(task: &Task, pid: &Pid) -> bool {
    let task = task.as_ptr();
    // SAFETY: The task is live memory; the number is compared only.
    unsafe { read_once!(task, exit_state) == 0 && read_once!(task, thread_pid) == pid.as_ptr() }
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
            (false, true) if read_once!(task, sighand).is_null() => End::Reaped,
            (false, _) => End::Reaping,
        }
    }
}

/// How many threads the process of `task` has, zombies included, until they are reaped.
pub(crate) fn process_threads(task: &Task) -> u32 {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe { read_once!(read_once!(task.as_ptr(), signal), nr_threads) as u32 }
}

/// Whether nobody will wait for `leader`, a process's: it reaps itself when it ends, as things are.
///
/// As `do_notify_parent()` decides: a parent that ignores `SIGCHLD`, or wants no zombies, or a
/// process that was cloned to go by itself. `false` once it has been reaped.
pub(crate) fn is_unattended(leader: &Task, _rcu: &rcu::Guard) -> bool {
    /// How C spells a `sa_handler` that ignores (`SIG_IGN`).
    const IGNORE: usize = 1;

    let leader = leader.as_ptr();
    // SAFETY: The task is live memory and keeps its signal structure. A task that has not been
    // reaped is handed on before its parent is, and what it points to then stays under RCU, as does
    // a parent's `sighand`.
    unsafe {
        let parent = read_once!(leader, real_parent);
        seqlock::read_barrier();
        if read_once!(leader, sighand).is_null() || read_once!(leader, ptrace) != 0 {
            return false;
        }
        let signal = read_once!(leader, signal);
        if bindings::signal_struct::autoreap_raw(signal) != 0 {
            return true;
        }
        let handlers = read_once!(parent, sighand);
        if read_once!(leader, exit_signal) as u32 != bindings::SIGCHLD || handlers.is_null() {
            return false;
        }
        let actions = addr_of!((*handlers).action).cast::<bindings::k_sigaction>();
        let action = actions.add(bindings::SIGCHLD as usize - 1);
        let handler = addr_of!((*action).sa.sa_handler).cast::<usize>();
        handler.read_volatile() == IGNORE
            || read_once!(action, sa.sa_flags) & bindings::SA_NOCLDWAIT as usize != 0
    }
}
