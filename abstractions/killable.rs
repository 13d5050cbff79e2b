// SPDX-License-Identifier: GPL-2.0

//! Waits that end when the waiting process is being killed, and whether it is.
//!
//! The `kernel` crate's `CondVar` and `Completion` have no killable wait.
//!
//! C headers: [`include/linux/wait.h`](srctree/include/linux/wait.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).

use core::ptr::addr_of;
use kernel::{bindings, current, prelude::*, str::CStr, sync::LockClassKey, types::Opaque};

/// Whether the current process is being killed, as `fatal_signal_pending()` of C, which is inline.
///
/// May be called in any task.
pub(crate) fn fatal_signal_pending() -> bool {
    // `signal_pending()` is a look at the thread's flags, which is enough nearly always.
    if !current!().signal_pending() {
        return false;
    }
    const SIGNAL: usize = bindings::SIGKILL as usize - 1;
    const BITS: usize = c_ulong::BITS as usize;
    // SAFETY: The current task stays while this runs. Others set bits there with a lock that C does
    // not take for this question either; the read is volatile, as theirs may come at any moment.
    let pending = unsafe {
        let task = bindings::get_current();
        addr_of!((*task).pending.signal.sig[SIGNAL / BITS]).read_volatile()
    };
    pending & (1 << (SIGNAL % BITS)) != 0
}

/// A wait queue whose waiters can be killed.
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: Wait queues do their own locking.
unsafe impl Send for WaitQueue {}
// SAFETY: As above.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// A queue in which nobody waits.
    pub(crate) fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        pin_init!(Self {
            head <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid and pinned, the name and the key are static.
                unsafe { bindings::__init_waitqueue_head(slot, name.as_char_ptr(), key.as_ptr()) }
            }),
        })
    }

    /// Wakes all who wait, so that they look at their conditions again. May be called from any
    /// context.
    pub(crate) fn wake_all(&self) {
        // SAFETY: The queue was initialised by `new`. Zero: all of them.
        unsafe {
            bindings::__wake_up(
                self.head.get(),
                bindings::TASK_NORMAL,
                0,
                core::ptr::null_mut(),
            )
        };
    }

    /// Waits until `condition` is true, as `wait_event_killable()` of C. Whoever makes it true calls
    /// [`wake_all`](Self::wake_all) afterwards.
    ///
    /// `condition` runs in the sleeping state, so it may take spinlocks but must not sleep. Sleeps,
    /// not with a spinlock held. Fails with `EINTR` when the process is being killed.
    pub(crate) fn wait_killable(&self, mut condition: impl FnMut() -> bool) -> Result {
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: `entry` is valid, and stays where it is until this returns.
        unsafe { bindings::init_wait_entry(entry.get(), 0) };
        loop {
            // SAFETY: The queue lives as long as `self`, and `entry` was initialised above. An entry
            // that is queued already stays so.
            let killed = unsafe {
                bindings::prepare_to_wait_event(
                    self.head.get(),
                    entry.get(),
                    bindings::TASK_KILLABLE as c_int,
                )
            } != 0;
            let is_true = condition();
            if is_true || killed {
                // SAFETY: As above. It takes the entry off the queue, if it is on it, and sets the
                // task running, also where the call before had failed and left it so.
                unsafe { bindings::finish_wait(self.head.get(), entry.get()) };
                return if is_true { Ok(()) } else { Err(EINTR) };
            }
            // SAFETY: The task is on a queue, from which it is woken.
            unsafe { bindings::schedule() };
        }
    }
}
