// SPDX-License-Identifier: GPL-2.0

//! Times as people say them: the clock of the machine, its corrections, and time zones.
//!
//! Samples have times since boot. A [`Clock`] is the same moment on both clocks. A [`WallClock`] has
//! all that are known of a history, and converts times in both directions. A [`Moment`] is a time as
//! it was typed.

mod moment;
mod search;
mod span;

use jiff::{tz::TimeZone, Timestamp};
pub use moment::Moment;
pub use span::parse as parse_length;
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

    /// Returns by how much the wall clock is ahead of the time since boot, in microseconds.
    pub fn offset_us(&self) -> i128 {
        i128::from(self.unix_us) - i128::from(self.boot_us)
    }
}

/// In how many parts at most local time runs evenly within a history.
const MAX_PIECES: u64 = 1024;

/// Which end of a window a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Since,
    Until,
}

/// Converts times since boot to wall-clock times and back.
#[derive(Clone, Debug)]
pub struct WallClock {
    /// In the order of the times since boot. Each one is valid from its time on until that of the
    /// next one; the first one also before.
    clocks: Vec<Clock>,
    zone: TimeZone,
}

impl WallClock {
    /// Returns the wall clock that was set as `clocks` say, in the order of `boot_us`. Times are in
    /// the local time zone, or in UTC.
    pub fn new(clocks: &[Clock], is_utc: bool) -> Self {
        let zone = match is_utc {
            true => TimeZone::UTC,
            false => TimeZone::system(),
        };
        Self::in_zone(clocks, zone)
    }

    fn in_zone(clocks: &[Clock], zone: TimeZone) -> Self {
        let mut clocks = clocks.to_vec();
        clocks.sort_by_key(|clock| clock.boot_us);
        Self { clocks, zone }
    }

    /// Returns whether anything is known of the wall clock.
    pub fn is_known(&self) -> bool {
        !self.clocks.is_empty()
    }

    /// Returns a time since boot as date and time with the zone, as `2026-11-25 03:10:05 CET`; as
    /// `boot+605.123s` where nothing is known of the wall clock.
    pub fn text(&self, boot_us: u64) -> String {
        self.formatted(boot_us, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// Returns a time since boot as the time of the day, with milliseconds if `step_us`, the
    /// distance between two such times, is short.
    pub fn short_text(&self, boot_us: u64, step_us: u64) -> String {
        match step_us {
            0..500_000 => self.formatted(boot_us, "%H:%M:%S.%3f"),
            _ => self.formatted(boot_us, "%H:%M:%S"),
        }
    }

    /// Returns a time since boot as the date, as `2026-11-25`; `None` where it is not known.
    pub fn date(&self, boot_us: u64) -> Option<String> {
        self.formatted_if_known(boot_us, "%Y-%m-%d")
    }

    /// Returns the abbreviation of the time zone at a time since boot, as `CET`.
    pub fn zone_name(&self, boot_us: u64) -> Option<String> {
        self.formatted_if_known(boot_us, "%Z")
    }

    /// Returns a time since boot as in RFC 3339, with microseconds and the offset from UTC; `None`
    /// where nothing is known of the wall clock.
    pub fn rfc3339(&self, boot_us: u64) -> Option<String> {
        self.formatted_if_known(boot_us, "%Y-%m-%dT%H:%M:%S.%6f%:z")
    }

    /// Returns the local time of the day of a time since boot, in microseconds since midnight: what
    /// the ticks of a time axis are aligned with.
    pub fn time_of_day_us(&self, boot_us: u64) -> Option<u64> {
        let time = self
            .zone
            .to_datetime(self.timestamp(boot_us.into())?)
            .time();
        let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60;
        let seconds = seconds + i64::from(time.second());
        let us = seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000;
        us.try_into().ok()
    }

    /// Returns in which parts of a range local time runs evenly: from which time since boot on, by how
    /// many microseconds it is ahead, and the zone's abbreviation. A part begins where the clock was set,
    /// or the offset from UTC changes.
    pub fn pieces(&self, from_us: u64, to_us: u64) -> Vec<(u64, i64, String)> {
        let piece = |us: u64| {
            let time = self.timestamp(us.into())?;
            let info = self.zone.to_offset_info(time);
            let local_us = time.as_microsecond() + i64::from(info.offset().seconds()) * 1_000_000;
            let ahead_us = local_us.checked_sub(us.try_into().ok()?)?;
            Some((us, ahead_us, info.abbreviation().to_string()))
        };
        let step_us = (to_us.saturating_sub(from_us) / MAX_PIECES).max(1);
        let mut found: Vec<(u64, i64, String)> = Vec::new();
        for number in 0..=MAX_PIECES {
            let us = from_us
                .saturating_add(number.saturating_mul(step_us))
                .min(to_us);
            let Some(mut here) = piece(us) else {
                continue;
            };
            let Some(last) = found.last() else {
                found.push(here);
                continue;
            };
            if last.1 != here.1 {
                // Search for the beginning of this part.
                let (mut before, mut after) = (us.saturating_sub(step_us), us);
                while after - before > 1 {
                    let middle = before + (after - before) / 2;
                    match piece(middle).is_some_and(|piece| piece.1 == last.1) {
                        true => before = middle,
                        false => after = middle,
                    }
                }
                here.0 = after;
                found.push(here);
            }
        }
        found
    }

    fn formatted(&self, boot_us: u64, format: &str) -> String {
        let since_boot = || {
            let (seconds, rest) = (boot_us / 1_000_000, boot_us % 1_000_000);
            format!("boot+{seconds}.{:03}s", rest / 1000)
        };
        self.formatted_if_known(boot_us, format)
            .unwrap_or_else(since_boot)
    }

    fn formatted_if_known(&self, boot_us: u64, format: &str) -> Option<String> {
        let time = self
            .timestamp(boot_us.into())?
            .to_zoned_datetime(self.zone.clone());
        jiff::fmt::strtime::format(format, &time).ok()
    }

    /// Returns a time since boot as a time of the wall clock as it was set then.
    fn timestamp(&self, boot_us: i128) -> Option<Timestamp> {
        let after = self
            .clocks
            .partition_point(|clock| i128::from(clock.boot_us) <= boot_us);
        let clock = self.clocks.get(after.saturating_sub(1))?;
        let unix_us = boot_us + clock.offset_us();
        Timestamp::from_microsecond(unix_us.try_into().ok()?).ok()
    }
}

#[cfg(test)]
mod tests;
