// SPDX-License-Identifier: GPL-2.0

//! Starting, stopping and waking the sampler.

use super::Recorder;
use crate::{
    abstractions::kthread::Current,
    schedule::{EndedPass, NextStep, PassCounts},
};
use kernel::prelude::*;

impl Recorder {
    /// Starts sampling, if it was stopped. Does not sleep. The caller holds no spinlock of this
    /// module.
    pub(crate) fn start(&self) {
        self.set_running(true);
    }

    /// Stops sampling. When this has succeeded, no sample is taken any more: neither in a pass, nor
    /// as the first sample of a new target.
    ///
    /// Sleeps until the pass that is under way has ended, and waits for no later one. Fails with
    /// `EINTR` if the process is being killed; then that pass is the last one that takes samples.
    pub(crate) fn stop(&self) -> Result {
        let pass = self.set_running(false);
        self.pass_ended
            .wait_killable(|| self.targets.lock().schedule().has_ended(pass))
    }

    /// Starts or stops sampling, and wakes the sampler. Returns the number of the latest pass.
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

    /// Wakes the sampler, which then reads the schedule again. Does not sleep. The caller holds no
    /// spinlock of this module.
    pub(crate) fn wake_sampler(&self) {
        self.targets.lock().updated_schedule().0.wake();
        self.sampler_wait.wake_all();
    }

    /// Records the end of the pass that the sampler has made, if any, and decides its next step.
    pub(crate) fn next_step(&self, ended: Option<EndedPass>) -> NextStep {
        let mut registry = self.targets.lock();
        let (schedule, now_ns) = registry.updated_schedule();
        if let Some(ended) = &ended {
            schedule.end_pass(ended, now_ns);
        }
        let step = schedule.next_step(now_ns);
        drop(registry);
        if ended.is_some() {
            self.pass_ended.wake_all();
        }
        step
    }

    /// Sleeps until `until_ns` of the monotonic clock (`None`: without a limit), until the number
    /// of wakeups is no longer `wakeups`, or until the thread `me` must stop.
    pub(crate) fn sleep(&self, me: &Current, until_ns: Option<u64>, wakeups: u64) {
        self.sampler_wait.sleep_until(me, until_ns, || {
            self.targets.lock().schedule().wakeups() != wakeups
        });
    }

    /// Returns the counts of passes, brought up to the present time.
    pub(crate) fn pass_counts(&self) -> PassCounts {
        self.targets.lock().updated_schedule().0.counts()
    }
}
