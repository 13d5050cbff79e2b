// SPDX-License-Identifier: GPL-2.0

//! The time since boot as a number.
//!
//! [`kernel::time::Instant`] gives the difference of two times only. The clock sources under it give the
//! time since boot, which is what these functions return.
//!
//! # Examples
//!
//! ```ignore
//! let begin_ns = clock::monotonic_ns();
//! work();
//! pr_info!("{} ns, at {} us\n", clock::monotonic_ns() - begin_ns, clock::boottime_us());
//! ```

use kernel::time::{BootTime, ClockSource, Monotonic};

/// Returns the microseconds since boot, suspended time included (`CLOCK_BOOTTIME`), like the start time
/// in `/proc/PID/stat`. May be called from any context but NMI.
#[inline]
pub(crate) fn boottime_us() -> u64 {
    // The clock is never negative.
    BootTime::ktime_get() as u64 / 1000
}

/// Returns the nanoseconds since boot, suspended time excluded (`CLOCK_MONOTONIC`): the clock of timers.
/// May be called from any context but NMI.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    // As above.
    Monotonic::ktime_get() as u64
}
