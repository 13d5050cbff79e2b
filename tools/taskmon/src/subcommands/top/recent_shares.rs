// SPDX-License-Identifier: GPL-2.0

//! The CPU shares of a task over the last minutes.

use crate::cpu_share::Interval;
use std::collections::BTreeMap;

/// The length of a bin in microseconds.
const BIN_US: u64 = 5_000_000;
/// The number of bins to keep: the most that the screen shows.
pub const MAX_BINS: u64 = 120;
/// The length of all bins together.
pub const WHOLE_US: u64 = BIN_US * MAX_BINS;
/// The length of a bin, for the screen.
pub const BIN_TEXT: &str = "5 s A COLUMN";

/// The CPU time that was consumed in one bin.
#[derive(Clone, Copy, Default)]
struct Bin {
    consumed_us: f64,
    /// How much of the bin is covered by intervals.
    sampled_us: f64,
}

/// The latest bins, by their number since boot.
#[derive(Clone, Default)]
pub struct RecentShares(BTreeMap<u64, Bin>);

impl RecentShares {
    /// Adds the CPU time of an interval, distributed evenly over its length. Gaps are ignored.
    pub fn add(&mut self, interval: &Interval) {
        if interval.is_gap || interval.length_us() == 0 {
            return;
        }
        let share = interval.shares().cpu();
        let last = (interval.to_us - 1) / BIN_US;
        let oldest_kept = (last + 1).saturating_sub(MAX_BINS);
        for number in (interval.from_us / BIN_US).max(oldest_kept)..=last {
            let begin = interval.from_us.max(number * BIN_US);
            let end = interval.to_us.min((number + 1).saturating_mul(BIN_US));
            let sampled_us = end.saturating_sub(begin) as f64;
            let bin = self.0.entry(number).or_default();
            bin.consumed_us += share * sampled_us;
            bin.sampled_us += sampled_us;
        }
        self.0 = self.0.split_off(&oldest_kept);
    }

    /// Returns the share of one CPU in each of the last `count` bins; `None` for a bin in which
    /// nothing was sampled.
    pub fn shares(&self, now_us: u64, count: u64) -> Vec<Option<f64>> {
        let now = now_us / BIN_US;
        let first = (now + 1).saturating_sub(count);
        (first..=now)
            .map(|number| {
                let bin = self.0.get(&number).filter(|bin| bin.sampled_us > 0.0)?;
                Some(bin.consumed_us / bin.sampled_us)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::interval;

    #[test]
    fn bins() {
        let mut recent = RecentShares::default();
        recent.add(&interval(BIN_US / 2, BIN_US * 2, BIN_US * 3 / 4, false));
        recent.add(&interval(BIN_US * 3, BIN_US * 4, 0, false));
        recent.add(&interval(BIN_US * 2, BIN_US * 3, 9, true));
        let now = BIN_US * 4 - 1;
        let expected = [Some(0.5), Some(0.5), None, Some(0.0)];
        assert_eq!(recent.shares(now, 9), expected);
        assert_eq!(recent.shares(now, 2), expected[2..]);
    }

    #[test]
    fn the_end_of_time() {
        let mut recent = RecentShares::default();
        recent.add(&interval(u64::MAX - 100, u64::MAX, 50, false));
        assert_eq!(recent.shares(u64::MAX, 1), [Some(0.5)]);
    }

    #[test]
    fn old_bins_are_removed() {
        let mut recent = RecentShares::default();
        recent.add(&interval(0, BIN_US * MAX_BINS * 3, 0, false));
        assert_eq!(recent.0.len() as u64, MAX_BINS);
        recent.add(&interval(BIN_US * 900, BIN_US * 901, 0, false));
        assert_eq!(recent.0.len(), 1);
    }
}
