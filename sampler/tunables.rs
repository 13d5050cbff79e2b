// SPDX-License-Identifier: GPL-2.0

//! Putting changed module parameters into force.

use super::Sampler;
use crate::{
    abstractions::{kthread::KThread, param::Listener},
    params,
    recorder::Recorder,
};
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    Arc,
};

/// Called when module parameters have been written.
pub(crate) struct Tunables {
    recorder: Arc<Recorder>,
    thread: Arc<KThread<Sampler>>,
    /// The real-time priority that the thread was given last.
    rt_priority: Atomic<u64>,
}

impl Tunables {
    /// `thread` has no real-time priority yet.
    pub(crate) fn new(recorder: Arc<Recorder>, thread: Arc<KThread<Sampler>>) -> Self {
        Self {
            recorder,
            thread,
            rt_priority: Atomic::new(0),
        }
    }
}

impl Listener for Tunables {
    fn changed(&self) {
        let rt_priority = params::RT_PRIORITY.get();
        // Only if it has changed, so that a priority set by chrt(1) stays when other parameters are
        // written. The parameters' lock is held, so calls come one at a time.
        if self.rt_priority.load(Relaxed) != rt_priority {
            self.rt_priority.store(rt_priority, Relaxed);
            self.thread.set_realtime_priority(rt_priority as u8);
        }
        self.recorder.set_max_samples(params::MAX_SAMPLES.get());
        self.recorder.wake_sampler();
    }
}
