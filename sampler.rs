// SPDX-License-Identifier: GPL-2.0

//! The kernel thread: once a period, one sample of every target.

use crate::{
    abstractions::{
        clock,
        kthread::{Current, Run},
        param::Listener,
    },
    params,
    pass::Pass,
    recorder::Recorder,
};
use kernel::{
    sync::Arc,
    time::{delay::fsleep, Delta},
};

/// Whether, and how, the sampler goes on.
pub(crate) struct Pace {
    running: bool,
    /// Whether a pass is under way.
    passing: bool,
    /// Rises whenever the sampler is to look up from its sleep.
    calls: u64,
    /// What is told of the passes.
    pub(crate) passes: Passes,
}

/// What is told of the passes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passes {
    /// How many there were.
    pub(crate) count: u64,
    /// The time spent in them, nanoseconds.
    pub(crate) spent_ns: u64,
    /// How many began a whole period or more late.
    pub(crate) late: u64,
}

impl Pace {
    /// A pace that has been begun.
    pub(crate) fn new() -> Self {
        Self {
            running: true,
            passing: false,
            calls: 0,
            passes: Passes::default(),
        }
    }
}

impl Recorder {
    /// Whether sampling has not been stopped.
    pub(crate) fn is_running(&self) -> bool {
        self.pace.lock().running
    }

    /// Pauses or resumes sampling. Once it is paused no more samples are taken: a pass under way is
    /// waited for. May sleep.
    pub(crate) fn set_running(&self, running: bool) {
        self.pace.lock().running = running;
        self.wake_sampler();
        while !running && self.pace.lock().passing {
            fsleep(Delta::from_millis(1));
        }
    }

    /// Begins a pass, unless sampling has been paused.
    fn begin_pass(&self) -> bool {
        let mut pace = self.pace.lock();
        pace.passing = pace.running;
        pace.passing
    }

    /// Has the sampler look at what it is to do. May be called with no lock held but mutexes.
    pub(crate) fn wake_sampler(&self) {
        self.pace.lock().calls += 1;
        self.bell.ring();
    }
}

impl Listener for Recorder {
    fn changed(&self) {
        self.store.lock().set_max_samples(params::MAX_SAMPLES.get());
        self.trim();
        self.wake_sampler();
    }
}

/// When the next pass is due: a whole number of periods after the first one, however late passes
/// are. Nanoseconds of the monotonic clock.
#[derive(Clone, Copy)]
struct Grid {
    due_ns: u64,
    period_ns: u64,
}

impl Grid {
    /// A grid that goes on with the present period from `last_ns`, when a pass was due.
    fn new(last_ns: u64, now_ns: u64) -> Self {
        let period_ns = params::PERIOD_MS.get() * 1_000_000;
        Self {
            due_ns: now_ns.max(last_ns + period_ns),
            period_ns,
        }
    }

    /// Goes on to the first due moment after `now_ns`. Returns whether the present one is a period
    /// or more past.
    fn advance(&mut self, now_ns: u64) -> bool {
        let missed = (now_ns - self.due_ns) / self.period_ns;
        self.due_ns += (missed + 1) * self.period_ns;
        missed > 0
    }
}

/// The body of the thread.
pub(crate) struct Sampler(pub Arc<Recorder>);

impl Run for Sampler {
    fn run(&self, me: &Current) {
        let recorder = &*self.0;
        let mut grid: Option<Grid> = None;
        let mut spare = None;
        let mut last_ns = 0;
        let mut calls = 0;
        while !me.should_stop() {
            let (running, called) = {
                let pace = recorder.pace.lock();
                let called = core::mem::replace(&mut calls, pace.calls) != pace.calls;
                (pace.running, called)
            };
            let is_called = || recorder.pace.lock().calls != calls;
            if !running || recorder.registry.lock().living().len() == 0 {
                grid = None;
                recorder.bell.sleep_until(me, None, is_called);
                continue;
            }
            let now_ns = clock::monotonic_ns();
            let mut next = match grid {
                Some(grid) if !called => grid,
                // The period may have changed.
                Some(_) => Grid::new(last_ns, now_ns),
                None => Grid::new(now_ns, now_ns),
            };
            if grid.is_none() {
                last_ns = now_ns;
            }
            if now_ns < next.due_ns {
                grid = Some(next);
                recorder.bell.sleep_until(me, Some(next.due_ns), is_called);
                continue;
            }
            last_ns = next.due_ns;
            let is_late = next.advance(now_ns);
            grid = Some(next);
            if !recorder.begin_pass() {
                continue;
            }
            Pass::run(recorder, me, next.period_ns, &mut spare);
            let mut pace = recorder.pace.lock();
            pace.passing = false;
            pace.passes.count += 1;
            pace.passes.spent_ns += clock::monotonic_ns() - now_ns;
            pace.passes.late += u64::from(is_late);
        }
    }
}
