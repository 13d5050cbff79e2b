// SPDX-License-Identifier: GPL-2.0

//! A check that C and the bindings agree on the layout of the structures that this module reads.
//!
//! bindgen drops the alignment of an empty C structure. In a kernel without `CONFIG_SCHEDSTATS`,
//! `struct sched_statistics` is empty, and all members of `struct task_struct` after it have wrong
//! offsets in the bindings. The check compares what C functions return for the current task with
//! what is read through the bindings. The `kernel` crate has no such check, although it reads some
//! of these members too ([`Task::pid`]).

use super::{
    cputime::task_cputime_adjusted, read_once::read_once, task_identity::has_cgroup_ids,
    upid::has_namespace_ids,
};
use core::ptr::addr_of;
use kernel::{bindings, task::Task};

/// What to do if the check fails.
///
/// With `CONFIG_SCHEDSTATS` that structure is not empty. Then the bindings are most likely those of
/// another kernel, for example of the same version with another configuration.
pub(crate) const REMEDY: &str = if cfg!(CONFIG_SCHEDSTATS) {
    "build the module for exactly this kernel, from its source and its configuration"
} else {
    "build the kernel with CONFIG_SCHEDSTATS, and the module for that kernel"
};

/// Checks the structures. Fails with the name of the first member that is not where the bindings
/// have it. Must be called in process context.
pub(crate) fn check() -> Result<(), &'static str> {
    // SAFETY: The `task_struct` of the current task is live. A missing alignment makes offsets
    // smaller, so that all members that are read are within `task_struct`. Pointers that are read
    // from it are only compared, except `signal`: if that is wrong, `copy_from_kernel_nofault()`
    // returns an error.
    unsafe {
        let task = Task::current_raw();
        let init_ns = &raw mut bindings::init_pid_ns;
        let thread = bindings::get_task_pid(task, bindings::pid_type_PIDTYPE_PID);
        let process = bindings::get_task_pid(task, bindings::pid_type_PIDTYPE_TGID);
        let (tid, tgid) = (
            bindings::pid_nr_ns(thread, init_ns),
            bindings::pid_nr_ns(process, init_ns),
        );
        bindings::put_pid(thread);
        bindings::put_pid(process);
        if (*task).pid != tid || (*task).tgid != tgid || (*task).thread_pid != thread {
            return Err("task_struct::pid");
        }
        let mut found: *mut bindings::pid = core::ptr::null_mut();
        let signal = (*task).signal;
        let pids = addr_of!((*signal).pids[bindings::pid_type_PIDTYPE_TGID as usize]);
        let is_unreadable = bindings::copy_from_kernel_nofault(
            (&raw mut found).cast(),
            pids.cast(),
            size_of_val(&found),
        ) != 0;
        if is_unreadable || found != process {
            return Err("signal_struct::pids");
        }
        // `task_cputime_adjusted()` splits the run time, which never falls, and stores the result
        // in `prev_cputime`.
        let before = read_once!(task, se.sum_exec_runtime);
        let (mut user, mut system) = (0, 0);
        task_cputime_adjusted(task.cast(), &mut user, &mut system);
        let stored = (*task).prev_cputime;
        if user + system < before || stored.utime < user || stored.stime < system {
            return Err("task_struct::prev_cputime");
        }
    }
    if !has_namespace_ids() {
        return Err("ns_common::ns_id");
    }
    if !has_cgroup_ids() {
        return Err("cgroup::kn");
    }
    Ok(())
}
