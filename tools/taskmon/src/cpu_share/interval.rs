// SPDX-License-Identifier: GPL-2.0

//! What a task did between two samples.

use crate::history::Sample;

/// How many times longer than usual the time between two samples must be for a stretch in which
/// nothing was sampled; below that a pass came late.
pub const STOPPED: u64 = 4;

/// The CPU time consumed between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub from_us: u64,
    pub to_us: u64,
    pub usr_us: u64,
    pub sys_us: u64,
    /// Sampling was stopped: what was consumed is known, when is not.
    pub is_gap: bool,
}

impl Interval {
    /// From one sample of a task to a later one.
    pub fn between(before: &Sample, after: &Sample) -> Self {
        Self {
            from_us: before.time_us,
            to_us: after.time_us,
            usr_us: after.usr_us.saturating_sub(before.usr_us),
            sys_us: after.sys_us.saturating_sub(before.sys_us),
            is_gap: false,
        }
    }

    pub fn length_us(&self) -> u64 {
        self.to_us.saturating_sub(self.from_us)
    }

    /// Parts of one CPU: user, system.
    pub fn shares(&self) -> (f64, f64) {
        let length = self.length_us().max(1) as f64;
        (self.usr_us as f64 / length, self.sys_us as f64 / length)
    }
}

/// The intervals of one task, from its samples, each given out once the next one is known: only its
/// neighbours tell a stretch without samples from a long period.
#[derive(Default)]
pub struct Intervals {
    period_us: u64,
    last: Option<Sample>,
    before_us: Option<u64>,
    pending: Option<Interval>,
}

impl Intervals {
    /// Of a task sampled with that period, if it is known.
    pub fn new(period_ms: Option<u64>) -> Self {
        Self {
            period_us: period_ms.unwrap_or(0).saturating_mul(1000),
            ..Self::default()
        }
    }

    /// Takes the next sample; gives the interval before the one that it ends.
    pub fn push(&mut self, sample: &Sample) -> Option<Interval> {
        let before = self.last.replace(*sample)?;
        let interval = Interval::between(&before, sample);
        let complete = self.complete(Some(interval.length_us()));
        self.pending = Some(interval);
        complete
    }

    /// The last interval, when there are no more samples.
    pub fn finish(&mut self) -> Option<Interval> {
        self.last = None;
        let complete = self.complete(None);
        self.before_us = None;
        complete
    }

    fn complete(&mut self, after_us: Option<u64>) -> Option<Interval> {
        let mut interval = self.pending.take()?;
        let length = interval.length_us();
        let usual = self.before_us.max(after_us);
        if usual.is_some() || self.period_us > 0 {
            let usual = usual.unwrap_or(0).max(self.period_us);
            interval.is_gap = length > usual.saturating_mul(STOPPED);
        }
        self.before_us = Some(length);
        Some(interval)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A sample of process 1: at that moment, having consumed that.
    pub fn sample(num: u64, time_us: u64, usr_us: u64, sys_us: u64) -> Sample {
        Sample {
            pid: 1,
            num,
            usr_us,
            sys_us,
            time_us,
            is_end: false,
        }
    }

    /// An interval with that user time.
    pub fn interval(from_us: u64, to_us: u64, usr_us: u64, is_gap: bool) -> Interval {
        Interval {
            from_us,
            to_us,
            usr_us,
            sys_us: 0,
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
        assert_eq!(interval.shares(), (0.5, 0.25));
        assert_eq!(intervals.finish(), None);
    }

    #[test]
    fn a_stopped_stretch() {
        let stopped = [0, 100, 200, 5000, 5100, 5200];
        assert_eq!(gaps(&stopped, None), [false, false, true, false, false]);
        assert_eq!(gaps(&[0, 100, 200, 5000], None), [false, false, true]);
        assert_eq!(gaps(&[0, 5000, 5100], None), [true, false]);
    }

    #[test]
    fn what_is_none() {
        // A longer period from then on.
        assert_eq!(gaps(&[0, 1, 2, 1002, 2002], None), [false; 4]);
        // Short ends around an ordinary period.
        assert_eq!(gaps(&[0, 3000, 103_000, 105_000], Some(100)), [false; 3]);
        // A single interval.
        assert_eq!(gaps(&[0, 90_000], Some(100)), [false]);
        assert_eq!(gaps(&[0, 90_000], None), [false]);
        assert_eq!(gaps(&[0, 900_000], Some(100)), [true]);
    }
}
