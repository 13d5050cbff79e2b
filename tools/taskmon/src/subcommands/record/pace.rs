// SPDX-License-Identifier: GPL-2.0

//! How long a recorder may wait before it reads the next samples, so that the module does not have
//! to give up any meanwhile.

use crate::kernel_module::parameter;
use anyhow::Result;
use std::time::Duration;

/// The usual time between two readings.
const USUAL: Duration = Duration::from_millis(250);
/// The longest time, for long periods.
const LONGEST: Duration = Duration::from_secs(5);
/// The shortest time.
const SHORTEST: Duration = Duration::from_millis(2);
/// How many processes one CPU forks at most in a millisecond.
const FORKS_PER_CPU_MS: u64 = 2;
/// How much memory one sample takes at most, in bytes.
const SAMPLE_BYTES: u64 = 16;

/// The bounds of what the module keeps, and how near they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The number of watched tasks now.
    pub targets: u64,
    pub max_targets: u64,
    /// How many samples of a task are kept; 0: no bound.
    pub max_samples: u64,
    /// How many KiB of samples are kept; 0: no bound.
    pub max_kib: u64,
    pub period_ms: u64,
    pub cpus: u64,
}

impl Bounds {
    /// Reads the module's parameters. `period_ms` is the time between two samples of a task.
    pub fn read(period_ms: u64, cpus: u64) -> Result<Self> {
        Ok(Self {
            targets: 0,
            max_targets: parameter("max_targets")?,
            max_samples: parameter("max_samples")?,
            max_kib: parameter("max_kib")?,
            period_ms: period_ms.max(1),
            cpus: cpus.max(1),
        })
    }

    /// Returns whether most of the tasks that can be watched at the same time are watched.
    pub fn is_crowded(&self) -> bool {
        self.targets >= self.max_targets / 2
    }

    /// Returns the period in milliseconds at which processes that end get their exit samples before
    /// too many others are forked.
    pub fn crowded_period_ms(&self) -> u64 {
        (self.max_targets / 2 / FORKS_PER_CPU_MS / self.cpus).max(1)
    }

    /// Returns how long to wait before the next reading, after one that took `elapsed`.
    pub fn pause(&self, elapsed: Duration) -> Duration {
        let usual = Duration::from_millis(self.period_ms.saturating_mul(2)).clamp(USUAL, LONGEST);
        // A fifth of a CPU is used or, near a bound, half of one.
        usual
            .max(4 * elapsed)
            .min(self.until_bound().max(elapsed))
            .max(SHORTEST)
    }

    /// Returns the time until half of what is free of anything is used, at the earliest.
    fn until_bound(&self) -> Duration {
        let free = self.max_targets.saturating_sub(self.targets) / 2;
        let until_crowded = free / FORKS_PER_CPU_MS / self.cpus;
        let until_many = self.max_samples.saturating_mul(self.period_ms) / 2;
        let samples = self.max_kib.saturating_mul(1024) / SAMPLE_BYTES;
        let until_large = samples.saturating_mul(self.period_ms) / self.targets.max(1) / 2;
        let shortest = [
            Some(until_crowded),
            (self.max_samples > 0).then_some(until_many),
            (self.max_kib > 0).then_some(until_large),
        ]
        .into_iter()
        .flatten()
        .min();
        Duration::from_millis(shortest.unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL_BOUNDS: Bounds = Bounds {
        targets: 10,
        max_targets: 16_384,
        max_samples: 100_000,
        max_kib: 65_536,
        period_ms: 100,
        cpus: 4,
    };

    #[test]
    fn usual_pauses() {
        assert_eq!(USUAL_BOUNDS.pause(Duration::ZERO), USUAL);
        assert_eq!(USUAL_BOUNDS.pause(USUAL), 4 * USUAL);
        let at = |period_ms| Bounds {
            period_ms,
            ..USUAL_BOUNDS
        };
        assert_eq!(at(1).pause(Duration::ZERO), USUAL);
        assert_eq!(
            at(1_000).pause(Duration::ZERO),
            Duration::from_millis(1_023)
        );
        let unlimited = Bounds {
            max_targets: 1 << 22,
            ..at(3_600_000)
        };
        assert_eq!(unlimited.pause(Duration::ZERO), LONGEST);
    }

    #[test]
    fn near_a_bound() {
        let few_targets = Bounds {
            max_targets: 64,
            ..USUAL_BOUNDS
        };
        assert_eq!(few_targets.pause(Duration::ZERO), Duration::from_millis(3));
        assert_eq!(few_targets.crowded_period_ms(), 4);
        let few_samples = Bounds {
            max_samples: 3,
            ..USUAL_BOUNDS
        };
        assert_eq!(
            few_samples.pause(Duration::ZERO),
            Duration::from_millis(150)
        );
        let little_memory = Bounds {
            max_kib: 1,
            ..USUAL_BOUNDS
        };
        assert!(little_memory.pause(Duration::ZERO) < USUAL * 2);
        assert!(
            !USUAL_BOUNDS.is_crowded()
                && Bounds {
                    targets: 32,
                    ..few_targets
                }
                .is_crowded()
        );
    }
}
