// SPDX-License-Identifier: GPL-2.0

//! Clocks, as numbers: `kernel::time::Instant` tells no absolute time.
//!
//! C header: [`include/linux/timekeeping.h`](srctree/include/linux/timekeeping.h).

use kernel::bindings;

/// Microseconds since boot, suspended time included (`CLOCK_BOOTTIME`), as the starttime in
/// /proc/PID/stat.
#[inline]
pub(crate) fn boottime_us() -> u64 {
    // SAFETY: May be called from any context. The clock starts at 0 and does not go back.
    unsafe { bindings::ktime_get_with_offset(bindings::tk_offsets_TK_OFFS_BOOT) as u64 / 1000 }
}

/// Nanoseconds by the clock of timers (`CLOCK_MONOTONIC`), which stands still during suspend.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    // SAFETY: As above.
    unsafe { bindings::ktime_get() as u64 }
}
