// SPDX-License-Identifier: GPL-2.0

//! Whether the current task is being killed.
//!
//! The `kernel` crate has [`signal_pending`](kernel::task::Task::signal_pending), which is true for
//! any signal. It has no `fatal_signal_pending()`, which is an inline function in C.
//!
//! C header: [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).
//!
//! # Examples
//!
//! ```ignore
//! for chunk in chunks {
//!     yield_unless_killed()?;
//!     process(chunk);
//! }
//! ```

use core::ptr::addr_of;
use kernel::{
    bindings, current,
    prelude::*,
    task::{self, Task},
};

/// Gives up the CPU if the scheduler wants that. May sleep. Fails with `EINTR` if the current
/// process is being killed.
pub(crate) fn yield_unless_killed() -> Result {
    task::might_sleep();
    if fatal_signal_pending() {
        return Err(EINTR);
    }
    Ok(())
}

/// Returns whether a `SIGKILL` is pending for the current task, like `fatal_signal_pending()` of C.
/// May be called in process context.
fn fatal_signal_pending() -> bool {
    // This tests one flag of the thread, which is nearly always clear.
    if !current!().signal_pending() {
        return false;
    }
    const SIGNAL: usize = bindings::SIGKILL as usize - 1;
    const BITS: usize = c_ulong::BITS as usize;
    // SAFETY: The `task_struct` of the current task is live. Other CPUs set bits of the field with
    // `siglock` held, at any time. C reads it without that lock in `__fatal_signal_pending()`; this
    // read is volatile for the same reason.
    let pending = unsafe {
        let task = Task::current_raw();
        addr_of!((*task).pending.signal.sig[SIGNAL / BITS]).read_volatile()
    };
    pending & (1 << (SIGNAL % BITS)) != 0
}
