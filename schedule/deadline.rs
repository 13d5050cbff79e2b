// SPDX-License-Identifier: GPL-2.0

//! The deadline of the next pass, and the periods that have passed without one. Arithmetic only.

/// The deadline of the next pass. Deadlines are whole periods apart, however late passes begin. All
/// times are nanoseconds of the monotonic clock.
pub(super) struct Deadline {
    due_ns: u64,
    period_ns: u64,
    /// How many whole periods after `due_ns` have passed and have been counted. No pass began in
    /// them.
    missed: u64,
}

impl Deadline {
    /// A deadline one period after `now_ns`.
    pub(super) fn new(now_ns: u64, period_ns: u64) -> Self {
        Self {
            due_ns: now_ns + period_ns,
            period_ns,
            missed: 0,
        }
    }

    /// Counts the whole periods that have passed from the deadline to `now_ns`. Returns how many of
    /// them had not been counted before.
    pub(super) fn count_missed(&mut self, now_ns: u64) -> u64 {
        let before = self.missed;
        self.missed = before.max(now_ns.saturating_sub(self.due_ns) / self.period_ns);
        self.missed - before
    }

    /// Changes the period. The next pass is due one new period after the last one was due, or now
    /// if that time has passed. The deadline of a pass that is overdue does not change.
    pub(super) fn set_period(&mut self, period_ns: u64, now_ns: u64) {
        if period_ns == self.period_ns {
            return;
        }
        if now_ns < self.due_ns {
            let last_ns = self.due_ns.saturating_sub(self.period_ns);
            self.due_ns = now_ns.max(last_ns + period_ns);
        }
        self.period_ns = period_ns;
        // These have been counted already.
        self.missed = now_ns.saturating_sub(self.due_ns) / period_ns;
    }

    /// Begins a pass: moves the deadline to the end of the current period. The caller has called
    /// [`count_missed`](Self::count_missed) for the present time. Returns whether the pass begins a
    /// whole period or more late.
    pub(super) fn advance(&mut self) -> bool {
        self.due_ns += (self.missed + 1) * self.period_ns;
        core::mem::take(&mut self.missed) > 0
    }

    /// Returns when the next pass is due.
    pub(super) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Returns the period.
    pub(super) fn period_ns(&self) -> u64 {
        self.period_ns
    }
}

#[cfg_attr(
    CONFIG_TASKMONITOR_KUNIT_TEST,
    kernel::prelude::kunit_tests(taskmonitor_deadline)
)]
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
mod tests {
    use super::*;

    #[test]
    fn passes_and_missed_periods_are_all_periods() {
        let mut deadline = Deadline::new(1_000, 10);
        assert_eq!(deadline.due_ns(), 1_010);
        assert_eq!(deadline.count_missed(1_005), 0);
        assert_eq!(deadline.count_missed(1_019), 0);
        assert!(!deadline.advance());
        assert_eq!(deadline.due_ns(), 1_020);
        // Two periods pass, and the pass begins in the third.
        assert_eq!(deadline.count_missed(1_030), 1);
        assert_eq!(deadline.count_missed(1_030), 0);
        assert_eq!(deadline.count_missed(1_047), 1);
        assert!(deadline.advance());
        assert_eq!(deadline.due_ns(), 1_050);
        // Another CPU read the clock before.
        assert_eq!(deadline.count_missed(1_046), 0);
    }

    #[test]
    fn another_period_counts_from_the_last_pass() {
        let mut deadline = Deadline::new(1_000, 100);
        deadline.set_period(10, 1_004);
        assert_eq!((deadline.due_ns(), deadline.period_ns()), (1_010, 10));
        deadline.set_period(100, 1_005);
        assert_eq!(deadline.due_ns(), 1_100);
        // The new deadline has passed: due now.
        deadline.set_period(20, 1_050);
        assert_eq!(
            (deadline.count_missed(1_050), deadline.due_ns()),
            (0, 1_050)
        );
    }

    #[test]
    fn another_period_leaves_what_is_overdue() {
        let mut deadline = Deadline::new(0, 100);
        assert_eq!(deadline.count_missed(350), 2);
        deadline.set_period(10, 350);
        assert_eq!(deadline.count_missed(350), 0);
        assert_eq!(deadline.count_missed(371), 2);
        assert!(deadline.advance());
        assert_eq!(deadline.due_ns(), 380);
    }
}
