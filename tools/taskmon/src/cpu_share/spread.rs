// SPDX-License-Identifier: GPL-2.0

//! Makes the intervals of a task believable.
//!
//! The scheduler brings the sums of a running task up to date at ticks and when the task is switched
//! out. Under a hypervisor that takes the CPU away, ticks come late, so a part of what was used in
//! one interval is booked in a later one, which then has more CPU time than its threads, or the CPUs
//! of the machine, can use. What is too much was used before. [`Spread`] moves it to the intervals
//! before, the nearest first. Nothing is lost: the sums over all intervals stay the same.

use super::Interval;
use std::collections::VecDeque;

/// How much CPU time can be moved back, at least: intervals that have less room together are kept.
const ROOM_US: u128 = 4_000_000;

/// The latest intervals of one task, to which CPU time of the next ones can be moved.
#[derive(Debug, Default)]
pub struct Spread {
    /// The most CPUs that the task can use at the same time; `None` if it is not known.
    max_cpus: Option<u32>,
    kept: VecDeque<Interval>,
    /// The room of all kept intervals together.
    room_us: u128,
    /// User and system time for which there was no room before. It is added to later intervals.
    left: (u64, u64),
}

impl Spread {
    /// Returns a `Spread` without intervals, for a task that can use `max_cpus` CPUs at most.
    pub fn new(max_cpus: Option<u32>) -> Self {
        Self {
            max_cpus,
            ..Self::default()
        }
    }

    /// Adds the next interval, and keeps at most `max_kept`. Calls `ready` with the intervals that do
    /// not change any more, in the order of time.
    pub fn push(
        &mut self,
        mut interval: Interval,
        max_kept: usize,
        mut ready: impl FnMut(Interval),
    ) {
        let Some(max_cpus) = self.max_cpus else {
            return ready(interval);
        };
        let max_us = most(&interval, max_cpus);
        let excess_us = cpu_us(&interval).saturating_sub(max_us);
        if excess_us > 0 {
            let (usr_us, sys_us) = take(&mut interval, excess_us);
            self.left.0 = self.left.0.saturating_add(usr_us);
            self.left.1 = self.left.1.saturating_add(sys_us);
            for before in self.kept.iter_mut().rev() {
                if self.left == (0, 0) || self.room_us == 0 {
                    break;
                }
                self.room_us -= u128::from(fill(before, max_cpus, &mut self.left));
            }
        } else {
            fill(&mut interval, max_cpus, &mut self.left);
        }
        self.room_us += u128::from(room(&interval, max_cpus));
        self.kept.push_back(interval);
        while let Some(oldest) = self.kept.front() {
            let rest_us = self.room_us - u128::from(room(oldest, max_cpus));
            if rest_us < ROOM_US * u128::from(max_cpus) && self.kept.len() <= max_kept {
                break;
            }
            self.room_us = rest_us;
            if let Some(oldest) = self.kept.pop_front() {
                ready(oldest);
            }
        }
    }

    /// Calls `ready` with the intervals that are left. The last one gets what did not fit anywhere.
    pub fn finish(&mut self, mut ready: impl FnMut(Interval)) {
        if let Some(last) = self.kept.back_mut() {
            last.usr_us = last.usr_us.saturating_add(self.left.0);
            last.sys_us = last.sys_us.saturating_add(self.left.1);
            self.left = (0, 0);
        }
        self.room_us = 0;
        self.kept.drain(..).for_each(&mut ready);
    }
}

fn cpu_us(interval: &Interval) -> u64 {
    interval.usr_us.saturating_add(interval.sys_us)
}

/// Returns the most CPU time that can be used in an interval.
fn most(interval: &Interval, max_cpus: u32) -> u64 {
    interval.length_us().saturating_mul(max_cpus.into())
}

/// Returns how much more CPU time can be used in an interval.
fn room(interval: &Interval, max_cpus: u32) -> u64 {
    most(interval, max_cpus).saturating_sub(cpu_us(interval))
}

/// Takes `amount_us` of the CPU time of an interval, of user and system time in proportion.
fn take(interval: &mut Interval, amount_us: u64) -> (u64, u64) {
    let usr_us = proportion(interval.usr_us, amount_us, cpu_us(interval));
    let sys_us = amount_us - usr_us;
    interval.usr_us -= usr_us;
    interval.sys_us = interval.sys_us.saturating_sub(sys_us);
    (usr_us, sys_us)
}

