// SPDX-License-Identifier: GPL-2.0

//! The CPU share of a task over the last minutes.

use crate::cpu_share::Interval;
use std::collections::BTreeMap;

/// The length of a step.
const STEP_US: u64 = 5_000_000;
/// As many steps as a wide terminal shows.
pub const STEPS: u64 = 120;

#[derive(Clone, Copy, Default)]
struct Step {
    consumed_us: f64,
    /// How much of the step was sampled.
    seen_us: f64,
}

/// Steps of time since boot, the last of them only.
#[derive(Clone, Default)]
pub struct Recent(BTreeMap<u64, Step>);

impl Recent {
    /// Adds what the task did in an interval, evenly.
    pub fn add(&mut self, interval: &Interval) {
        if interval.is_gap || interval.length_us() == 0 {
            return;
        }
        let (usr, sys) = interval.shares();
        let last = (interval.to_us - 1) / STEP_US;
        let oldest_kept = (last + 1).saturating_sub(STEPS);
        for number in (interval.from_us / STEP_US).max(oldest_kept)..=last {
            let begin = interval.from_us.max(number * STEP_US);
            let end = interval.to_us.min((number + 1) * STEP_US);
            let seen_us = end.saturating_sub(begin) as f64;
            let step = self.0.entry(number).or_default();
            step.consumed_us += (usr + sys) * seen_us;
            step.seen_us += seen_us;
        }
        self.0 = self.0.split_off(&oldest_kept);
    }

    /// Parts of one CPU in the `count` steps up to now; `None` where nothing was sampled.
    pub fn shares(&self, now_us: u64, count: u64) -> Vec<Option<f64>> {
        let now = now_us / STEP_US;
        let first = (now + 1).saturating_sub(count);
        (first..=now)
            .map(|number| {
                let step = self.0.get(&number).filter(|step| step.seen_us > 0.0)?;
                Some(step.consumed_us / step.seen_us)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::interval;

    #[test]
    fn steps() {
        let mut recent = Recent::default();
        recent.add(&interval(STEP_US / 2, STEP_US * 2, STEP_US * 3 / 4, false));
        recent.add(&interval(STEP_US * 3, STEP_US * 4, 0, false));
        recent.add(&interval(STEP_US * 2, STEP_US * 3, 9, true));
        let now = STEP_US * 4 - 1;
        let expected = [Some(0.5), Some(0.5), None, Some(0.0)];
        assert_eq!(recent.shares(now, 9), expected);
        assert_eq!(recent.shares(now, 2), expected[2..]);
    }

    #[test]
    fn what_is_long_ago_goes() {
        let mut recent = Recent::default();
        recent.add(&interval(0, STEP_US * STEPS * 3, 0, false));
        assert_eq!(recent.0.len() as u64, STEPS);
        recent.add(&interval(STEP_US * 900, STEP_US * 901, 0, false));
        assert_eq!(recent.0.len(), 1);
    }
}
