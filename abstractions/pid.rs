// SPDX-License-Identifier: GPL-2.0

//! `struct pid`, which identifies a task for as long as something refers to it.
//!
//! The `kernel` crate has PIDs only as numbers ([`kernel::task::Pid`]). A number can be reused for
//! another task, and the crate has no function that finds a task by it.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h).
//!
//! # Examples
//!
//! ```ignore
//! let pid = Pid::find(1234).ok_or(ESRCH)?;
//! let leader = pid.leader().ok_or(ESRCH)?;
//! pr_info!("process {} in the initial namespace\n", pid.global());
//! ```

use core::ptr::NonNull;
use kernel::{
    bindings,
    sync::aref::{ARef, AlwaysRefCounted},
    task::Task,
    types::Opaque,
};

/// The kernel's `struct pid`: the PIDs of one task, one in each namespace that sees it.
///
/// Two tasks that have the same PID at different times have different `struct pid`s. A reference to
/// one keeps the PID namespaces of its task alive; [`Upids`](super::upid::Upids) does not.
///
/// # Invariants
///
/// This is a `struct pid` of the kernel, which is not moved. Its `count` is not 0 as long as there
/// is a reference to it.
#[repr(transparent)]
pub(crate) struct Pid(Opaque<bindings::pid>);

// SAFETY: A `struct pid` may be used and its references be dropped in any thread.
unsafe impl Send for Pid {}
// SAFETY: As above. The methods read fields that never change, and call C functions that
// synchronise themselves.
unsafe impl Sync for Pid {}

// SAFETY: `count` keeps a `struct pid` alive, and `put_pid()` gives up one count.
unsafe impl AlwaysRefCounted for Pid {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant this is a live `struct pid` whose count is not 0.
        unsafe { bindings::refcount_inc(&raw mut (*self.0.get()).count) };
    }

    unsafe fn dec_ref(pid: NonNull<Self>) {
        // SAFETY: The caller owns a reference, which it gives up.
        unsafe { bindings::put_pid(pid.as_ptr().cast()) };
    }
}

impl Pid {
    /// Returns the `struct pid` for the PID `number` in the PID namespace of the current process.
    pub(crate) fn find(number: i32) -> Option<ARef<Self>> {
        // SAFETY: May be called with any number. Returns null or a reference, which is passed on.
        Self::own(unsafe { bindings::find_get_pid(number) })
    }

    /// Returns the `struct pid` of the process of `task`; `None` once that has been reaped.
    pub(crate) fn of_process(task: &Task) -> Option<ARef<Self>> {
        let kind = bindings::pid_type_PIDTYPE_TGID;
        // SAFETY: A `&Task` is a live task. Returns null or a reference, which is passed on.
        Self::own(unsafe { bindings::get_task_pid(task.as_ptr(), kind) })
    }

    /// Takes over a reference. `pid` is null, or a pointer for which the caller owns a reference.
    fn own(pid: *mut bindings::pid) -> Option<ARef<Self>> {
        // SAFETY: The two callers above pass such a pointer.
        NonNull::new(pid.cast()).map(|pid| unsafe { ARef::from_raw(pid) })
    }

    /// Returns the pointer for C.
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut bindings::pid {
        self.0.get()
    }

    /// Returns the identity of this `struct pid`: its inode number in pidfs, which no other `struct
    /// pid` gets until the next boot (`pidfs_alloc_ino()` in fs/pidfs.c).
    pub(super) fn id(&self) -> u64 {
        // SAFETY: By the type invariant this is a live `struct pid`. `alloc_pid()` sets the inode
        // number before the `struct pid` can be found, and it does not change.
        unsafe { (*self.as_ptr()).__bindgen_anon_1.ino }
    }

    /// Returns the PID in the initial namespace, which sees every task.
    pub(crate) fn global(&self) -> i32 {
        self.levels().first().map_or(0, |first| first.nr)
    }

    /// Returns the PIDs in the namespaces that see the task, by level, the initial namespace first.
    pub(super) fn levels(&self) -> &[bindings::upid] {
        // SAFETY: By the type invariant this is a live `struct pid`. `numbers` has an entry for
        // each level up to `level` (`alloc_pid()`), and they do not change.
        unsafe {
            let pid = self.as_ptr();
            (*pid).numbers.as_slice((*pid).level as usize + 1)
        }
    }

    /// Returns the leader of the process with this PID, alive or a zombie; `None` once it has been
    /// reaped.
    pub(crate) fn leader(&self) -> Option<ARef<Task>> {
        self.task(bindings::pid_type_PIDTYPE_TGID)
    }

    /// Returns the thread with this PID, alive or a zombie; `None` once it has been reaped.
    pub(crate) fn thread(&self) -> Option<ARef<Task>> {
        self.task(bindings::pid_type_PIDTYPE_PID)
    }

    fn task(&self, kind: bindings::pid_type) -> Option<ARef<Task>> {
        // SAFETY: By the type invariant this is a live `struct pid`.
        let task = unsafe { bindings::get_pid_task(self.as_ptr(), kind) };
        // CAST: `Task` is a transparent wrapper of `task_struct`.
        // SAFETY: The call returned null or a task with a reference, which is passed on.
        NonNull::new(task.cast()).map(|task| unsafe { ARef::from_raw(task) })
    }
}
