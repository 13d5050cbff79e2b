// SPDX-License-Identifier: GPL-2.0

//! Starting, stopping and waking the sampler.

use super::Recorder;
use crate::{
    abstractions::kthread::Current,
    schedule::{EndedPass, NextStep, PassCounts},
};
use kernel::prelude::*;

impl Recorder {
    /// Starts sampling, if it was stopped. May be called with no spinlock held.
    pub(crate) fn start(&self) {
        self.set_running(true);
    }

    /// Stops sampling. Once this has returned no sample is taken: neither by a pass, nor the first sample
    /// of a new target.
    ///
    /// Waits for the pass that is under way, and for no later one. Fails with `EINTR` if the process is
    /// being killed; sampling is stopped all the same.
    pub(crate) fn stop(&self) -> Result {
        let pass = self.set_running(false);
        self.pass_ended
            .wait_killable(|| self.targets.lock().schedule().has_ended(pass))
    }

    /// Starts or stops sampling. Returns the number of the latest pass.
    fn set_running(&self, is_running: bool) -> u64 {
        let pass = self
            .targets
            .lock()
            .updated_schedule()
            .0
            .set_running(is_running);
        self.wake_sampler();
        pass
    }

    /// Makes the sampler look at the schedule again. May be called with no spinlock held.
    pub(crate) fn wake_sampler(&self) {
        self.targets.lock().updated_schedule().0.wake();
        self.sampler_wait.wake_all();
    }

    /// Ends the pass that the sampler has made, if any, and decides what it does next.
    ///
    /// Returns that, the number of wakeups so far, and the time, nanoseconds of the monotonic clock.
    pub(crate) fn next_step(&self, ended: Option<EndedPass>) -> (NextStep, u64, u64) {
        let mut registry = self.targets.lock();
        let (schedule, now_ns) = registry.updated_schedule();
        if let Some(ended) = &ended {
            schedule.end_pass(ended, now_ns);
        }
        let step = schedule.next_step(now_ns);
        let wakeups = schedule.wakeups();
        drop(registry);
        if ended.is_some() {
            self.pass_ended.wake_all();
        }
        (step, wakeups, now_ns)
    }

    /// Sleeps until `until_ns` of the monotonic clock (`None`: without limit), or until the sampler has
    /// been woken more often than `wakeups` times.
    pub(crate) fn sleep(&self, me: &Current, until_ns: Option<u64>, wakeups: u64) {
        self.sampler_wait.sleep_until(me, until_ns, || {
            self.targets.lock().schedule().wakeups() != wakeups
        });
    }

    /// Returns what the statistics show about passes.
    pub(crate) fn pass_counts(&self) -> PassCounts {
        self.targets.lock().updated_schedule().0.counts()
    }
}
