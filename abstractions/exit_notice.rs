// SPDX-License-Identifier: GPL-2.0

//! The kernel's notices of the end of one task: when it became a zombie, and who reaped it.
//!
//! An entry in the wait queue that poll() on a pidfd waits in, `struct pid::wait_pidfd`. The kernel
//! wakes that queue, in the middle of what it tells about, for every task and from every path:
//!
//! - `do_notify_pidfd()`, with a key: the task is a zombie. For a process, `do_notify_parent()` calls
//!   it when the leader is the last thread left (`exit_notify()`, or `release_task()` of the last
//!   other thread), and again whenever the zombie gets another parent; also for a leader that is
//!   traced, while other threads are left.
//! - `__unhash_process()`, without a key: the task is being reaped, by the current one. What the
//!   process has consumed has just been added to its signal structure.
//!
//! In both cases `tasklist_lock` is held for writing, with interrupts off. So the notices of one task
//! come one at a time, and in this order.
//!
//! Whether a parent was given the totals of a process cannot be known from who was going to be
//! notified: between the notice and the reaping a parent may die, be replaced, ignore SIGCHLD, or stop
//! tracing. It can be known from who reaps, see [`ExitNotice::is_reported`].
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h),
//! [`include/linux/wait.h`](srctree/include/linux/wait.h).

use super::{cputime, once::read_once, pid::Pid};
use core::ptr::NonNull;
use kernel::{
    bindings, container_of,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{Acquire, Atomic, Relaxed, Release},
    },
    task::Task,
    types::Opaque,
};

/// What the kernel has said of the end of one task.
///
/// # Invariants
///
/// `entry` is in the `wait_pidfd` queue of `pid`, which is referenced, from initialisation until the
/// value is dropped. It is pinned, so the pointers of its neighbours stay right; leaking the value
/// leaks the reference and the entry together. The type is not `Unpin` (`Opaque`), so that an exclusive
/// reference to it may exist while the callback has a shared one; the callback writes atomics only.
#[pin_data(PinnedDrop)]
pub(crate) struct ExitNotice {
    #[pin]
    entry: Opaque<bindings::wait_queue_entry>,
    pid: ARef<Pid>,
    is_process: bool,
    /// Whether the process has been reaped by its parent, which was given its totals.
    is_reported: Atomic<i32>,
    /// When the task became a zombie, microseconds since boot; 0: no notice of that has come.
    zombie_us: Atomic<u64>,
    /// What was booked for the task, or for all threads of the process, by then, nanoseconds. It is
    /// brought up to date at ticks and switches only.
    booked_ns: Atomic<u64>,
    /// The part of that which threads had used that were reaped before.
    reaped_threads_ns: Atomic<u64>,
    /// The address of the task that became a zombie, for comparison only.
    zombie: Atomic<usize>,
}

// SAFETY: Wait queues do their own locking; what the callback writes is atomic.
unsafe impl Send for ExitNotice {}
// SAFETY: As above.
unsafe impl Sync for ExitNotice {}

/// The moment at which a task became a zombie.
#[derive(Clone, Copy)]
pub(crate) struct Zombie {
    /// Microseconds since boot.
    pub(crate) at_us: u64,
    /// What the other threads of the process had used, all of which had been reaped; nanoseconds.
    pub(crate) reaped_threads_ns: u64,
    task: usize,
}

impl Zombie {
    /// Whether it was `task` that became one, and not another leader of its process.
    pub(crate) fn is(&self, task: &Task) -> bool {
        self.task == task.as_ptr().addr()
    }
}

impl ExitNotice {
    /// Waits for the notices of the task that `pid` leads to: of the process that it leads, or of one
    /// thread. What has happened before is missed.
    ///
    /// May be called from any context in which `pid`'s `wait_pidfd` lock may be taken, an ordinary
    /// spinlock.
    pub(crate) fn new(pid: ARef<Pid>, is_process: bool) -> impl PinInit<Self> {
        let queued = pid.clone();
        pin_init!(Self {
            entry: Opaque::new(bindings::wait_queue_entry {
                func: Some(Self::notify),
                ..Default::default()
            }),
            pid,
            is_process,
            is_reported: Atomic::new(0),
            zombie_us: Atomic::new(0),
            booked_ns: Atomic::new(0),
            reaped_threads_ns: Atomic::new(0),
            zombie: Atomic::new(0),
        })
        .pin_chain(move |this| {
            // SAFETY: The queue is part of a live `struct pid`. The entry is pinned, and taken out
            // again before it goes.
            unsafe { bindings::add_wait_queue(Self::queue(&queued), this.entry.get()) };
            Ok(())
        })
    }

    /// The PID that was given to [`new`](Self::new).
    #[inline(always)]
    pub(crate) fn pid(&self) -> &ARef<Pid> {
        &self.pid
    }

