// SPDX-License-Identifier: GPL-2.0

//! The kernel thread: once a period, one sample of every target.

use crate::{
    abstractions::{
        clock,
        kthread::{Current, KThread, Run},
        param::Listener,
    },
    grid::Grid,
    params,
    pass::Pass,
    recorder::Recorder,
    registry::Registry,
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc, SpinLockGuard,
    },
};

/// Whether, and when, the sampler goes on.
pub(crate) struct Pace {
    /// Rises whenever the sampler is to look up from its sleep.
    calls: u64,
    /// When passes are due; none while nobody is watched, or sampling is paused.
    grid: Option<Grid>,
    passes: Passes,
}

/// What the statistics say of the passes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passes {
    /// How many there were.
    pub(crate) count: u64,
    /// The time spent in them, nanoseconds.
    pub(crate) spent_ns: u64,
    /// How many began a whole period or more late.
    pub(crate) late: u64,
    /// The periods in which none began.
    pub(crate) missed: u64,
}

impl Passes {
    /// Counts a pass that has ended by `now_ns`.
    fn count(&mut self, ended: &EndedPass, now_ns: u64) {
        if ended.is_made {
            self.count += 1;
            self.spent_ns += now_ns.saturating_sub(ended.begin_ns);
        } else {
            self.missed += 1;
        }
    }
}

/// A pass that has just ended.
struct EndedPass {
    /// When it began, nanoseconds of the monotonic clock.
    begin_ns: u64,
    /// Whether samples were taken; else no memory was to be had for its moment.
    is_made: bool,
}

/// What the sampler is to do next.
enum Step {
    /// Sleep until that moment, nanoseconds of the monotonic clock; or until it is called.
    Sleep(Option<u64>),
    /// Make a pass, the next one being expected that many nanoseconds later.
    Pass(u64),
}

impl Pace {
    /// A pace that has been begun.
    pub(crate) fn new() -> Self {
        Self {
            calls: 0,
            grid: None,
            passes: Passes::default(),
        }
    }

    /// Brings the grid, and the count of missed periods, up to `now_ns`. `idle_since_ns`: when nobody was
    /// watched any more, if that is new; `is_sampled`: whether anybody is now, and is sampled.
    fn bring_up(&mut self, now_ns: u64, idle_since_ns: Option<u64>, is_sampled: bool) {
        if let Some(grid) = &mut self.grid {
            self.passes.missed += grid.miss(idle_since_ns.unwrap_or(now_ns));
        }
        if idle_since_ns.is_some() || !is_sampled {
            self.grid = None;
        }
        if is_sampled {
            let period_ns = params::PERIOD_MS.get() * 1_000_000;
            self.grid
                .get_or_insert(Grid::new(now_ns, period_ns))
                .set_period(period_ns, now_ns);
        }
    }

    /// Begins a pass, if one is due by `now_ns`, up to which the grid has been brought.
    fn step(&mut self, now_ns: u64) -> Step {
        match &mut self.grid {
            Some(grid) if grid.due_ns() <= now_ns => {
                self.passes.late += u64::from(grid.advance());
                Step::Pass(grid.period_ns())
            }
            grid => Step::Sleep(grid.as_ref().map(|grid| grid.due_ns())),
        }
    }
}

impl Recorder {
    /// Resumes sampling.
    pub(crate) fn start(&self) {
        self.set_running(true);
        self.wake_sampler();
    }

    /// Pauses sampling: once this has returned no sample is taken, also none of a fork or of a task
    /// that is being added.
    ///
    /// Waits for the pass that is under way, and for no later one, which somebody else may begin.
    /// Fails with `EINTR` when the process is being killed; sampling is paused all the same.
    pub(crate) fn stop(&self) -> Result {
        let pass = self.set_running(false);
        self.wake_sampler();
        self.pass_ended
            .wait_killable(|| self.registry.lock().sampling.has_ended(pass))
    }

    /// Says whether passes are to begin. Returns the number of the latest.
    fn set_running(&self, is_running: bool) -> u64 {
        let mut registry = self.registry.lock();
        // Brought up to now before that changes, and by the next call after it.
        drop(self.pace_within(&mut registry));
        registry.sampling.is_running = is_running;
        registry.sampling.latest_pass()
    }

