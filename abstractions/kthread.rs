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

/// What a [`KThread`] runs. It borrows nothing, as a thread that is leaked goes on.
pub(crate) trait Run: Send + Sync + 'static {
    /// The thread's whole life; returns soon after [`Current::should_stop`] becomes true.
    fn run(&self, me: &Current);
}

/// A running kernel thread. Dropping it asks the thread to stop and waits until it has; not to be done
/// by the thread itself.
///
/// # Invariants
///
/// - `task` is the thread, with a reference to it, which keeps the structure also after the thread has
///   ended; it runs `body.run()`.
/// - The thread refers to the body, and not to this value, which may be moved. `_body` is let go of after
///   the thread has ended, and never where this is leaked; as the body is `'static`, it stays whole.
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
        // SAFETY: `entry` is called with `data`, if at all, before `kthread_stop()` returns, and
        // `Self` keeps the body alive until then; where this call fails, `entry` is never called
        // (`kthread()` ends before it when the creator was killed). The name is copied.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(Self::entry),
                Arc::as_ptr(&body).cast_mut().cast(),
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

    /// Sets the thread's scheduling policy: `SCHED_FIFO` with that priority, 1 to 99 (higher ones count
    /// as 99), or `SCHED_NORMAL` if it is 0.
    ///
    /// In force when it returns, also where the thread is runnable and gets no CPU: a task's policy is
    /// changed by the caller, with the lock of its run queue (`__sched_setscheduler()`). Not to be called
    /// from an interrupt or with a spinlock held.
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
        // SAFETY: By the type invariant we own a reference to the task, which may be dead. The attributes
        // are valid for the call. A policy that goes with its priority is refused for the kernel's stop
        // threads alone.
        unsafe { bindings::sched_setattr_nocheck(self.task.as_ptr(), attributes) };
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

/// `struct sched_attr` of [`include/uapi/linux/sched/types.h`](srctree/include/uapi/linux/sched/types.h),
/// which the bindings do not have. Part of the interface to user space, so that it can only grow at its
/// end, and the scheduler looks at what is there for some policies and flags only.
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
/// Made by [`KThread::entry`] alone, which lends it to the body for its run: it is neither `Send` nor
/// `Sync`, so that no other thread gets at it.
pub(crate) struct Current(NotThreadSafe);

impl Current {
    /// Whether somebody wants the thread to end.
    pub(crate) fn should_stop(&self) -> bool {
        // SAFETY: By the type invariant the current task is a kernel thread made by
        // `kthread_create_on_node`.
        unsafe { bindings::kthread_should_stop() }
    }

    /// Lets others run, where the scheduler wants that. Not with a spinlock held.
    pub(crate) fn reschedule(&self) {
        kernel::task::might_sleep();
    }
}

/// A wait queue for one sleeper, who sleeps until a moment comes or somebody rings.
///
/// # Invariants
///
/// `queue` was initialised where it is, and stays there (`Opaque` is not `Unpin`, and it is only made by
/// [`Bell::new`]). An entry is in it only during a call of [`Bell::sleep_until`], which borrows the bell,
/// so that there is none when it goes. Any number of threads may ring and sleep.
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
        // SAFETY: `wait` stays on this stack until `finish_wait` has taken it out of the queue, which
        // lives as long as `self`. Where `called` sleeps in spite of what it was asked, the task wakes
        // up sooner, and nothing worse.
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