    /// When the task became a zombie; `None` where no notice of that has come.
    pub(crate) fn zombie(&self) -> Option<Zombie> {
        // Pairs with the release in `note_zombie`.
        let at_us = self.zombie_us.load(Acquire);
        (at_us != 0).then(|| Zombie {
            at_us,
            reaped_threads_ns: self.reaped_threads_ns.load(Relaxed),
            task: self.zombie.load(Relaxed),
        })
    }

    /// Whether the process has been reaped by its parent, which was given its totals, so that these
    /// are what is left in its `prev_cputime`.
    ///
    /// `wait_task_zombie()` asks for the totals of a process (`thread_group_cputime_adjusted()`) and
    /// reaps it in the task that waits, a thread of the real parent. Whoever else reaps a leader does
    /// so without asking: the process itself (`exit_notify()`), its last other thread
    /// (`release_task()`), a parent that is itself exiting (`forget_original_parent()`), a tracer.
    /// Where a parent reaps without having waited (`__ptrace_detach()` by a parent that traces and
    /// ignores SIGCHLD), the totals left are those of an earlier question, less than what was booked
    /// when the process became a zombie.
    ///
    /// To be called once the task is seen to have been reaped.
    pub(crate) fn is_reported(&self) -> bool {
        // Pairs with the release in `note_reaping`.
        self.is_reported.load(Acquire) != 0
    }

    fn queue(pid: &Pid) -> *mut bindings::wait_queue_head {
        // SAFETY: `pid` is live.
        unsafe { &raw mut (*pid.as_ptr()).wait_pidfd }
    }

    /// The wait queue function, see the head of this file. Wakes nobody.
    ///
    /// # Safety
    ///
    /// To be called by `__wake_up()` of the queue, for the `entry` of an `ExitNotice`.
    unsafe extern "C" fn notify(
        entry: *mut bindings::wait_queue_entry,
        _mode: c_uint,
        _flags: c_int,
        key: *mut c_void,
    ) -> c_int {
        // SAFETY: By the type invariant the entry is that of a live notice: `drop` takes it out under
        // the lock of the queue, which is held now.
        let notice = unsafe { &*container_of!(Opaque::cast_from(entry), Self, entry) };
        let kind = if notice.is_process {
            bindings::pid_type_PIDTYPE_TGID
        } else {
            bindings::pid_type_PIDTYPE_PID
        };
        // SAFETY: The lists of a live `struct pid` change with `tasklist_lock` held for writing, which
        // the current task has, and so the task that is found cannot go. At the reaping
        // `__unhash_process()` wakes the queue before it takes the leader from PIDTYPE_TGID.
        let task = unsafe { bindings::pid_task(notice.pid.as_ptr(), kind) };
        // CAST: `Task` is a transparent wrapper.
        let Some(task) = NonNull::new(task.cast::<Task>()) else {
            return 0;
        };
        // SAFETY: As above.
        let task = unsafe { task.as_ref() };
        if !key.is_null() {
            notice.note_zombie(task);
        } else if notice.is_process {
            notice.note_reaping(task);
        }
        0
    }

    /// Notes that `task` is a zombie, the first time that it is and no other thread is left.
    fn note_zombie(&self, task: &Task) {
        let reaped_threads_ns = match (self.is_process, cputime::alone(task)) {
            (false, _) => 0,
            (true, Some(reaped_threads_ns)) => reaped_threads_ns,
            // A leader that is traced, and other threads live on.
            (true, None) => return,
        };
        if self.zombie_us.load(Relaxed) == 0 {
            let booked_ns = reaped_threads_ns + cputime::thread_runtime_ns(task);
            self.booked_ns.store(booked_ns, Relaxed);
            self.reaped_threads_ns.store(reaped_threads_ns, Relaxed);
            self.zombie.store(task.as_ptr().addr(), Relaxed);
            // Pairs with the acquire in `zombie`.
            self.zombie_us.store(super::clock::boottime_us(), Release);
        }
    }

    /// Notes that `leader` is being reaped by the current task.
    fn note_reaping(&self, leader: &Task) {
        let current = Task::current_raw();
        // SAFETY: Both tasks are live, and keep their signal structures. `real_parent` changes with
        // `tasklist_lock` held for writing, which the current task has, and is a live task as long as
        // the child has not been reaped.
        let is_parent = unsafe {
            let parent = read_once!(leader.as_ptr(), real_parent);
            current != leader.as_ptr()
                && read_once!(current, flags) & bindings::PF_EXITING == 0
                && read_once!(current, signal) == read_once!(parent, signal)
        };
        let booked_ns = self.booked_ns.load(Relaxed);
        if is_parent && cputime::process_times_told(leader).total_ns() >= booked_ns {
            // Pairs with the acquire in `is_reported`.
            self.is_reported.store(1, Release);
        }
    }
}

#[pinned_drop]
impl PinnedDrop for ExitNotice {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant the entry is in the queue of this PID. Once it has been taken
        // out, under the lock of the queue, the callback is not running and is not called any more.
        unsafe { bindings::remove_wait_queue(Self::queue(&self.pid), self.entry.get()) };
    }
}
