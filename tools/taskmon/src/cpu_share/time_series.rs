// SPDX-License-Identifier: GPL-2.0

//! CPU shares over time, in as many steps as there is room for.

use super::Interval;

/// The CPU time that was consumed in one step.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    usr_us: f64,
    sys_us: f64,
    /// How much of the step was sampled.
    seen_us: f64,
}

/// Equal steps of time and the CPU time consumed in each.
#[derive(Clone, Debug)]
pub struct Timeline {
    start_us: u64,
    step_us: f64,
    steps: Vec<Step>,
}

impl Timeline {
    /// From one moment to another, in at most `max_steps`, none shorter than the period.
    pub fn new(start_us: u64, end_us: u64, period_ms: Option<u64>, max_steps: usize) -> Self {
        let range = end_us.saturating_sub(start_us).max(1) as f64;
        let period = period_ms.unwrap_or(0).max(1) as f64 * 1000.0;
        let steps = (range / period).ceil().clamp(1.0, max_steps as f64);
        Self {
            start_us,
            // A short rest at the end is no step of its own.
            step_us: (range / steps).max(period.min(range)),
            steps: vec![Step::default(); steps as usize],
        }
    }

    /// The same steps, with nothing in them.
    pub fn emptied(&self) -> Self {
        Self {
            steps: vec![Step::default(); self.steps.len()],
            ..*self
        }
    }

    /// Adds what a task did in an interval, evenly. What happened while sampling was stopped is left
    /// out.
    pub fn add(&mut self, interval: &Interval) {
        if interval.is_gap {
            return;
        }
        let begin = interval.from_us.saturating_sub(self.start_us) as f64 / self.step_us;
        let end = interval.to_us.saturating_sub(self.start_us) as f64 / self.step_us;
        let (usr, sys) = interval.shares();
        // CAST: a step's number, which `take` bounds.
        let first = begin as usize;
        let met = self.steps.iter_mut().enumerate().skip(first);
        for (number, step) in met.take_while(|(number, _)| (*number as f64) < end) {
            let number = number as f64;
            let seen_us = (end.min(number + 1.0) - begin.max(number)).max(0.0) * self.step_us;
            step.usr_us += usr * seen_us;
            step.sys_us += sys * seen_us;
            step.seen_us += seen_us;
        }
    }

    /// Adds what another task did meanwhile, over the same steps. A step is seen when one of them was.
    pub fn join(&mut self, other: &Self) {
        for (step, more) in self.steps.iter_mut().zip(&other.steps) {
            step.usr_us += more.usr_us;
            step.sys_us += more.sys_us;
            step.seen_us = step.seen_us.max(more.seen_us);
        }
    }

    /// How much of each step was sampled, at the most that one of several tasks was.
    pub fn seen_as(&mut self, other: &Self) {
        for (step, more) in self.steps.iter_mut().zip(&other.steps) {
            step.seen_us = more.seen_us;
        }
    }

    /// Parts of one CPU, user and system, in each step; `None` where nothing was sampled.
    pub fn shares(&self) -> impl Iterator<Item = Option<(f64, f64)>> + '_ {
        self.steps.iter().map(|step| {
            // Less than this is the rounding of a neighbour's edge.
            let is_seen = step.seen_us > self.step_us * 1e-3;
            is_seen.then(|| (step.usr_us / step.seen_us, step.sys_us / step.seen_us))
        })
    }

    /// User and system share together.
    pub fn totals(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        self.shares()
            .map(|shares| shares.map(|(usr, sys)| usr + sys))
    }

    /// The highest mean share of any stretch of about that many seconds, and how many they are. Over
    /// less than some clock ticks a share says more about the kernel's accounting than about the
    /// task.
    pub fn peak(&self, least_s: f64) -> (f64, f64) {
        // CAST: `clamp` bounds it.
        let count = (least_s / self.step_s())
            .ceil()
            .clamp(1.0, self.steps.len() as f64) as usize;
        let share = |stretch: &[Step]| {
            let consumed: f64 = stretch.iter().map(|step| step.usr_us + step.sys_us).sum();
            let seen: f64 = stretch.iter().map(|step| step.seen_us).sum();
            consumed / seen.max(self.step_us)
        };
        let peak = self.steps.windows(count).map(share).fold(0.0, f64::max);
        (peak, count as f64 * self.step_s())
    }

    /// The length of a step, in seconds.
    pub fn step_s(&self) -> f64 {
        self.step_us / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::interval;

    fn totals(timeline: &Timeline) -> Vec<Option<f64>> {
        let round = |share: f64| (share * 1000.0).round() / 1000.0;
        timeline.totals().map(|share| share.map(round)).collect()
    }

    #[test]
    fn steps() {
        let four = Timeline::new(1000, 5000, None, 100);
        assert_eq!(four.steps.len(), 4);
        assert_eq!(Timeline::new(0, 5000, Some(3), 100).steps.len(), 2);
        assert_eq!(Timeline::new(0, 5000, None, 2).steps.len(), 2);
        assert_eq!(Timeline::new(7, 7, Some(100), 100).steps.len(), 1);
    }

    #[test]
    fn an_interval_is_spread() {
        let mut timeline = Timeline::new(0, 4000, None, 4);
        timeline.add(&interval(500, 2500, 1000, false));
        assert_eq!(totals(&timeline), [Some(0.5), Some(0.5), Some(0.5), None]);
        timeline.add(&interval(2500, 9000, 6500, true));
        assert_eq!(totals(&timeline)[3], None);
        timeline.add(&interval(2500, 9000, 6500, false));
        assert_eq!(totals(&timeline)[2..], [Some(0.75), Some(1.0)]);
        assert_eq!(timeline.peak(0.0), (1.0, 0.001));
        assert_eq!(timeline.peak(0.002), (0.875, 0.002));
    }

    #[test]
    fn two_at_once() {
        let mut both = Timeline::new(0, 2000, None, 2);
        let mut other = both.emptied();
        both.add(&interval(0, 2000, 2000, false));
        other.add(&interval(0, 500, 500, false));
        both.join(&other);
        assert_eq!(totals(&both), [Some(1.5), Some(1.0)]);
    }
}
