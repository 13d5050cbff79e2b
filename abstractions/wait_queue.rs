// SPDX-License-Identifier: GPL-2.0

//! A wait queue with killable waits, and waits until a deadline.
//!
//! The `kernel` crate has no such waits. [`CondVar`] has no killable wait, and its timeouts are in
//! jiffies from now. [`Completion`] has only one wait, which is uninterruptible and has no timeout.
//!
//! C headers: [`include/linux/wait.h`](srctree/include/linux/wait.h),
//! [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h).
//!
//! [`CondVar`]: kernel::sync::CondVar
//! [`Completion`]: kernel::sync::Completion
//!
//! # Examples
//!
//! ```ignore
//! #[pin_data]
//! struct Buffer {
//!     #[pin]
//!     bytes: SpinLock<KVec<u8>>,
//!     #[pin]
//!     filled: WaitQueue,
//! }
//!
//! impl Buffer {
//!     fn new() -> impl PinInit<Self> {
//!         pin_init!(Self {
//!             bytes <- new_spinlock!(KVec::new()),
//!             filled <- WaitQueue::new(c"Buffer::filled", static_lock_class!()),
//!         })
//!     }
//!
//!     fn wait(&self) -> Result {
//!         self.filled.wait_killable(|| !self.bytes.lock().is_empty())
//!     }
//!
//!     fn fill(&self, bytes: KVec<u8>) {
//!         *self.bytes.lock() = bytes;
//!         self.filled.wake_all();
//!     }
//! }
//! ```

use super::kthread::Current;
use kernel::{bindings, prelude::*, str::CStr, sync::LockClassKey, types::Opaque};

/// A wait queue: tasks wait in it for a condition, which they check again at each wakeup.
///
/// Any number of tasks may wait and wake at the same time.
///
/// # Invariants
///
/// - `head` was initialised by `__init_waitqueue_head()` and is pinned: `Opaque` is not `Unpin`,
///   and the only constructor is [`new`](Self::new).
/// - Each entry in the queue is on the stack of a call of a method of this type, which borrows
///   `self`. So there is no entry when the queue is dropped.
/// - No entry is exclusive, so that each wakeup wakes all waiters.
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A `wait_queue_head` belongs to no thread, and no waiter is left when it is dropped.
unsafe impl Send for WaitQueue {}
// SAFETY: All access to a `wait_queue_head` is under the lock that is part of it.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// Creates an initialiser of an empty queue. `name` and `key` are the lockdep class of its
    /// lock.
    pub(crate) fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        pin_init!(Self {
            head <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid and pinned; the name and the key are static.
                unsafe { bindings::__init_waitqueue_head(slot, name.as_char_ptr(), key.as_ptr()) }
            }),
        })
    }

    /// Wakes all waiters, which then check their conditions again. May be called from any context
    /// but NMI.
    pub(crate) fn wake_all(&self) {
        // SAFETY: By the type invariant the queue is initialised. The key is not used by the
        // entries' function, `autoremove_wake_function()`.
        unsafe {
            bindings::__wake_up(
                self.head.get(),
                bindings::TASK_NORMAL,
                0,
                core::ptr::null_mut(),
            )
        };
    }

    /// Waits until `condition` is true, like `wait_event_killable()` of C. Code that makes the
    /// condition true calls [`wake_all`](Self::wake_all) afterwards.
    ///
    /// `condition` runs with the task's state set for the sleep: it may take spinlocks, and must
    /// not sleep.
    ///
    /// Sleeps, so that no spinlock may be held. Fails with `EINTR` if the process is being killed
    /// and the condition is not true.
    pub(crate) fn wait_killable(&self, mut condition: impl FnMut() -> bool) -> Result {
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: `entry` is on this stack and stays where it is until this function returns.
        unsafe { bindings::init_wait_entry(entry.get(), 0) };
        loop {
            // SAFETY: By the type invariant the queue is initialised, and `entry` was initialised
            // above. If the entry is already in the queue, the call leaves it there.
            let is_killed = unsafe {
                bindings::prepare_to_wait_event(
                    self.head.get(),
                    entry.get(),
                    bindings::TASK_KILLABLE as c_int,
                )
            } != 0;
            let is_true = condition();
            if is_true || is_killed {
                // SAFETY: As above. The call removes the entry from the queue if it is in it, and
                // sets the task's state to running, also if `prepare_to_wait_event()` failed and
                // left that.
                unsafe { bindings::finish_wait(self.head.get(), entry.get()) };
                return if is_true { Ok(()) } else { Err(EINTR) };
            }
            // SAFETY: May be called in process context. The task is in the queue, so `wake_all`
            // wakes it.
            unsafe { bindings::schedule() };
        }
    }

    /// Sleeps until the deadline, until `condition` is true, or until the kernel thread should
    /// stop.
    ///
    /// - `me` is the current kernel thread. The sleep does not count towards the load average.
    /// - `deadline_ns` is a time of the monotonic clock in nanoseconds. If it is `None`, there is
    ///   no deadline.
    /// - `condition` is checked first and after each wakeup. It runs with the task's state set for
    ///   the sleep: it may take spinlocks, and must not sleep.
    pub(crate) fn sleep_until(
        &self,
        me: &Current,
        deadline_ns: Option<u64>,
        mut condition: impl FnMut() -> bool,
    ) {
        let mut expires = deadline_ns.map(|ns| ns as bindings::ktime_t);
        let expires = match &mut expires {
            Some(expires) => core::ptr::from_mut(expires),
            None => core::ptr::null_mut(),
        };
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: By the type invariant the queue is initialised. `entry` stays on this stack until
        // `finish_wait()` has removed it from the queue. `expires` is null or points to a live
        // `ktime_t`. A `condition` that sleeps against the rule leaves the task running, so that
        // `schedule` returns early; nothing else follows.
        unsafe {
            bindings::init_wait(entry.get());
            loop {
                bindings::prepare_to_wait(
                    self.head.get(),
                    entry.get(),
                    bindings::TASK_IDLE as c_int,
                );
                if me.should_stop() || condition() {
                    break;
                }
                // 0: the deadline has passed.
                if bindings::schedule_hrtimeout_range(
                    expires,
                    0,
                    bindings::hrtimer_mode_HRTIMER_MODE_ABS,
                ) == 0
                {
                    break;
                }
            }
            bindings::finish_wait(self.head.get(), entry.get());
        }
    }
}
