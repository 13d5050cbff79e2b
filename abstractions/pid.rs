// SPDX-License-Identifier: GPL-2.0

//! `struct pid`, and the tasks that it leads to.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h).

use core::ptr::NonNull;
use kernel::{
    bindings,
    sync::aref::{ARef, AlwaysRefCounted},
    task::Task,
    types::Opaque,
};

/// The kernel's `struct pid`: the PIDs of one task, one in each namespace that sees it. It is never
/// used for another task, also when a PID is.
///
/// A reference to it keeps the PID namespaces of the task alive. The PIDs alone are kept as
/// [`Numbers`](super::pid_numbers::Numbers).
///
/// # Invariants
///
/// It is a `struct pid` of the kernel's, which stays where it is, and whose `count` is not 0 as long as
/// there is a reference to this. A leaked reference keeps it for ever; nothing of ours is called by it.
#[repr(transparent)]
pub(crate) struct Pid(Opaque<bindings::pid>);

// SAFETY: A `struct pid` is reference-counted and may be used and let go of from any thread.
unsafe impl Send for Pid {}
// SAFETY: As above; what is read of it never changes.
unsafe impl Sync for Pid {}

// SAFETY: `count` keeps a `struct pid` alive, and `put_pid` lets go of one count.
unsafe impl AlwaysRefCounted for Pid {
    fn inc_ref(&self) {
        // SAFETY: `self` is a live `struct pid`.
        unsafe { bindings::refcount_inc(&raw mut (*self.0.get()).count) };
    }

    unsafe fn dec_ref(pid: NonNull<Self>) {
        // SAFETY: The caller owns a reference.
        unsafe { bindings::put_pid(pid.as_ptr().cast()) };
    }
}

impl Pid {
    /// The task that the current process knows by `number`.
    pub(crate) fn find(number: i32) -> Option<ARef<Self>> {
        // SAFETY: May be called with any number; returns a reference, or null.
        Self::own(unsafe { bindings::find_get_pid(number) })
    }

    /// The PID of the process of `task`; `None` once it has been reaped.
    pub(crate) fn of_process(task: &Task) -> Option<ARef<Self>> {
        let kind = bindings::pid_type_PIDTYPE_TGID;
        // SAFETY: The task is live; the call returns a reference that we own, or null.
        Self::own(unsafe { bindings::get_task_pid(task.as_ptr(), kind) })
    }

    /// Takes over a reference.
    fn own(pid: *mut bindings::pid) -> Option<ARef<Self>> {
        // SAFETY: The callers pass null, or a pointer with a reference that they own.
        NonNull::new(pid.cast()).map(|pid| unsafe { ARef::from_raw(pid) })
    }

    /// The pointer, for C.
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut bindings::pid {
        self.0.get()
    }

    /// The identity of this `struct pid`: its inode number in pidfs (`pidfs_alloc_ino()` in
    /// fs/pidfs.c), which no other one ever gets until the machine is booted again.
    pub(super) fn id(&self) -> u64 {
        // SAFETY: `self` is live. `alloc_pid()` sets the number before anybody can find the PID, and
        // nobody changes it.
        unsafe { (*self.as_ptr()).__bindgen_anon_1.ino }
    }

    /// The PID in the initial namespace, which every task has.
    pub(crate) fn global(&self) -> i32 {
        self.levels().first().map_or(0, |first| first.nr)
    }

    /// The PIDs in the namespaces of each level, from the initial one on.
    pub(super) fn levels(&self) -> &[bindings::upid] {
        // SAFETY: `self` is live; `numbers` has an entry for each level up to `level`
        // (`alloc_pid()`), and nobody changes them.
        unsafe {
            let pid = self.as_ptr();
            (*pid).numbers.as_slice((*pid).level as usize + 1)
        }
    }

    /// The leader of the process of that number, dead or alive, until it is reaped.
    pub(crate) fn leader(&self) -> Option<ARef<Task>> {
        self.task(bindings::pid_type_PIDTYPE_TGID)
    }

    /// The thread of that number, dead or alive, until it is reaped.
    pub(crate) fn thread(&self) -> Option<ARef<Task>> {
        self.task(bindings::pid_type_PIDTYPE_PID)
    }

    fn task(&self, kind: bindings::pid_type) -> Option<ARef<Task>> {
        // SAFETY: `self` is live; the call returns a task with a reference that we own, or null.
        let task = unsafe { bindings::get_pid_task(self.as_ptr(), kind) };
        // SAFETY: As above. `Task` is a transparent wrapper.
        NonNull::new(task.cast()).map(|task| unsafe { ARef::from_raw(task) })
    }
}
