// SPDX-License-Identifier: GPL-2.0

//! When sampling passes are due, and how many were made, were late or were missed.
//!
//! [`Schedule`] is plain state, and nothing here calls the kernel. The registry of targets holds
//! it, and the registry's lock protects it. So the lock orders a `stop` command with everything
//! that takes samples: the passes, and the first sample of a new target. deadline.rs does the
//! arithmetic.
//!
//! All times are nanoseconds of the monotonic clock.

mod deadline;

use deadline::Deadline;

/// When passes are due, and whether sampling is running.
pub(crate) struct Schedule {
    /// Whether sampling is running, that is, was not stopped by a command.
    is_running: bool,
    /// When the next pass is due; `None` while there is nothing to sample.
    deadline: Option<Deadline>,
    /// When the last living target ended or was removed. [`update`](Self::update) takes it into
    /// account, and sets it to `None`.
    idle_since_ns: Option<u64>,
    /// How many passes have begun, which is also the number of the latest one.
    begun: u64,
    /// How many passes have ended: as many as have begun, or one fewer.
    ended: u64,
    /// How often [`wake`](Self::wake) was called.
    wakeups: u64,
    counts: PassCounts,
}

/// The counts of passes that the statistics show.
#[derive(Clone, Copy)]
pub(crate) struct PassCounts {
    /// Passes that were made. A pass without memory for its timestamp takes no samples and is not
    /// counted.
    pub(crate) passes: u64,
    /// The time spent in these passes, nanoseconds.
    pub(crate) spent_ns: u64,
    /// Passes that began a whole period or more late.
    pub(crate) late: u64,
    /// Periods in which no pass began, and passes without memory for their timestamp.
    pub(crate) missed: u64,
}

/// A pass that has just ended.
pub(crate) struct EndedPass {
    /// When it began.
    pub(crate) begin_ns: u64,
    /// Whether samples were taken. If not, there was no memory for the timestamp of the pass.
    pub(crate) has_samples: bool,
}

/// What the sampler does next.
pub(crate) enum NextStep {
    /// Sleep.
    Sleep {
        /// When the next pass is due; `None`: there is nothing to sample.
        until_ns: Option<u64>,
        /// The number of wakeups so far. The sleep also ends when it changes.
        wakeups: u64,
    },
    /// Make a pass.
    Pass {
        /// When the pass begins.
        begin_ns: u64,
        /// The time until the next pass is due.
        period_ns: u64,
    },
}

impl Schedule {
    /// A running schedule with nothing to sample.
    pub(crate) const fn new() -> Self {
        Self {
            is_running: true,
            deadline: None,
            idle_since_ns: None,
            begun: 0,
            ended: 0,
            wakeups: 0,
            counts: PassCounts {
                passes: 0,
                spent_ns: 0,
                late: 0,
                missed: 0,
            },
        }
    }

    /// Returns whether sampling is running.
    pub(crate) fn is_running(&self) -> bool {
        self.is_running
    }

    /// Starts or stops sampling. The caller has called [`update`](Self::update) for the present
    /// time.
    ///
    /// Returns the number of the latest pass that has begun. While sampling is stopped, no other
    /// one begins.
    pub(crate) fn set_running(&mut self, is_running: bool) -> u64 {
        self.is_running = is_running;
        self.begun
    }

    /// Returns whether the pass with the number `pass` has ended.
    pub(crate) fn has_ended(&self, pass: u64) -> bool {
        self.ended >= pass
    }

    /// Records that there is no living target from `now_ns` on, even if one is added before the
    /// next [`update`](Self::update).
    pub(crate) fn set_idle(&mut self, now_ns: u64) {
        self.idle_since_ns = Some(now_ns);
    }

    /// Brings the deadline and the number of missed periods up to `now_ns`.
    ///
    /// `has_targets`: whether there is a living target. `period_ns`: the current period.
    pub(crate) fn update(&mut self, now_ns: u64, has_targets: bool, period_ns: u64) {
        let idle_since_ns = self.idle_since_ns.take();
        if let Some(deadline) = &mut self.deadline {
            self.counts.missed += deadline.count_missed(idle_since_ns.unwrap_or(now_ns));
        }
        let is_active = self.is_running && has_targets;
        if idle_since_ns.is_some() || !is_active {
            self.deadline = None;
        }
        if is_active {
            self.deadline
                .get_or_insert(Deadline::new(now_ns, period_ns))
                .set_period(period_ns, now_ns);
        }
    }

    /// Returns what the sampler does next. Begins a pass if one is due at `now_ns`. The caller has
    /// called [`update`](Self::update) for `now_ns`, and no pass is under way.
    pub(crate) fn next_step(&mut self, now_ns: u64) -> NextStep {
        match &mut self.deadline {
            Some(deadline) if deadline.due_ns() <= now_ns => {
                self.counts.late += u64::from(deadline.advance());
                self.begun += 1;
                NextStep::Pass {
                    begin_ns: now_ns,
                    period_ns: deadline.period_ns(),
                }
            }
            deadline => NextStep::Sleep {
                until_ns: deadline.as_ref().map(|deadline| deadline.due_ns()),
                wakeups: self.wakeups,
            },
        }
    }

    /// Ends the pass that is under way, at `now_ns`.
    pub(crate) fn end_pass(&mut self, pass: &EndedPass, now_ns: u64) {
        self.ended = self.begun;
        if pass.has_samples {
            self.counts.passes += 1;
            self.counts.spent_ns += now_ns.saturating_sub(pass.begin_ns);
        } else {
            self.counts.missed += 1;
        }
    }

    /// Counts a wakeup: the sampler must call [`next_step`](Self::next_step) again.
    pub(crate) fn wake(&mut self) {
        self.wakeups += 1;
    }

    /// Returns how often [`wake`](Self::wake) was called.
    pub(crate) fn wakeups(&self) -> u64 {
        self.wakeups
    }

    /// Returns the counts. The caller has called [`update`](Self::update), so missed periods are
    /// counted even if the sampler gets no CPU.
    pub(crate) fn counts(&self) -> PassCounts {
        self.counts
    }
}
