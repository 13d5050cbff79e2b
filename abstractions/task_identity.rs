// SPDX-License-Identifier: GPL-2.0

//! The identity of a task: its name, its cgroup, the time at which it began, its wait status.
//!
//! All of it stays readable for as long as there is a reference to the `task_struct`, also after
//! the task has been reaped. The `kernel` crate's [`Task`] has none of it.
//!
//! C headers: [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h),
//! [`include/linux/cgroup-defs.h`](srctree/include/linux/cgroup-defs.h).
//!
//! # Examples
//!
//! ```ignore
//! pr_info!("began at {} us\n", task_identity::started_us(task));
//! ```

use super::read_once::read_once;
use kernel::{bindings, prelude::*, sync::rcu, task::Task};

/// The length of a command name (`TASK_COMM_LEN`), of which the last byte is 0.
pub(crate) const NAME_LEN: usize = 16;

/// A command name (`comm`), padded with zeroes.
pub(crate) type Name = [u8; NAME_LEN];

/// Returns the command name of `task`.
///
/// Like `get_task_comm()`, this takes no lock: if the name is being changed, the result can be a
/// mixture of both. `__set_task_comm()` never writes to the last byte, which is 0.
pub(crate) fn name(task: &Task) -> Name {
    let mut name = [0; NAME_LEN];
    for (index, byte) in name.iter_mut().take(NAME_LEN - 1).enumerate() {
        // SAFETY: A `&Task` is a live `task_struct`, and `comm` has `NAME_LEN` bytes.
        *byte = unsafe { read_once!(task.as_ptr(), comm[index]) } as u8;
        if *byte == 0 {
            break;
        }
    }
    name
}

/// Returns when `task` began, in microseconds since boot, as `/proc/PID/stat` has it. For a process
/// this is when its first leader began, also after another thread has called `exec`
/// (`de_thread()`).
pub(crate) fn started_us(task: &Task) -> u64 {
    // SAFETY: A `&Task` is a live `task_struct`.
    unsafe { read_once!(task.as_ptr(), start_boottime) / 1000 }
}

/// Returns the wait status of `task`, which has ended: what `wait_task_zombie()` reports of a
/// process to its parent, or the exit code of one thread if `is_process` is false.
pub(crate) fn wait_status(task: &Task, is_process: bool) -> i32 {
    let task = task.as_ptr();
    // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
    // freed.
    unsafe {
        let signal = read_once!(task, signal);
        if is_process && read_once!(signal, flags) & bindings::SIGNAL_GROUP_EXIT != 0 {
            read_once!(signal, group_exit_code)
        } else {
            read_once!(task, exit_code)
        }
    }
}

/// Returns the ID of the cgroup of `task` in the hierarchy of cgroup v2, which is the inode number
/// of the cgroup's directory: the cgroup in which the task is or in which it ended. `None` in a
/// kernel without cgroups.
#[cfg(CONFIG_CGROUPS)]
pub(crate) fn cgroup_id(task: &Task) -> Option<u64> {
    let _rcu = rcu::read_lock();
    // SAFETY: A `&Task` is a live `task_struct`, which has a reference to its `css_set` until it is
    // freed (`cgroup_task_free()`). If the task is moved meanwhile, the old `css_set`, its cgroup
    // and the kernfs node of that are freed after an RCU grace period at the earliest
    // (`put_css_set_locked()`, `css_release_work_fn()`).
    Some(unsafe { id_of_node(read_once!(task.as_ptr(), cgroups)) })
}

#[cfg(not(CONFIG_CGROUPS))]
pub(crate) fn cgroup_id(_task: &Task) -> Option<u64> {
    None
}

/// # Safety
///
/// `css_set` is live.
#[cfg(CONFIG_CGROUPS)]
unsafe fn id_of_node(css_set: *mut bindings::css_set) -> u64 {
    // SAFETY: By the safety requirement; neither the cgroup nor its node change.
    unsafe { (*(*(*css_set).dfl_cgrp).kn).id }
}

/// Returns whether the node of a cgroup is where [`cgroup_id`] looks for it: the node of the
/// current task's cgroup refers to that cgroup. May be called from any context.
#[cfg(CONFIG_CGROUPS)]
pub(super) fn has_cgroup_ids() -> bool {
    let _rcu = rcu::read_lock();
    let task = Task::current_raw();
    let mut cgroup: *mut bindings::cgroup = core::ptr::null_mut();
    let mut node: *mut bindings::kernfs_node = core::ptr::null_mut();
    let mut owner: *mut c_void = core::ptr::null_mut();
    // SAFETY: The current task is live, and `cgroups` is within it. If that is another member, or a
    // pointer that is read from there is wrong, `copy_from_kernel_nofault()` returns an error.
    unsafe {
        let css_set = read_once!(task, cgroups);
        let is_read = copy(&raw mut cgroup, &raw const (*css_set).dfl_cgrp)
            && copy(&raw mut node, &raw const (*cgroup).kn)
            && copy(&raw mut owner, &raw const (*node).priv_);
        is_read && core::ptr::eq(owner, cgroup.cast())
    }
}

#[cfg(not(CONFIG_CGROUPS))]
pub(super) fn has_cgroup_ids() -> bool {
    true
}

/// Copies a pointer from an address that may not be valid. Returns whether it is.
///
/// # Safety
///
/// `to` is valid for writes of a pointer.
#[cfg(CONFIG_CGROUPS)]
unsafe fn copy<T>(to: *mut *mut T, from: *const *mut T) -> bool {
    // SAFETY: By the safety requirement; the function may be called with any address to read from.
    unsafe { bindings::copy_from_kernel_nofault(to.cast(), from.cast(), size_of::<*mut T>()) == 0 }
}
