// SPDX-License-Identifier: GPL-2.0

//! The time since boot as a number.
//!
//! The public methods of [`kernel::time::Instant`] return differences of two times only. These
//! functions return the value of the clock itself, from the [`ClockSource`]s that `Instant` uses.
//!
//! # Examples
//!
//! ```ignore
//! let begin_ns = clock::monotonic_ns();
//! work();
//! pr_info!("{} ns, at {} us\n", clock::monotonic_ns() - begin_ns, clock::boottime_us());
//! ```

use kernel::time::{BootTime, ClockSource, Monotonic};

/// Returns the microseconds since boot, suspended time included (`CLOCK_BOOTTIME`), like the start
/// time in `/proc/PID/stat`. May be called from any context but NMI.
#[inline]
pub(crate) fn boottime_us() -> u64 {
    // CAST: The clock is never negative.
    BootTime::ktime_get() as u64 / 1000
}

/// Returns the nanoseconds since boot, suspended time excluded (`CLOCK_MONOTONIC`): the clock of
/// timers. May be called from any context but NMI.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    // CAST: As above.
    Monotonic::ktime_get() as u64
}
