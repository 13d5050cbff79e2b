// SPDX-License-Identifier: GPL-2.0

//! The unit of the time axis, and its labels.

/// A unit of time.
pub struct TimeUnit {
    pub per_second: f64,
    /// The name of the axis.
    pub name: &'static str,
}

impl TimeUnit {
    /// Returns the unit for a time axis of that length.
    pub fn for_range(seconds: f64) -> Self {
        let (per_second, name) = match seconds {
            ..1.0 => (1000.0, "time since the first sample, ms"),
            1.0..600.0 => (1.0, "time since the first sample, s"),
            600.0..36_000.0 => (1.0 / 60.0, "time since the first sample, min"),
            _ => (1.0 / 3600.0, "time since the first sample, h"),
        };
        Self { per_second, name }
    }
}

/// Returns a number with up to three decimals, without trailing zeros.
pub fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
