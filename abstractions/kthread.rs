// SPDX-License-Identifier: GPL-2.0

//! Kernel threads, and the bell by which one is woken.
//!
//! C headers: [`include/linux/kthread.h`](srctree/include/linux/kthread.h),
//! [`include/linux/wait.h`](srctree/include/linux/wait.h),
//! [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h).

use core::ptr::NonNull;
use kernel::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    str::CStr,
    sync::{Arc, LockClassKey},
    types::{NotThreadSafe, Opaque},
};

/// What a [`KThread`] runs.
pub(crate) trait Run: Send + Sync {
    /// The thread's whole life; returns soon after [`Current::should_stop`] becomes true.
    fn run(&self, me: &Current);
}

/// A running kernel thread. Dropping it asks the thread to stop and waits until it has.
///
/// # Invariants
///
/// `task` is the thread, with a reference to it; it runs `body.run()`.
pub(crate) struct KThread<T: Run> {
    task: NonNull<bindings::task_struct>,
    _body: Arc<T>,
}

// SAFETY: A thread may be stopped from any thread; `T` is `Send + Sync`.
unsafe impl<T: Run> Send for KThread<T> {}
// SAFETY: As above.
unsafe impl<T: Run> Sync for KThread<T> {}

impl<T: Run> KThread<T> {
    /// Starts a thread called `name`, which does not count into the load average while it sleeps.
    ///
    /// May sleep. Fails with `ENOMEM`, or with `EINTR` when the caller is being killed.
    pub(crate) fn spawn(name: &CStr, body: Arc<T>) -> Result<Self> {
        // SAFETY: `entry::<T>` is called with `data`, if at all, before `kthread_stop()` returns,
        // and `Self` keeps the body alive until then. The name is copied.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(Self::entry),
                core::ptr::from_ref::<T>(&body).cast_mut().cast(),
                bindings::NUMA_NO_NODE,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        })?;
        // SAFETY: The thread was just created and does not run yet, so the task is alive.
        let task = unsafe {
            bindings::get_task_struct(task);
            bindings::wake_up_process(task);
            NonNull::new_unchecked(task)
        };
        Ok(Self { task, _body: body })
    }

    /// The thread's function.
    ///
    /// # Safety
    ///
    /// `data` is a `T` that stays alive until the thread has ended.
    unsafe extern "C" fn entry(data: *mut c_void) -> c_int {
        // SAFETY: `data` is the body, alive until this thread has been stopped (see `spawn`).
        let body = unsafe { &*data.cast::<T>() };
        body.run(&Current(NotThreadSafe));
        0
    }
}

impl<T: Run> Drop for KThread<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant we own a reference to the task.
        unsafe {
            bindings::kthread_stop(self.task.as_ptr());
            bindings::put_task_struct(self.task.as_ptr());
        }
    }
}

/// Evidence that the current task is a [`KThread`].
pub(crate) struct Current(NotThreadSafe);

impl Current {
    /// Whether somebody wants the thread to end.
    pub(crate) fn should_stop(&self) -> bool {
        // SAFETY: The current task is a kernel thread made by `kthread_create_on_node`.
        unsafe { bindings::kthread_should_stop() }
    }

    /// Lets others run, where the scheduler wants that. Not with a spinlock held.
    pub(crate) fn reschedule(&self) {
        kernel::task::might_sleep();
    }
}

/// A wait queue for one sleeper, who sleeps until a moment comes or somebody rings.
#[pin_data]
pub(crate) struct Bell {
    #[pin]
    queue: Opaque<bindings::wait_queue_head>,
}

// SAFETY: Wait queues do their own locking.
unsafe impl Send for Bell {}
// SAFETY: As above.
unsafe impl Sync for Bell {}

impl Bell {
    /// A bell that nobody listens to.
    pub(crate) fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        pin_init!(Self {
            queue <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid and pinned, the name and the key are static.
                unsafe { bindings::__init_waitqueue_head(slot, name.as_char_ptr(), key.as_ptr()) }
            }),
        })
    }

    /// Wakes the sleeper. May be called from any context.
    pub(crate) fn ring(&self) {
        // SAFETY: The queue was initialised by `new`.
        unsafe {
            bindings::__wake_up(
                self.queue.get(),
                bindings::TASK_NORMAL,
                1,
                core::ptr::null_mut(),
            )
        };
    }

    /// Sleeps until `deadline_ns` by the monotonic clock (`None`: without end), until `called` is true, or until the thread
    /// is to stop. `called` is asked after each ring, and must not sleep.
    pub(crate) fn sleep_until(
        &self,
        me: &Current,
        deadline_ns: Option<u64>,
        mut called: impl FnMut() -> bool,
    ) {
        let mut expires = deadline_ns.map(|ns| ns as bindings::ktime_t);
        let expires = match &mut expires {
            Some(expires) => core::ptr::from_mut(expires),
            None => core::ptr::null_mut(),
        };
        let wait = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: `wait` lives on this stack until `finish_wait`, and the queue as long as `self`.
        // `called` runs in the sleeping state, which the caller was told about.
        unsafe {
            bindings::init_wait(wait.get());
            loop {
                bindings::prepare_to_wait(
                    self.queue.get(),
                    wait.get(),
                    bindings::TASK_IDLE as c_int,
                );
                if me.should_stop() || called() {
                    break;
                }
                // Zero: the moment has come.
                if bindings::schedule_hrtimeout_range(
                    expires,
                    0,
                    bindings::hrtimer_mode_HRTIMER_MODE_ABS,
                ) == 0
                {
                    break;
                }
            }
            bindings::finish_wait(self.queue.get(), wait.get());
        }
    }
}
