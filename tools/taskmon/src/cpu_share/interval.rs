// SPDX-License-Identifier: GPL-2.0

//! The CPU time that a task consumed, and its waiting time, between two samples.

use super::Shares;
use crate::history::{Sample, Window};

/// An interval is a gap if it is more than this many times as long as usual. If it is shorter, a
/// sampling pass was only late.
pub const GAP_FACTOR: u64 = 4;

/// The CPU time consumed, and the time waited for a CPU, between two samples of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub from_us: u64,
    pub to_us: u64,
    pub usr_us: u64,
    pub sys_us: u64,
    /// The waiting time; `None` if it is not known.
    pub wait_us: Option<u64>,
    /// Whether sampling was paused during the interval. Then it is not known when the CPU time was
    /// consumed.
    pub is_gap: bool,
}

impl Interval {
    /// Returns the interval from one sample of a task to a later one. It is not marked as a gap.
    pub fn between(before: &Sample, after: &Sample) -> Self {
        Self {
            from_us: before.time_us,
            to_us: after.time_us,
            usr_us: after.usr_us.saturating_sub(before.usr_us),
            sys_us: after.sys_us.saturating_sub(before.sys_us),
            wait_us: after.waited_since_us(before),
            is_gap: false,
        }
    }

    /// Returns the part of the interval that is in `window`; `None` if there is none. Times are
    /// distributed evenly. The parts of an interval on both sides of a moment add up to the whole.
    pub fn within(&self, window: Window) -> Option<Self> {
        if self.to_us <= window.from_us || self.from_us >= window.to_us {
            return None;
        }
        let from_us = self.from_us.max(window.from_us);
        let to_us = self.to_us.min(window.to_us);
        let part = |total: u64| self.until(total, to_us) - self.until(total, from_us);
        Some(Self {
            from_us,
            to_us,
            usr_us: part(self.usr_us),
            sys_us: part(self.sys_us),
            wait_us: self.wait_us.map(part),
            is_gap: self.is_gap,
        })
    }

    /// Returns how much of `total`, distributed evenly over the interval, is before `time_us`, which is in the interval.
    fn until(&self, total: u64, time_us: u64) -> u64 {
        let part = u128::from(total) * u128::from(time_us - self.from_us);
        // CAST: not more than `total`.
        (part / u128::from(self.length_us().max(1))) as u64
    }

    pub fn length_us(&self) -> u64 {
        self.to_us.saturating_sub(self.from_us)
    }

    /// Returns the mean shares.
    pub fn shares(&self) -> Shares {
        let length = self.length_us().max(1) as f64;
        Shares {
            usr: self.usr_us as f64 / length,
            sys: self.sys_us as f64 / length,
            wait: self.wait_us.map(|wait_us| wait_us as f64 / length),
        }
    }
}

/// Makes the intervals of one task from its samples, and finds out which ones are gaps.
///
/// An interval is returned once the next one is known. It is a gap if it is much longer than the
/// period and than both of its neighbours: a changed period changes a neighbour too.
#[derive(Default)]
pub struct Intervals {
    period_us: u64,
    last: Option<Sample>,
    /// The length of the interval that was returned last.
    previous_us: Option<u64>,
    /// The last interval, until the next one is known.
    pending: Option<Interval>,
}

impl Intervals {
    /// Returns an `Intervals` without samples. `period_ms` is the period of the tasks, if known.
    pub fn new(period_ms: Option<u64>) -> Self {
        Self {
            period_us: period_ms.unwrap_or(0).saturating_mul(1000),
            ..Self::default()
        }
    }

    /// Adds the next sample. Returns the interval before the one that ends with this sample.
    pub fn push(&mut self, sample: &Sample) -> Option<Interval> {
        let before = self.last.replace(*sample)?;
        let interval = Interval::between(&before, sample);
        let complete = self.complete(Some(interval.length_us()));
        self.pending = Some(interval);
        complete
    }

