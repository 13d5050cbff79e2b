// SPDX-License-Identifier: GPL-2.0

//! The processes of the machine, and who is whose child.
//!
//! `tasklist_lock`, which protects the lists of all tasks and of children, is not exported. So this
//! walks as `/proc` does (`next_tgid()` in fs/proc/base.c): from one PID to the next, under RCU. A
//! process that is created meanwhile is found or not, one that lives all the time is found.
//!
//! The `kernel` crate's [`Task`] has no parent, and the crate has no way to find other tasks.
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h),
//! [`include/linux/sched.h`](srctree/include/linux/sched.h).
//!
//! # Examples
//!
//! ```ignore
//! let rcu = rcu::read_lock();
//! process_tree::find_process(1, 100, &rcu, |process| {
//!     let parent = process_tree::parent(process, &rcu);
//!     pr_info!("{} is a child of {}\n", tgid(process), parent.map_or(0, tgid));
//!     None::<()>
//! });
//! ```

use super::{pid::Pid, read_once::read_once};
use core::ptr::{addr_of, NonNull};
use kernel::{
    bindings,
    sync::{aref::ARef, rcu},
    task::Task,
};

/// Calls `select` for the leader of each process whose PID in the initial namespace is `from` or
/// greater, in ascending order, until it returns something. Passes `count` PIDs at most, those of
/// threads included.
///
/// Returns what `select` returned, and the PID to continue from; `None` after the last PID.
pub(crate) fn find_process<R>(
    from: i32,
    count: usize,
    _rcu: &rcu::Guard,
    mut select: impl FnMut(&Task) -> Option<R>,
) -> (Option<R>, Option<i32>) {
    let init_ns = &raw mut bindings::init_pid_ns;
    let mut from = from;
    for _ in 0..count {
        // SAFETY: The initial namespace is static. The caller is in an RCU read-side critical
        // section, which keeps the `struct pid` and its task valid.
        let (number, leader) = unsafe {
            let pid = bindings::find_ge_pid(from, init_ns);
            if pid.is_null() {
                return (None, None);
            }
            let leader = bindings::pid_task(pid, bindings::pid_type_PIDTYPE_TGID);
            (bindings::pid_nr_ns(pid, init_ns), leader)
        };
        let Some(next) = number.checked_add(1) else {
            return (None, None);
        };
        from = next;
        // CAST: `Task` is a transparent wrapper of `task_struct`.
        // SAFETY: As above: null, or a task that is valid until the end of the critical section.
        let leader = NonNull::new(leader.cast::<Task>()).map(|leader| unsafe { leader.as_ref() });
        let selected = leader.and_then(&mut select);
        if selected.is_some() {
            return (selected, Some(from));
        }
    }
    (None, Some(from))
}

/// Returns the parent of `task`: the thread that forked it, or the one that it was reparented to
/// (`real_parent`). Returns `None` if `task` has been reaped, and for the first task of the kernel.
pub(crate) fn parent<'a>(task: &'a Task, _rcu: &'a rcu::Guard) -> Option<&'a Task> {
    let task = task.as_ptr();
    // SAFETY: A `&Task` is a live `task_struct`. If it has its PID, it has not been reaped, and
    // `real_parent` is a task that is not freed before the end of the RCU read-side critical
    // section: a parent is reaped after its children have got another one (`task_ppid_nr_ns()`
    // relies on the same). CAST: `Task` is a transparent wrapper of `task_struct`.
    let parent = unsafe {
        if read_once!(task, thread_pid).is_null() {
            return None;
        }
        NonNull::new(read_once!(task, real_parent).cast::<Task>())?.as_ref()
    };
    (parent.as_ptr() != task && parent.pid() != 0).then_some(parent)
}

/// Returns the `struct pid` of the parent's process; `None` like [`parent`].
pub(crate) fn parent_pid(task: &Task) -> Option<ARef<Pid>> {
    Pid::of_process(parent(task, &rcu::read_lock())?)
}

/// Returns whether `thread` has children, that is, whether it is the [`parent`] of a task. It can
/// change at any time, unless `thread` is the current task and no child of it has ended or forks.
pub(crate) fn has_children(thread: &Task) -> bool {
    let thread = thread.as_ptr();
    // SAFETY: A `&Task` is a live `task_struct`. The pointer is compared and not dereferenced, like
    // `list_empty()` of C does without a lock.
    unsafe {
        let children = addr_of!((*thread).children);
        !core::ptr::eq(read_once!(thread, children.next).cast_const(), children)
    }
}
