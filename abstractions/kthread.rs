// SPDX-License-Identifier: GPL-2.0

//! Kernel threads.
//!
//! The `kernel` crate has threads only for interrupt handlers and workqueues. A separate kernel
//! thread can sleep until a deadline, and can have a scheduling policy of its own.
//!
//! C headers: [`include/linux/kthread.h`](srctree/include/linux/kthread.h),
//! [`include/linux/sched.h`](srctree/include/linux/sched.h).
//!
//! # Examples
//!
//! ```ignore
//! struct Poller {
//!     device: Arc<Device>,
//! }
//!
//! impl Run for Poller {
//!     fn run(&self, me: &Current) {
//!         while !me.should_stop() {
//!             self.device.poll();
//!             fsleep(Delta::from_millis(100));
//!         }
//!     }
//! }
//!
//! let thread = KThread::spawn(c"poller", Arc::new(Poller { device }, GFP_KERNEL)?)?;
//! thread.set_realtime_priority(10);
//! // Stops the thread.
//! drop(thread);
//! ```

use core::ptr::NonNull;
use kernel::{
    bindings, error::from_err_ptr, prelude::*, str::CStr, sync::Arc, types::NotThreadSafe,
};

/// The body of a [`KThread`].
///
/// `'static`, because a thread whose [`KThread`] is leaked continues to run.
pub(crate) trait Run: Send + Sync + 'static {
    /// Runs in the thread, in process context. The thread ends when this returns. It must return
    /// soon after [`Current::should_stop`] becomes true.
    fn run(&self, me: &Current);
}

/// A kernel thread.
///
/// Dropping this stops the thread and waits until it has ended; it sleeps. The thread itself must
/// not drop it, because it would wait for itself.
///
/// # Invariants
///
/// - `task` is a task created by `kthread_create_on_node()`, which runs `body.run()`. This value
///   owns one reference to it, so that the structure stays valid after the thread has ended.
/// - The thread has a pointer to the content of `_body`, and none to this value, which may be
///   moved. `_body` is dropped after the thread has ended, and never if this value is leaked.
pub(crate) struct KThread<T: Run> {
    task: NonNull<bindings::task_struct>,
    _body: Arc<T>,
}

// SAFETY: `kthread_stop()` and `sched_setattr_nocheck()` may be called from any thread, and `T` is
// `Send + Sync`.
unsafe impl<T: Run> Send for KThread<T> {}
// SAFETY: As above.
unsafe impl<T: Run> Sync for KThread<T> {}

impl<T: Run> KThread<T> {
    /// Starts a thread that is called `name` and runs `body`.
    ///
    /// May sleep. Fails with `ENOMEM`, or with `EINTR` if the calling process is being killed.
    pub(crate) fn spawn(name: &CStr, body: Arc<T>) -> Result<Self> {
        // SAFETY: `entry` gets the content of `body`. It is called only before `kthread_stop()`
        // returns, and by the type invariant `Self` keeps the content alive until then. If this
        // call fails, `entry` is never called (`kthread()` ends before it if the creator was
        // killed). The name is copied.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(Self::entry),
                Arc::as_ptr(&body).cast_mut().cast(),
                bindings::NUMA_NO_NODE,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        })?;
        // SAFETY: The thread was just created and does not run yet, so that the task is alive and
        // not null.
        let task = unsafe {
            bindings::get_task_struct(task);
            bindings::wake_up_process(task);
            NonNull::new_unchecked(task)
        };
        // INVARIANT: `task` runs `body.run()`, and the reference was taken above.
        Ok(Self { task, _body: body })
    }

    /// Sets the thread's scheduling policy: `SCHED_NORMAL` if `priority` is 0, otherwise
    /// `SCHED_FIFO` with that priority, from 1 to 99. A larger value means 99.
    ///
    /// The policy is in force when this returns, even if the thread is runnable and gets no CPU:
    /// the calling task changes it, with the lock of the thread's run queue held
    /// (`__sched_setscheduler()`). Must not be called from an interrupt or with a spinlock held.
    pub(crate) fn set_realtime_priority(&self, priority: u8) {
        let attributes = SchedAttr {
            policy: if priority == 0 {
                bindings::SCHED_NORMAL
            } else {
                bindings::SCHED_FIFO
            },
            priority: u32::from(priority).min(bindings::MAX_RT_PRIO - 1),
            ..SchedAttr::default()
        };
        let attributes = core::ptr::from_ref(&attributes).cast();
        // SAFETY: By the type invariant this value owns a reference to the task, which may have
        // ended. The attributes are valid for the call. The result is ignored: the policy and the
        // priority fit each other, and the kernel refuses such a pair for its stop threads only.
        unsafe { bindings::sched_setattr_nocheck(self.task.as_ptr(), attributes) };
    }

    /// The thread's function.
    ///
    /// # Safety
    ///
    /// Only for the thread that [`spawn`](Self::spawn) creates. `data` points to a `T` that stays
    /// alive until the thread has ended.
    unsafe extern "C" fn entry(data: *mut c_void) -> c_int {
        // SAFETY: By the safety requirement.
        let body = unsafe { &*data.cast::<T>() };
        // INVARIANT: The current task is the kernel thread.
        body.run(&Current(NotThreadSafe));
        0
    }
}

impl<T: Run> Drop for KThread<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this value owns a reference to the task, which it gives up
        // here.
        unsafe {
            bindings::kthread_stop(self.task.as_ptr());
            bindings::put_task_struct(self.task.as_ptr());
        }
    }
}

/// `struct sched_attr` of
/// [`include/uapi/linux/sched/types.h`](srctree/include/uapi/linux/sched/types.h), which the
/// bindings do not have.
///
/// It is part of the interface to user space, so that fields can only be added at its end. The
/// scheduler reads such fields only for policies and flags that are not used here.
#[repr(C)]
#[derive(Default)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
    util_min: u32,
    util_max: u32,
}

/// Evidence that the current task is a [`KThread`].
///
/// # Invariants
///
/// The current task is a kernel thread created by [`KThread::spawn`]: only [`KThread::entry`]
/// creates this value and lends it to the body for its run, and it is neither `Send` nor `Sync`.
pub(crate) struct Current(NotThreadSafe);

impl Current {
    /// Returns whether the thread should stop.
    pub(crate) fn should_stop(&self) -> bool {
        // SAFETY: By the type invariant the current task is a kernel thread created by
        // `kthread_create_on_node()`.
        unsafe { bindings::kthread_should_stop() }
    }

    /// Yields the CPU if the scheduler has asked for it. Must not be called with a spinlock held.
    pub(crate) fn reschedule(&self) {
        kernel::task::might_sleep();
    }
}