    /// Returns the last interval, and forgets all samples.
    pub fn finish(&mut self) -> Option<Interval> {
        self.last = None;
        let complete = self.complete(None);
        self.previous_us = None;
        complete
    }

    /// Returns the pending interval. `next_us` is the length of the interval after it, if there is
    /// one.
    fn complete(&mut self, next_us: Option<u64>) -> Option<Interval> {
        let mut interval = self.pending.take()?;
        let length = interval.length_us();
        let usual = self.previous_us.max(next_us);
        if usual.is_some() || self.period_us > 0 {
            let usual = usual.unwrap_or(0).max(self.period_us);
            interval.is_gap = length > usual.saturating_mul(GAP_FACTOR);
        }
        self.previous_us = Some(length);
        Some(interval)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Returns a sample of process 1, without waiting time.
    pub fn sample(num: u64, time_us: u64, usr_us: u64, sys_us: u64) -> Sample {
        Sample {
            pid: 1,
            num,
            usr_us,
            sys_us,
            wait_us: None,
            time_us,
            is_exit: false,
        }
    }

    /// Returns an interval without system time. The waiting time is not known.
    pub fn interval(from_us: u64, to_us: u64, usr_us: u64, is_gap: bool) -> Interval {
        Interval {
            from_us,
            to_us,
            usr_us,
            sys_us: 0,
            wait_us: None,
            is_gap,
        }
    }

    fn gaps(times: &[u64], period_ms: Option<u64>) -> Vec<bool> {
        let mut intervals = Intervals::new(period_ms);
        let mut found: Vec<Interval> = (0..)
            .zip(times)
            .filter_map(|(num, time)| intervals.push(&sample(num, *time, 0, 0)))
            .collect();
        found.extend(intervals.finish());
        found.iter().map(|interval| interval.is_gap).collect()
    }

    #[test]
    fn shares() {
        let mut intervals = Intervals::new(None);
        assert_eq!(intervals.push(&sample(0, 1000, 10, 20)), None);
        assert_eq!(intervals.push(&sample(1, 2000, 510, 270)), None);
        let interval = intervals.finish().unwrap();
        let shares = Shares {
            usr: 0.5,
            sys: 0.25,
            wait: None,
        };
        assert_eq!(interval.shares(), shares);
        assert_eq!(intervals.finish(), None);
    }

    #[test]
    fn waiting() {
        let at = |time_us, wait_us| Sample {
            wait_us,
            ..sample(0, time_us, 0, 0)
        };
        let wait = |before: Sample, after| Interval::between(&before, &after).shares().wait;
        assert_eq!(wait(at(0, Some(100)), at(1000, Some(600))), Some(0.5));
        // A long wait is counted when it ends.
        assert_eq!(wait(at(0, Some(0)), at(1000, Some(9000))), Some(9.0));
        assert_eq!(wait(at(0, None), at(1000, Some(600))), None);
        assert_eq!(wait(at(0, Some(100)), at(1000, None)), None);
    }

    #[test]
    fn gaps_are_found() {
        let paused = [0, 100, 200, 5000, 5100, 5200];
        assert_eq!(gaps(&paused, None), [false, false, true, false, false]);
        assert_eq!(gaps(&[0, 100, 200, 5000], None), [false, false, true]);
        assert_eq!(gaps(&[0, 5000, 5100], None), [true, false]);
    }

    #[test]
    fn no_gaps() {
        // The period becomes longer.
        assert_eq!(gaps(&[0, 1, 2, 1002, 2002], None), [false; 4]);
        // A first and a last interval shorter than the period.
        assert_eq!(gaps(&[0, 3000, 103_000, 105_000], Some(100)), [false; 3]);
        // A single interval.
        assert_eq!(gaps(&[0, 90_000], Some(100)), [false]);
        assert_eq!(gaps(&[0, 90_000], None), [false]);
        assert_eq!(gaps(&[0, 900_000], Some(100)), [true]);
    }
}
