// SPDX-License-Identifier: GPL-2.0

//! Notices of the end of one task: when it became a zombie, and whether its parent reaped it.
//!
//! The `kernel` crate has no notices of this kind. Here they come through an entry in `wait_pidfd`
//! of `struct pid`, the wait queue in which poll() on a pidfd waits. The kernel wakes that queue
//! for every task and in every code path that makes one of these changes:
//!
//! - `do_notify_pidfd()` wakes it with a key: the task is a zombie. For a process,
//!   `do_notify_parent()` calls that function when the leader is the last thread left (in
//!   `exit_notify()`, or in `release_task()` of the last other thread), and again whenever the
//!   zombie gets another parent. It also calls it for a leader that is traced while other threads
//!   are left.
//! - `__unhash_process()` wakes it without a key: the current task is reaping the task. The CPU
//!   time that the task has consumed was added to the signal structure of its process just before.
//!
//! Both are called with `tasklist_lock` held for writing and interrupts off. So the notices of one
//! task come one at a time, and in this order.
//!
//! The notice that a process is a zombie does not show whether a parent will get its totals:
//! between the notice and the reaping, the parent may die, be replaced, ignore SIGCHLD, or stop
//! tracing. The task that reaps the process shows it, see [`ExitNotice::is_reported`].
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h),
//! [`include/linux/wait.h`](srctree/include/linux/wait.h).
//!
//! # Examples
//!
//! ```ignore
//! let notice = KBox::pin_init(ExitNotice::new(pid, true), GFP_KERNEL)?;
//! // Later:
//! match notice.zombie() {
//!     Some(zombie) => pr_info!("the process ended at {} us\n", zombie.at_us),
//!     None => pr_info!("the process runs\n"),
//! }
//! ```

use super::{
    clock, cputime,
    pid::Pid,
    read_once::{load_relaxed, read_once, store_relaxed},
    task_identity::{self, Name, NAME_LEN},
};
use core::ptr::NonNull;
use kernel::{
    bindings, container_of,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{Acquire, Atomic, Release},
    },
    task::Task,
    types::Opaque,
};

/// The notices of the end of one task that have come.
///
/// # Invariants
///
/// - From its initialisation until this value is dropped, `entry` is in the `wait_pidfd` queue of
///   `pid`, to which this value owns a reference. It is pinned, so that the pointers of its
///   neighbours in the queue stay valid. If the value is leaked, the entry stays and so does the
///   reference.
/// - The callback writes atomics only. It may have a shared reference while an exclusive one
///   exists, because the type is not `Unpin`: it contains an `Opaque`.
#[pin_data(PinnedDrop)]
pub(crate) struct ExitNotice {
    #[pin]
    entry: Opaque<bindings::wait_queue_entry>,
    pid: ARef<Pid>,
    is_process: bool,
    /// 1 once the process has been reaped by its parent, which got its totals; before that 0.
    is_reported: Atomic<i32>,
    /// When the task became a zombie, in microseconds since boot; 0 if no notice of that has come.
    zombie_us: Atomic<u64>,
    /// The run time of the task, or of all threads of the process, that was booked by then, in
    /// nanoseconds. The scheduler books it at ticks and task switches.
    booked_ns: Atomic<u64>,
    /// The part of `booked_ns` that belongs to threads that had been reaped before.
    reaped_threads_ns: Atomic<u64>,
    /// The address of the task that became a zombie. It is only compared, and not dereferenced.
    zombie: Atomic<usize>,
    /// The bytes of its command name.
    name: [Atomic<u64>; 2],
    /// The ID of its cgroup; 0: it has none.
    cgroup: Atomic<u64>,
    wait_status: Atomic<i32>,
}

// SAFETY: An entry may be removed from its queue in any thread.
unsafe impl Send for ExitNotice {}
// SAFETY: The entry is accessed with the lock of the queue held only, and all else that the
// callback writes is atomic.
unsafe impl Sync for ExitNotice {}

