// SPDX-License-Identifier: GPL-2.0

//! Whether the C structures are laid out as the bindings have it.
//!
//! bindgen drops the alignment of an empty C struct. In a kernel without `CONFIG_SCHEDSTATS`,
//! `struct sched_statistics` is one, and all that comes after it in `struct task_struct` is
//! elsewhere. What C says of the current task tells.

use core::ptr::{addr_of, read_volatile};
use kernel::bindings;

/// Checks the structures that are read through the bindings. Fails with the name of what is not
/// where it should be. May sleep.
pub(crate) fn check() -> Result<(), &'static str> {
    // SAFETY: The current task does not go away. What is read of it as a pointer is not followed,
    // but through a function that survives a wrong one.
    unsafe {
        let task = bindings::get_current();
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
        let unreadable = bindings::copy_from_kernel_nofault(
            (&raw mut found).cast(),
            pids.cast(),
            size_of_val(&found),
        );
        if unreadable != 0 || found != process {
            return Err("signal_struct::pids");
        }
        // What C computes from the run time it leaves in `prev_cputime`.
        let before = read_volatile(addr_of!((*task).se.sum_exec_runtime));
        let (mut user, mut system) = (0, 0);
        super::cputime::task_cputime_adjusted(task.cast(), &mut user, &mut system);
        let left = (*task).prev_cputime;
        if user + system < before || left.utime < user || left.stime < system {
            return Err("task_struct::prev_cputime");
        }
    }
    if !super::pid_numbers::has_namespace_ids() {
        return Err("ns_common::ns_id");
    }
    Ok(())
}