/// Moves as much of `left` to an interval as it has room for. Returns how much.
fn fill(interval: &mut Interval, max_cpus: u32, left: &mut (u64, u64)) -> u64 {
    let all_us = left.0.saturating_add(left.1);
    let amount_us = all_us.min(room(interval, max_cpus));
    let usr_us = proportion(left.0, amount_us, all_us);
    let sys_us = (amount_us - usr_us).min(left.1);
    let usr_us = amount_us - sys_us;
    *left = (left.0.saturating_sub(usr_us), left.1 - sys_us);
    interval.usr_us += usr_us;
    interval.sys_us += sys_us;
    amount_us
}

/// Returns the part of `part_us` that belongs to `amount_us` of `all_us`.
fn proportion(part_us: u64, amount_us: u64, all_us: u64) -> u64 {
    let part = u128::from(part_us) * u128::from(amount_us) / u128::from(all_us.max(1));
    // CAST: not more than `amount_us`, because `part_us` is not more than `all_us`.
    part.min(u128::from(amount_us)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu_share::interval;
    use proptest::prelude::*;

    fn spread(max_cpus: u32, intervals: &[Interval]) -> Vec<Interval> {
        let mut spread = Spread::new(Some(max_cpus));
        let mut found = Vec::new();
        for one in intervals {
            spread.push(*one, 300, |ready| found.push(ready));
        }
        spread.finish(|ready| found.push(ready));
        found
    }

    fn used(max_cpus: u32, of: &[u64]) -> Vec<u64> {
        let intervals: Vec<Interval> = (0..)
            .zip(of)
            .map(|(number, used)| interval(number * 100, (number + 1) * 100, *used, false))
            .collect();
        spread(max_cpus, &intervals).iter().map(cpu_us).collect()
    }

    #[test]
    fn what_is_too_much_was_used_before() {
        assert_eq!(used(1, &[10, 100, 0, 20, 347]), [77, 100, 100, 100, 100]);
        assert_eq!(used(1, &[100, 0, 150]), [100, 50, 100]);
        assert_eq!(used(2, &[0, 347]), [147, 200]);
    }

    #[test]
    fn what_has_no_room_before_comes_later() {
        assert_eq!(used(1, &[150, 90, 0]), [100, 100, 40]);
        assert_eq!(used(1, &[150]), [150]);
    }

    #[test]
    fn user_and_system_time_move_in_proportion() {
        let late = Interval {
            sys_us: 50,
            ..interval(100, 200, 150, false)
        };
        let found = spread(1, &[interval(0, 100, 0, false), late]);
        let parts: Vec<_> = found.iter().map(|one| (one.usr_us, one.sys_us)).collect();
        assert_eq!(parts, [(75, 25), (75, 25)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn sums_stay_and_no_share_is_too_high(
            used in prop::collection::vec((1u64..5000, 0u64..9000, 0u64..9000), 1..700),
            max_cpus in 1u32..4,
        ) {
            let mut time = 0;
            let intervals: Vec<Interval> = used.iter().map(|(length, usr_us, sys_us)| {
                let from_us = time;
                time += length;
                Interval { sys_us: *sys_us, ..interval(from_us, time, *usr_us, false) }
            }).collect();
            let found = spread(max_cpus, &intervals);
            let sum = |all: &[Interval]| all.iter().fold((0, 0), |(usr, sys), one| (usr + one.usr_us, sys + one.sys_us));
            prop_assert_eq!(sum(&found), sum(&intervals));
            let times = |all: &[Interval]| all.iter().map(|one| (one.from_us, one.to_us)).collect::<Vec<_>>();
            prop_assert_eq!(times(&found), times(&intervals));
            let but_last = &found[..found.len() - 1];
            prop_assert!(but_last.iter().all(|one| cpu_us(one) <= most(one, max_cpus)));
        }

        #[test]
        fn any_numbers(used in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()), 1..20), max_cpus: u32) {
            let intervals: Vec<Interval> = used.iter().map(|(from_us, to_us, usr_us, sys_us)| {
                Interval { sys_us: *sys_us, ..interval(*from_us, *to_us, *usr_us, false) }
            }).collect();
            prop_assert_eq!(spread(max_cpus, &intervals).len(), intervals.len());
        }
    }
}