/// The notice that a task has become a zombie.
#[derive(Clone, Copy)]
pub(crate) struct Zombie {
    /// When the task became a zombie, in microseconds since boot.
    pub(crate) at_us: u64,
    /// The run time of the other threads of the process, all of which had been reaped, in
    /// nanoseconds.
    pub(crate) reaped_threads_ns: u64,
    /// The task's command name.
    pub(crate) name: Name,
    /// The ID of the task's cgroup; `None` in a kernel without cgroups.
    pub(crate) cgroup: Option<u64>,
    /// The wait status of the task or, if it is a process, of that.
    pub(crate) wait_status: i32,
    /// The task's address.
    task: usize,
}

impl Zombie {
    /// Returns whether the zombie is `task`, and not another leader of its process.
    pub(crate) fn is(&self, task: &Task) -> bool {
        self.task == task.as_ptr().addr()
    }
}

impl ExitNotice {
    /// Creates an initialiser of a value that gets the notices of the process with that `pid`, or
    /// of the thread with that `pid` if `is_process` is false. Notices before the initialisation
    /// are missed.
    ///
    /// The initialisation takes the lock of the `wait_pidfd` queue, an ordinary spinlock, and does
    /// not sleep.
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
            name: [Atomic::new(0), Atomic::new(0)],
            cgroup: Atomic::new(0),
            wait_status: Atomic::new(0),
        })
        .pin_chain(move |this| {
            // SAFETY: The queue is part of a `struct pid` to which `queued` is a reference. The
            // entry is pinned, and `drop` removes it from the queue.
            // INVARIANT: The entry is in the queue of `pid` from now on.
            unsafe { bindings::add_wait_queue(Self::queue(&queued), this.entry.get()) };
            Ok(())
        })
    }

    /// Returns the `pid` that was passed to [`new`](Self::new).
    #[inline(always)]
    pub(crate) fn pid(&self) -> &ARef<Pid> {
        &self.pid
    }

    /// Returns the notice that the task has become a zombie; `None` if it has not come.
    pub(crate) fn zombie(&self) -> Option<Zombie> {
        // Pairs with the release in `note_zombie`.
        let at_us = self.zombie_us.load(Acquire);
        if at_us == 0 {
            return None;
        }
        let mut name = [0; NAME_LEN];
        for (bytes, part) in name.chunks_exact_mut(8).zip(&self.name) {
            bytes.copy_from_slice(&load_relaxed(part).to_le_bytes());
        }
        let cgroup = load_relaxed(&self.cgroup);
        Some(Zombie {
            at_us,
            reaped_threads_ns: load_relaxed(&self.reaped_threads_ns),
            name,
            cgroup: (cgroup != 0).then_some(cgroup),
            wait_status: load_relaxed(&self.wait_status),
            task: load_relaxed(&self.zombie),
        })
    }

    /// Returns whether the process was reaped by its parent, which got its totals. If so, its
    /// `prev_cputime` holds these totals. The caller must have seen before that the process has
    /// been reaped.
    ///
    /// `wait_task_zombie()` computes the totals of a process (`thread_group_cputime_adjusted()`)
    /// and then reaps it. The task that runs this is a thread of the real parent. All others reap a
    /// leader without computing its totals: the process itself (`exit_notify()`), its last other
    /// thread (`release_task()`), a parent that is itself exiting (`forget_original_parent()`), and
    /// a tracer. A parent can also reap without a wait (`__ptrace_detach()` by a parent that traces
    /// and ignores SIGCHLD). Then `prev_cputime` holds the totals of an earlier read, which are
    /// less than what was booked when the process became a zombie.
    pub(crate) fn is_reported(&self) -> bool {
        // Pairs with the release in `note_reaping`.
        self.is_reported.load(Acquire) != 0
    }

    fn queue(pid: &Pid) -> *mut bindings::wait_queue_head {
        // SAFETY: By the invariants of `Pid` it is a live `struct pid`.
        unsafe { &raw mut (*pid.as_ptr()).wait_pidfd }
    }

    /// The function of the entry; the head of this file says when it is called. It wakes no task.
    ///
    /// # Safety
    ///
    /// Only for `__wake_up()` of the queue to call, for the `entry` of an `ExitNotice`.
    unsafe extern "C" fn notify(
        entry: *mut bindings::wait_queue_entry,
        _mode: c_uint,
        _flags: c_int,
        key: *mut c_void,
    ) -> c_int {
        // SAFETY: By the type invariant the entry is part of a live `ExitNotice`: `drop` removes it
        // with the lock of the queue held, which `__wake_up()` holds now.
        let notice = unsafe { &*container_of!(Opaque::cast_from(entry), Self, entry) };
        let kind = if notice.is_process {
            bindings::pid_type_PIDTYPE_TGID
        } else {
            bindings::pid_type_PIDTYPE_PID
        };
        // SAFETY: The `struct pid` is live. Its lists of tasks change with `tasklist_lock` held for
        // writing only, which the current task holds, so that the task that is found stays valid.
        // At the reaping `__unhash_process()` wakes the queue before it removes the leader from the
        // list PIDTYPE_TGID.
        let task = unsafe { bindings::pid_task(notice.pid.as_ptr(), kind) };
        // CAST: `Task` is a transparent wrapper of `task_struct`.
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

    /// Stores that `task` is a zombie, at the first notice at which no other thread is left.
    fn note_zombie(&self, task: &Task) {
        let reaped_threads_ns = match (self.is_process, cputime::reaped_threads_runtime_ns(task)) {
            (false, _) => 0,
            (true, Some(reaped_threads_ns)) => reaped_threads_ns,
            // The leader is traced and other threads are left: a later notice follows.
            (true, None) => return,
        };
        if load_relaxed(&self.zombie_us) == 0 {
            let booked_ns = reaped_threads_ns + cputime::thread_runtime_ns(task);
            store_relaxed(&self.booked_ns, booked_ns);
            store_relaxed(&self.reaped_threads_ns, reaped_threads_ns);
            store_relaxed(&self.zombie, task.as_ptr().addr());
            let name = task_identity::name(task);
            for (bytes, part) in name.chunks_exact(8).zip(&self.name) {
                let part_of_name = bytes
                    .iter()
                    .rfold(0, |part, byte| part << 8 | u64::from(*byte));
                store_relaxed(part, part_of_name);
            }
            let cgroup = task_identity::cgroup_id(task);
            store_relaxed(&self.cgroup, cgroup.unwrap_or(0));
            let wait_status = task_identity::wait_status(task, self.is_process);
            store_relaxed(&self.wait_status, wait_status);
            // Pairs with the acquire in `zombie`.
            self.zombie_us.store(clock::boottime_us(), Release);
        }
    }

    /// Stores whether the current task, which is reaping `leader`, has reported the totals.
    fn note_reaping(&self, leader: &Task) {
        let current = Task::current_raw();
        // SAFETY: Both are live tasks, which keep their signal structures. `real_parent` changes
        // with `tasklist_lock` held for writing only, which the current task holds. It is a live
        // task until the child has been reaped.
        let is_parent = unsafe {
            let parent = read_once!(leader.as_ptr(), real_parent);
            current != leader.as_ptr()
                && read_once!(current, flags) & bindings::PF_EXITING == 0
                && read_once!(current, signal) == read_once!(parent, signal)
        };
        let booked_ns = load_relaxed(&self.booked_ns);
        if is_parent && cputime::reported_process_times(leader).total_ns() >= booked_ns {
            // Pairs with the acquire in `is_reported`.
            self.is_reported.store(1, Release);
        }
    }
}

#[pinned_drop]
impl PinnedDrop for ExitNotice {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant the entry is in the queue of `pid`. It is removed with the
        // lock of the queue held, so that afterwards the callback is not running and is not called
        // any more.
        unsafe { bindings::remove_wait_queue(Self::queue(&self.pid), self.entry.get()) };
    }
}
