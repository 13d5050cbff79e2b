// SPDX-License-Identifier: GPL-2.0

//! A range of time.

/// A range of time, in microseconds since boot. `from_us` is not later than `to_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from_us: u64,
    pub to_us: u64,
}

impl Window {
    /// All times.
    pub const EVERYTHING: Self = Self {
        from_us: 0,
        to_us: u64::MAX,
    };

    /// Returns the length in microseconds.
    pub fn length_us(&self) -> u64 {
        self.to_us.saturating_sub(self.from_us)
    }

    /// Returns whether a time is in the window. Both ends are.
    pub fn contains(&self, time_us: u64) -> bool {
        (self.from_us..=self.to_us).contains(&time_us)
    }
}