    /// The pace, brought up to this moment, and the moment, nanoseconds of the monotonic clock.
    fn pace_within(&self, registry: &mut Registry) -> (SpinLockGuard<'_, Pace>, u64) {
        let idle_since_ns = registry.idle_since_ns.take();
        // Within the registry's lock, so that nobody is watched meanwhile who is not known of.
        let mut pace = self.pace.lock();
        let now_ns = clock::monotonic_ns();
        pace.bring_up(now_ns, idle_since_ns, registry.is_sampled());
        (pace, now_ns)
    }

    /// Ends the pass that is under way, if one is, and begins another, if one is due. Also returns the
    /// number of calls until now, and the moment, nanoseconds of the monotonic clock.
    fn next_step(&self, ended: Option<EndedPass>) -> (Step, u64, u64) {
        let mut registry = self.registry.lock();
        let (mut pace, now_ns) = self.pace_within(&mut registry);
        if let Some(ended) = &ended {
            pace.passes.count(ended, now_ns);
            registry.sampling.end_pass();
        }
        let step = pace.step(now_ns);
        if let Step::Pass(_) = step {
            // There is a grid only while passes may begin, which changes under this lock.
            registry.sampling.begin_pass();
        }
        let calls = pace.calls;
        drop(pace);
        drop(registry);
        if ended.is_some() {
            self.pass_ended.wake_all();
        }
        (step, calls, now_ns)
    }

    /// What the statistics say of the passes. Periods that are missed just now are among them, so that a
    /// sampler that gets no CPU shows.
    pub(crate) fn passes(&self) -> Passes {
        self.pace_within(&mut self.registry.lock()).0.passes
    }

    /// Has the sampler look at what it is to do. May be called with no lock held but mutexes.
    pub(crate) fn wake_sampler(&self) {
        self.pace_within(&mut self.registry.lock()).0.calls += 1;
        self.bell.ring();
    }
}

/// What puts the parameters in force when they have been written.
pub(crate) struct Tuning {
    recorder: Arc<Recorder>,
    thread: Arc<KThread<Sampler>>,
    /// The real-time priority that the thread has.
    rt_priority: Atomic<u64>,
}

impl Tuning {
    /// For a thread that has just been made, and is an ordinary one.
    pub(crate) fn new(recorder: Arc<Recorder>, thread: Arc<KThread<Sampler>>) -> Self {
        Self {
            recorder,
            thread,
            rt_priority: Atomic::new(0),
        }
    }
}

impl Listener for Tuning {
    fn changed(&self) {
        let rt_priority = params::RT_PRIORITY.get();
        // Only what is new, so that what `chrt` did to the thread stays when others are written. Calls
        // come one at a time, with the parameters' lock.
        if self.rt_priority.load(Relaxed) != rt_priority {
            self.rt_priority.store(rt_priority, Relaxed);
            self.thread.set_realtime_priority(rt_priority as u8);
        }
        let recorder = &*self.recorder;
        recorder
            .store
            .lock()
            .set_max_samples(params::MAX_SAMPLES.get());
        recorder.trim();
        recorder.wake_sampler();
    }
}

/// The body of the thread.
pub(crate) struct Sampler(pub Arc<Recorder>);

impl Run for Sampler {
    fn run(&self, me: &Current) {
        let recorder = &*self.0;
        let mut spare = None;
        let mut ended = None;
        while !me.should_stop() {
            let (step, calls, now_ns) = recorder.next_step(ended.take());
            match step {
                Step::Sleep(until_ns) => {
                    let is_called = || recorder.pace.lock().calls != calls;
                    recorder.bell.sleep_until(me, until_ns, is_called);
                }
                Step::Pass(period_ns) => {
                    ended = Some(EndedPass {
                        is_made: Pass::run(recorder, me, period_ns, &mut spare),
                        begin_ns: now_ns,
                    });
                }
            }
        }
        // Nobody waits for the last pass: the files went before the thread.
    }
}
