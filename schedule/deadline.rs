// SPDX-License-Identifier: GPL-2.0

//! When passes are due, and how many periods went by without one. Pure functions.

use kernel::prelude::*;

/// When the next pass is due: a whole number of periods after the first one, however late passes
/// are. Nanoseconds of the monotonic clock.
pub(crate) struct Grid {
    due_ns: u64,
    period_ns: u64,
    /// How many whole periods have gone by since `due_ns`: no pass began in them.
    missed: u64,
}

impl Grid {
    /// A grid of which the first pass is due a period after `now_ns`.
    pub(crate) fn new(now_ns: u64, period_ns: u64) -> Self {
        Self {
            due_ns: now_ns + period_ns,
            period_ns,
            missed: 0,
        }
    }

    /// Counts the periods that have gone by without a pass until `now_ns`. Returns how many are new.
    pub(crate) fn miss(&mut self, now_ns: u64) -> u64 {
        let before = self.missed;
        self.missed = before.max(now_ns.saturating_sub(self.due_ns) / self.period_ns);
        self.missed - before
    }

    /// Goes on with another period from when the last pass was due. What is overdue stays so.
    pub(crate) fn set_period(&mut self, period_ns: u64, now_ns: u64) {
        if period_ns == self.period_ns {
            return;
        }
        if now_ns < self.due_ns {
            let last_ns = self.due_ns.saturating_sub(self.period_ns);
            self.due_ns = now_ns.max(last_ns + period_ns);
        }
        self.period_ns = period_ns;
        // Those have been counted.
        self.missed = now_ns.saturating_sub(self.due_ns) / period_ns;
    }

    /// Begins a pass, in the period up to which those that were missed have been counted: goes on to the
    /// next. Returns whether it begins a whole period or more late.
    pub(crate) fn advance(&mut self) -> bool {
        self.due_ns += (self.missed + 1) * self.period_ns;
        core::mem::take(&mut self.missed) > 0
    }

    /// When the next pass is due.
    pub(crate) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// The time from one to the next.
    pub(crate) fn period_ns(&self) -> u64 {
        self.period_ns
    }
}

#[kunit_tests(taskmonitor_grid)]
mod tests {
    use super::*;

    #[test]
    fn passes_and_missed_periods_are_all_periods() {
        let mut grid = Grid::new(1_000, 10);
        assert_eq!(grid.due_ns(), 1_010);
        assert_eq!(grid.miss(1_005), 0);
        assert_eq!(grid.miss(1_019), 0);
        assert!(!grid.advance());
        assert_eq!(grid.due_ns(), 1_020);
        // Two go by, and the pass begins in the third.
        assert_eq!(grid.miss(1_030), 1);
        assert_eq!(grid.miss(1_030), 0);
        assert_eq!(grid.miss(1_047), 1);
        assert!(grid.advance());
        assert_eq!(grid.due_ns(), 1_050);
        // The clock was read before by another CPU.
        assert_eq!(grid.miss(1_046), 0);
    }

    #[test]
    fn another_period_counts_from_the_last_pass() {
        let mut grid = Grid::new(1_000, 100);
        grid.set_period(10, 1_004);
        assert_eq!((grid.due_ns(), grid.period_ns()), (1_010, 10));
        grid.set_period(100, 1_005);
        assert_eq!(grid.due_ns(), 1_100);
        // That moment has gone by: at once.
        grid.set_period(20, 1_050);
        assert_eq!((grid.miss(1_050), grid.due_ns()), (0, 1_050));
    }

    #[test]
    fn another_period_leaves_what_is_overdue() {
        let mut grid = Grid::new(0, 100);
        assert_eq!(grid.miss(350), 2);
        grid.set_period(10, 350);
        assert_eq!(grid.miss(350), 0);
        assert_eq!(grid.miss(371), 2);
        assert!(grid.advance());
        assert_eq!(grid.due_ns(), 380);
    }
}
