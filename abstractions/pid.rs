// SPDX-License-Identifier: GPL-2.0

//! Process numbers, which a namespace each has its own of, and the tasks that they name.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h).

use core::ptr::NonNull;
use kernel::{
    bindings,
    pid_namespace::PidNamespace,
    sync::aref::{ARef, AlwaysRefCounted},
    task::Task,
    types::Opaque,
};

/// The kernel's `struct pid`: one task's numbers, never another's, also when a number is used again.
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

    /// The numbers of the process of `task`; `None` once it has been reaped.
    pub(crate) fn of_process(task: &Task) -> Option<ARef<Self>> {
        Self::of(task, bindings::pid_type_PIDTYPE_TGID)
    }

    /// The numbers of the thread `task`; `None` once it has been reaped.
    pub(crate) fn of_thread(task: &Task) -> Option<ARef<Self>> {
        Self::of(task, bindings::pid_type_PIDTYPE_PID)
    }

    fn of(task: &Task, kind: bindings::pid_type) -> Option<ARef<Self>> {
        // SAFETY: The task is live; the call returns a reference that we own, or null.
        Self::own(unsafe { bindings::get_task_pid(task.as_ptr(), kind) })
    }

    /// Takes over a reference.
    fn own(pid: *mut bindings::pid) -> Option<ARef<Self>> {
        // SAFETY: The callers pass null, or a pointer with a reference that they own.
        NonNull::new(pid.cast()).map(|pid| unsafe { ARef::from_raw(pid) })
    }

    /// The pointer, for C.
    pub(super) fn as_ptr(&self) -> *mut bindings::pid {
        self.0.get()
    }

    /// The number in `namespace`; `None` where the task is not seen from there.
    pub(crate) fn number_in(&self, namespace: &PidNamespace) -> Option<i32> {
        // SAFETY: Both are live.
        let number = unsafe { bindings::pid_nr_ns(self.as_ptr(), namespace.as_ptr()) };
        (number != 0).then_some(number)
    }

    /// The number in the initial namespace, which every task has.
    pub(crate) fn global_number(&self) -> i32 {
        // SAFETY: `self` is live, and the initial namespace is there for ever.
        unsafe { bindings::pid_nr_ns(self.as_ptr(), &raw mut bindings::init_pid_ns) }
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

/// Whether `namespace` is the initial one, which sees all tasks.
pub(crate) fn is_initial(namespace: &PidNamespace) -> bool {
    core::ptr::eq(namespace.as_ptr(), &raw const bindings::init_pid_ns)
}
