// SPDX-License-Identifier: GPL-2.0

//! The highest share of a task, found while its intervals are read.

use super::Interval;
use std::collections::VecDeque;

/// The shortest time over which a peak is computed. Over a shorter time, a share depends more on the
/// kernel's accounting than on the task.
pub const MIN_PEAK_US: u64 = 100_000;

/// The highest mean share over any run of consecutive intervals that is not shorter than
/// [`MIN_PEAK_US`]. A task that lived for a shorter time has the share that it used of that time.
#[derive(Debug, Default)]
pub struct Peak {
    run: VecDeque<Interval>,
    used_us: u64,
    highest: f64,
}

impl Peak {
    /// Adds the next interval of the task. A gap ends the run: it is not known when its CPU time was
    /// used.
    pub fn push(&mut self, interval: &Interval) {
        if interval.is_gap {
            self.run.clear();
            self.used_us = 0;
            return;
        }
        self.run.push_back(*interval);
        self.used_us = self.used_us.saturating_add(cpu_us(interval));
        while let (Some(first), Some(second)) = (self.run.front(), self.run.get(1)) {
            if interval.to_us.saturating_sub(second.from_us) < MIN_PEAK_US {
                break;
            }
            self.used_us = self.used_us.saturating_sub(cpu_us(first));
            self.run.pop_front();
        }
        let from_us = self.run.front().map_or(0, |first| first.from_us);
        let length_us = interval.to_us.saturating_sub(from_us).max(MIN_PEAK_US);
        self.highest = self.highest.max(self.used_us as f64 / length_us as f64);
    }

    /// Returns the highest share so far.
    pub fn highest(&self) -> f64 {
        self.highest
    }
}

fn cpu_us(interval: &Interval) -> u64 {
    interval.usr_us.saturating_add(interval.sys_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::interval;

    fn peak(of: &[(u64, u64, bool)]) -> f64 {
        let mut peak = Peak::default();
        let mut time = 0;
        for (length, used, is_gap) in of {
            peak.push(&interval(time, time + length, *used, *is_gap));
            time += length;
        }
        peak.highest()
    }

    #[test]
    fn over_long_enough_runs() {
        assert_eq!(peak(&[(50_000, 50_000, false), (50_000, 0, false)]), 0.5);
        assert_eq!(
            peak(&[(200_000, 20_000, false), (100_000, 90_000, false)]),
            0.9
        );
        assert_eq!(peak(&[(3000, 3000, false)]), 0.03);
    }

    #[test]
    fn gaps_end_a_run() {
        let around = [
            (50_000, 50_000, false),
            (900_000, 900_000, true),
            (50_000, 50_000, false),
        ];
        assert_eq!(peak(&around), 0.5);
    }
}
