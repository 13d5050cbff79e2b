// SPDX-License-Identifier: GPL-2.0

//! When sampling passes are due, and what has become of those that were.
//!
//! [`Schedule`] is plain state, and nothing here calls the kernel. The registry of targets holds it, and
//! the registry's lock protects it. So the lock orders a `stop` command with everything that takes
//! samples: the passes, and the first sample of a new target. deadline.rs does the arithmetic.
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
    /// When the last target that could be sampled went away, until [`update`](Self::update) takes that
    /// into account.
    idle_since_ns: Option<u64>,
    /// How many passes have begun, which is also the number of the latest one.
    begun: u64,
    /// How many passes have ended: as many as have begun, or one fewer.
    ended: u64,
    /// How often the sampler has been told to look at the schedule again.
    wakeups: u64,
    counts: PassCounts,
}

/// What the statistics show about passes.
#[derive(Clone, Copy, Default)]
pub(crate) struct PassCounts {
    /// Passes in which samples were taken.
    pub(crate) passes: u64,
    /// The time spent in them, nanoseconds.
    pub(crate) spent_ns: u64,
    /// Passes that began a whole period or more late.
    pub(crate) late: u64,
    /// Periods in which no samples were taken.
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
    /// Sleep until that time, or until it is woken. `None`: until it is woken.
    Sleep(Option<u64>),
    /// Make a pass.
    Pass {
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

    /// Starts or stops sampling. The caller has called [`update`](Self::update) for the present time.
    ///
    /// Returns the number of the latest pass that has begun. After a stop no later one begins.
    pub(crate) fn set_running(&mut self, is_running: bool) -> u64 {
        self.is_running = is_running;
        self.begun
    }

    /// Returns whether the pass of that number has ended.
    pub(crate) fn has_ended(&self, pass: u64) -> bool {
        self.ended >= pass
    }

    /// Records that from `now_ns` on there is nothing to sample, at least for a moment.
    pub(crate) fn set_idle(&mut self, now_ns: u64) {
        self.idle_since_ns = Some(now_ns);
    }

    /// Brings the deadline and the number of missed periods up to `now_ns`.
    ///
    /// `has_targets`: whether there is a target to sample; `period_ns`: the period in force.
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

    /// Begins a pass if one is due by `now_ns`. The caller has called [`update`](Self::update) for
    /// `now_ns`, and no pass is under way.
    pub(crate) fn next_step(&mut self, now_ns: u64) -> NextStep {
        match &mut self.deadline {
            Some(deadline) if deadline.due_ns() <= now_ns => {
                self.counts.late += u64::from(deadline.advance());
                self.begun += 1;
                NextStep::Pass {
                    period_ns: deadline.period_ns(),
                }
            }
            deadline => NextStep::Sleep(deadline.as_ref().map(|deadline| deadline.due_ns())),
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

    /// Records that the sampler is to look at the schedule again.
    pub(crate) fn wake(&mut self) {
        self.wakeups += 1;
    }

    /// Returns how often [`wake`](Self::wake) was called.
    pub(crate) fn wakeups(&self) -> u64 {
        self.wakeups
    }

    /// Returns the counts. The caller has called [`update`](Self::update), so that missed periods show
    /// even if the sampler gets no CPU.
    pub(crate) fn counts(&self) -> PassCounts {
        self.counts
    }
}
