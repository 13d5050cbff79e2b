// SPDX-License-Identifier: GPL-2.0

//! A set of times, as ranges: when tasks were sampled.

use crate::history::Window;
use std::collections::BTreeMap;

/// The most ranges that are kept. With more, those with the smallest distance become one.
const MAX_RANGES: usize = 4096;

/// Ranges of time that do not touch each other.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    /// The ends, by the beginnings.
    ends: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Adds a range; ranges that touch become one.
    pub fn add(&mut self, from_us: u64, to_us: u64) {
        let (mut from_us, mut to_us) = (from_us, to_us.max(from_us));
        while let Some((begin, end)) = self.ends.range(..=to_us).next_back() {
            let (begin, end) = (*begin, *end);
            if end < from_us {
                break;
            }
            if begin <= from_us && to_us <= end {
                return;
            }
            self.ends.remove(&begin);
            from_us = from_us.min(begin);
            to_us = to_us.max(end);
        }
        self.ends.insert(from_us, to_us);
        if self.ends.len() > MAX_RANGES {
            self.join_nearest();
        }
    }

    /// Returns the ranges of `window` that are not in the set.
    pub fn missing_in(&self, window: Window) -> Vec<Window> {
        let mut missing = Vec::new();
        let mut from_us = window.from_us;
        for (begin, end) in &self.ends {
            let to_us = (*begin).min(window.to_us);
            if to_us > from_us {
                missing.push(Window { from_us, to_us });
            }
            from_us = from_us.max(*end);
        }
        if window.to_us > from_us {
            missing.push(Window {
                from_us,
                to_us: window.to_us,
            });
        }
        missing
    }

    /// Joins a half of the ranges, those with the smallest distances, so that this is done seldom.
    fn join_nearest(&mut self) {
        let all: Vec<(u64, u64)> = self.ends.iter().map(|(from, to)| (*from, *to)).collect();
        let distance = |pair: &[(u64, u64)]| pair[1].0 - pair[0].1;
        let mut distances: Vec<u64> = all.windows(2).map(distance).collect();
        distances.sort_unstable();
        let limit = distances[distances.len() / 2];
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (from, to) in all {
            match joined.last_mut() {
                Some(last) if from - last.1 <= limit => last.1 = to,
                _ => joined.push((from, to)),
            }
        }
        self.ends = joined.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(of: &[(u64, u64)], from_us: u64, to_us: u64) -> Vec<(u64, u64)> {
        let mut ranges = Ranges::default();
        of.iter().for_each(|(from, to)| ranges.add(*from, *to));
        let all = ranges.missing_in(Window { from_us, to_us });
        all.iter().map(|one| (one.from_us, one.to_us)).collect()
    }

    #[test]
    fn what_is_missing() {
        assert_eq!(missing(&[], 3, 9), [(3, 9)]);
        assert_eq!(
            missing(&[(10, 20), (20, 30), (40, 50)], 0, 60),
            [(0, 10), (30, 40), (50, 60)]
        );
        assert_eq!(missing(&[(40, 50), (10, 20), (15, 45)], 12, 48), []);
        assert_eq!(missing(&[(10, 20), (30, 40)], 15, 35), [(20, 30)]);
        assert_eq!(missing(&[(10, 20), (30, 40), (5, 50)], 5, 50), []);
    }

    #[test]
    fn bounded() {
        let mut ranges = Ranges::default();
        for number in 0..3 * MAX_RANGES as u64 {
            ranges.add(number * 10, number * 10 + 1);
        }
        assert!(ranges.ends.len() <= MAX_RANGES);
    }
}
