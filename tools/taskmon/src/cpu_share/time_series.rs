// SPDX-License-Identifier: GPL-2.0

//! CPU shares over time, in bins of equal length.

use super::{Interval, Shares};
use crate::history::Window;

/// The CPU time that was consumed, and the waiting time, in one bin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bin {
    /// The shares, each multiplied by the time for which it was measured, in microseconds.
    pub(super) sums: Shares,
    /// How much of the bin is covered by intervals.
    pub(super) sampled_us: f64,
}

/// How much of a bin the intervals of one task cover. The task may be one of several in a time
/// series.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    /// The index of the bin.
    bin: usize,
    sampled_us: f64,
}

/// The CPU time consumed, and the waiting time, in consecutive bins of equal length.
#[derive(Clone, Debug)]
pub struct TimeSeries {
    start_us: u64,
    bin_us: f64,
    pub(super) bins: Vec<Bin>,
}

impl TimeSeries {
    /// Returns an empty series from `start_us` to `end_us`. It has at most `max_bins` bins, and
    /// none is shorter than the period, unless the whole range is.
    pub fn new(start_us: u64, end_us: u64, period_ms: Option<u64>, max_bins: usize) -> Self {
        let range = end_us.saturating_sub(start_us).max(1) as f64;
        let period = period_ms.unwrap_or(0).max(1) as f64 * 1000.0;
        let bins = (range / period).ceil().clamp(1.0, max_bins as f64);
        Self {
            start_us,
            // Rounding up must not make the bins shorter than the period.
            bin_us: (range / bins).max(period.min(range)),
            bins: vec![Bin::default(); bins as usize],
        }
    }

    /// Returns an empty series with the same bins and `more` further ones on each side, fewer at the
    /// beginning of time, and the number of those before.
    pub(super) fn widened(&self, more: usize) -> (Self, usize) {
        // CAST: the number of bins from the boot to the start, rounded down.
        let before = more.min((self.start_us as f64 / self.bin_us) as usize);
        let length_us = before as f64 * self.bin_us;
        let wide = Self {
            // CAST: not negative.
            start_us: (self.start_us as f64 - length_us).round() as u64,
            bin_us: self.bin_us,
            bins: vec![Bin::default(); before + self.bins.len() + more],
        };
        (wide, before)
    }

    /// Makes this the series of the bins of `other`, from which it was widened by `before` bins.
    pub(super) fn narrow_to(&mut self, other: &Self, before: usize) {
        self.start_us = other.start_us;
        self.bins.drain(..before.min(self.bins.len()));
        self.bins.truncate(other.bins.len());
    }

    /// Returns the range of time of all bins, rounded up.
    pub(super) fn window(&self) -> Window {
        let length_us = (self.bin_us * self.bins.len() as f64).ceil() as u64;
        Window {
            from_us: self.start_us,
            to_us: self.start_us.saturating_add(length_us),
        }
    }

    /// Adds the times of an interval of one task, distributed evenly over its length. Gaps are
    /// ignored. `coverage` is that of the task; its intervals must be added in order.
    ///
    /// A bin counts as sampled for the longest time for which one of the tasks was sampled in it.
    pub fn add(&mut self, interval: &Interval, coverage: &mut Coverage) {
        if interval.is_gap {
            return;
        }
        let begin = interval.from_us.saturating_sub(self.start_us) as f64 / self.bin_us;
        let end = interval.to_us.saturating_sub(self.start_us) as f64 / self.bin_us;
        let shares = interval.shares();
        // CAST: the index of a bin. An index past the last bin skips all of them.
        let first = begin as usize;
        let bins = self.bins.iter_mut().enumerate().skip(first);
        for (number, bin) in bins.take_while(|(number, _)| (*number as f64) < end) {
            let index = number as f64;
            let sampled_us = (end.min(index + 1.0) - begin.max(index)).max(0.0) * self.bin_us;
            bin.sums += shares.map(|share| share * sampled_us);
            if coverage.bin != number {
                *coverage = Coverage {
                    bin: number,
                    sampled_us: 0.0,
                };
            }
            coverage.sampled_us += sampled_us;
            bin.sampled_us = bin.sampled_us.max(coverage.sampled_us);
        }
    }

