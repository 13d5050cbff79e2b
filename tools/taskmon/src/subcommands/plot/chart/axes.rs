// SPDX-License-Identifier: GPL-2.0

//! The axes: where their ticks are, and what is written there.

use crate::{history::Window, wall_clock::WallClock};

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The distances of ticks, in microseconds.
const STEPS: [u64; 28] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
];
/// The most ticks of the time axis.
const MAX_TICKS: u64 = 10;
/// In a shorter window, times are counted from its beginning.
const SHORT_US: u64 = 2 * MINUTE;

/// The time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeAxis {
    /// What the labels are.
    pub name: String,
    /// Times since boot, and labels.
    pub ticks: Vec<(u64, String)>,
}

impl TimeAxis {
    /// Returns the axis of a window. A long one has local times; in a short one, or if nothing is
    /// known of the wall clock, times count from its beginning.
    pub fn of(window: Window, clock: &WallClock) -> Self {
        let length_us = window.length_us();
        let fits = |step: &&u64| length_us / **step <= MAX_TICKS;
        let step_us = STEPS
            .iter()
            .find(fits)
            .copied()
            .unwrap_or(length_us / MAX_TICKS);
        match clock.time_of_day_us(window.from_us) {
            Some(begin_us) if length_us >= SHORT_US => {
                Self::of_day(window, clock, step_us, begin_us)
            }
            _ => Self::since_beginning(window, clock, step_us),
        }
    }

    fn of_day(window: Window, clock: &WallClock, step_us: u64, begin_us: u64) -> Self {
        let first_us = (step_us - begin_us % step_us) % step_us;
        let offset_us = |number: u64| first_us.saturating_add(number.saturating_mul(step_us));
        let times = (0..=MAX_TICKS).map(|number| window.from_us.saturating_add(offset_us(number)));
        let label = |us: u64| {
            let text = clock.short_text(us, step_us);
            match step_us % MINUTE {
                0 => text[..5].to_string(),
                _ => text,
            }
        };
        let ticks = times
            .take_while(|us| *us <= window.to_us)
            .map(|us| (us, label(us)));
        let date = |us| clock.date(us).unwrap_or_default();
        let (from, to) = (date(window.from_us), date(window.to_us));
        let zone = clock.zone_name(window.from_us).unwrap_or_default();
        Self {
            name: match from == to {
                true => format!("{from}, {zone}"),
                false => format!("{from} to {to}, {zone}"),
            },
            ticks: ticks.collect(),
        }
    }

    fn since_beginning(window: Window, clock: &WallClock, step_us: u64) -> Self {
        let (unit, unit_us) = match window.length_us() {
            length_us if length_us < SHORT_US => ("s", SECOND),
            length_us if length_us < 2 * HOUR => ("min", MINUTE),
            _ => ("h", HOUR),
        };
        let label = |us: u64| {
            let text = format!("{:.3}", us as f64 / unit_us as f64);
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        };
        let offsets = (0..=MAX_TICKS).map(|number| number.saturating_mul(step_us));
        let offsets = offsets.take_while(|us| *us <= window.length_us());
        Self {
            name: format!("time since {}, {unit}", clock.text(window.from_us)),
            ticks: offsets.map(|us| (window.from_us + us, label(us))).collect(),
        }
    }
}

/// The axis of shares.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareAxis {
    /// The upper end, as a share of one CPU. It has a tick.
    pub top: f64,
    /// Shares and labels.
    pub ticks: Vec<(f64, String)>,
}

impl ShareAxis {
    /// Returns an axis that is at least as high as a share.
    pub fn up_to(highest: f64) -> Self {
        let percent = (highest * 100.0).clamp(0.01, 1e12);
        let magnitude = 10_f64.powf((percent / 5.0).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * magnitude);
        // Rounding errors must not add a step.
        let count = |step: f64| (percent / step - 1e-6).ceil().max(1.0);
        let step = steps
            .into_iter()
            .find(|step| count(*step) <= 5.0)
            .unwrap_or(steps[4]);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let decimals = decimals + usize::from(step / 10_f64.powf(step.log10().floor()) == 2.5);
        let decimals = if step >= 10.0 { 0 } else { decimals };
        // CAST: `count` is at most 5.
        let ticks = (0..=count(step) as u32).map(|number| {
            let percent = f64::from(number) * step;
            (percent / 100.0, format!("{percent:.decimals$}"))
        });
        Self {
            top: count(step) * step / 100.0,
            ticks: ticks.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wall_clock::Clock;

    fn labels(highest: f64) -> Vec<String> {
        let axis = ShareAxis::up_to(highest);
        assert!(axis.top >= highest * 0.9999);
        assert_eq!(axis.ticks.last().unwrap().0, axis.top);
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn shares() {
        assert_eq!(labels(1.0), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(2.0), ["0", "50", "100", "150", "200"]);
        assert_eq!(labels(4.0), ["0", "100", "200", "300", "400"]);
        assert_eq!(labels(0.004), ["0.0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(0.11), ["0.0", "2.5", "5.0", "7.5", "10.0", "12.5"]);
        assert_eq!(labels(64.0), ["0", "2000", "4000", "6000", "8000"]);
        for highest in [0.0, f64::MAX, f64::NAN, 1e-9] {
            assert!(ShareAxis::up_to(highest).ticks.len() <= 6);
        }
    }

    fn times(from_s: u64, to_s: u64, clocks: &[Clock]) -> TimeAxis {
        let window = Window {
            from_us: from_s * SECOND,
            to_us: to_s * SECOND,
        };
        TimeAxis::of(window, &WallClock::new(clocks, true))
    }

    #[test]
    fn local_times_are_round() {
        // At 100 s it is 03:07:20.
        let clock = Clock {
            boot_us: 100 * SECOND,
            unix_us: 1_764_040_040 * SECOND,
        };
        let axis = times(100, 3700, &[clock]);
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(
            labels,
            ["03:10", "03:20", "03:30", "03:40", "03:50", "04:00"]
        );
        assert_eq!(axis.ticks[0].0, 260 * SECOND);
        assert_eq!(axis.name, "2025-11-25, UTC");
    }

    #[test]
    fn times_since_the_beginning() {
        let axis = times(5, 10, &[]);
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(
            labels,
            ["0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"]
        );
        assert_eq!(axis.name, "time since boot+5.000s, s");
        assert_eq!(times(0, 0, &[]).ticks.len(), 1);
        assert!(times(0, u64::MAX / SECOND, &[]).ticks.len() <= 12);
    }
}