    /// Adds the times of other tasks, whose series has the same bins. A bin then counts as
    /// sampled for the longer of the two times.
    pub fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.sums += more.sums;
            bin.sampled_us = bin.sampled_us.max(more.sampled_us);
        }
    }

    /// Copies from `other` how much of each bin was sampled, but no CPU time.
    pub fn set_sampled_like(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.sampled_us = more.sampled_us;
        }
    }

    /// Returns the shares of each bin; `None` if nothing was sampled in it.
    pub fn shares(&self) -> impl Iterator<Item = Option<Shares>> + '_ {
        self.bins.iter().map(|bin| {
            // Less than this is a rounding error at the edge of a neighbouring bin.
            let is_sampled = bin.sampled_us > self.bin_us * 1e-3;
            is_sampled.then(|| bin.sums.map(|sum| sum / bin.sampled_us))
        })
    }

    /// Returns the share of each bin, user and system together.
    pub fn total_shares(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        self.shares().map(|shares| Some(shares?.cpu()))
    }

    /// Returns the waiting time of each bin, as a share; `None` if it is not known.
    pub fn wait_shares(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        self.shares().map(|shares| shares?.wait)
    }

    /// Returns the highest mean share of any run of consecutive bins of at least `min_s` seconds,
    /// and the length of the runs in seconds. If the whole series is shorter, it is the only run.
    ///
    /// `min_s` should be at least several clock ticks: over a shorter time, a share depends more on
    /// the kernel's accounting than on the task.
    pub fn peak(&self, min_s: f64) -> (f64, f64) {
        // CAST: `clamp` bounds it.
        let count = (min_s / self.bin_s())
            .ceil()
            .clamp(1.0, self.bins.len() as f64) as usize;
        let share = |run: &[Bin]| {
            let consumed: f64 = run.iter().map(|bin| bin.sums.cpu()).sum();
            let sampled: f64 = run.iter().map(|bin| bin.sampled_us).sum();
            consumed / sampled.max(self.bin_us)
        };
        let peak = self.bins.windows(count).map(share).fold(0.0, f64::max);
        (peak, count as f64 * self.bin_s())
    }

    /// Returns the length of a bin in seconds.
    pub fn bin_s(&self) -> f64 {
        self.bin_us / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::interval;

    fn totals(series: &TimeSeries) -> Vec<Option<f64>> {
        let round = |share: f64| (share * 1000.0).round() / 1000.0;
        series
            .total_shares()
            .map(|share| share.map(round))
            .collect()
    }

    #[test]
    fn bins() {
        let four = TimeSeries::new(1000, 5000, None, 100);
        assert_eq!(four.bins.len(), 4);
        assert_eq!(TimeSeries::new(0, 5000, Some(3), 100).bins.len(), 2);
        assert_eq!(TimeSeries::new(0, 5000, None, 2).bins.len(), 2);
        assert_eq!(TimeSeries::new(7, 7, Some(100), 100).bins.len(), 1);
    }

    #[test]
    fn intervals_are_distributed() {
        let mut series = TimeSeries::new(0, 4000, None, 4);
        let mut coverage = Coverage::default();
        let mut add = |series: &mut TimeSeries, one| series.add(&one, &mut coverage);
        add(&mut series, interval(500, 2500, 1000, false));
        assert_eq!(totals(&series), [Some(0.5), Some(0.5), Some(0.5), None]);
        add(&mut series, interval(2500, 9000, 6500, true));
        assert_eq!(totals(&series)[3], None);
        add(&mut series, interval(2500, 9000, 6500, false));
        assert_eq!(totals(&series)[2..], [Some(0.75), Some(1.0)]);
        assert_eq!(series.peak(0.0), (1.0, 0.001));
        assert_eq!(series.peak(0.002), (0.875, 0.002));
    }

    #[test]
    fn widened_and_narrowed() {
        let narrow = TimeSeries::new(2000, 6000, None, 4);
        let (mut wide, before) = narrow.widened(3);
        assert_eq!((wide.start_us, wide.bins.len(), before), (0, 9, 2));
        assert_eq!((wide.window().from_us, wide.window().to_us), (0, 9000));
        wide.add(&interval(1000, 4000, 1500, false), &mut Coverage::default());
        wide.narrow_to(&narrow, before);
        assert_eq!(totals(&wide), [Some(0.5), Some(0.5), None, None]);
        assert_eq!((wide.start_us, wide.bins.len()), (2000, 4));
    }

    #[test]
    fn two_tasks_at_once() {
        let mut both = TimeSeries::new(0, 2000, None, 2);
        let mut other = both.clone();
        both.add(&interval(0, 2000, 2000, false), &mut Coverage::default());
        let mut together = both.clone();
        other.add(&interval(0, 500, 500, false), &mut Coverage::default());
        both.merge(&other);
        assert_eq!(totals(&both), [Some(1.5), Some(1.0)]);
        together.add(&interval(0, 500, 500, false), &mut Coverage::default());
        assert_eq!(totals(&together), totals(&both));
    }
    #[test]
    fn waiting_of_which_a_part_is_unknown() {
        let waited = |from_us, to_us, wait_us| Interval {
            wait_us,
            ..interval(from_us, to_us, 0, false)
        };
        let mut series = TimeSeries::new(0, 4000, None, 4);
        let mut coverage = Coverage::default();
        series.add(&waited(0, 1000, None), &mut coverage);
        series.add(&waited(1000, 3000, Some(4000)), &mut coverage);
        let waits: Vec<_> = series.wait_shares().collect();
        assert_eq!(waits, [None, Some(2.0), Some(2.0), None]);
        // The known waiting time of one task counts, also if that of another one is unknown.
        let mut other = TimeSeries::new(0, 4000, None, 4);
        other.add(&waited(0, 2000, Some(1000)), &mut Coverage::default());
        series.merge(&other);
        let waits: Vec<_> = series.wait_shares().collect();
        assert_eq!(waits, [Some(0.5), Some(2.5), Some(2.0), None]);
    }
}
