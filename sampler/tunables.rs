// SPDX-License-Identifier: GPL-2.0

//! Applying changed module parameters.

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

/// The listener for writes to the module parameters.
pub(crate) struct Tunables {
    recorder: Arc<Recorder>,
    thread: Arc<KThread<Sampler>>,
    /// The `rt_priority` that was last applied.
    rt_priority: Atomic<u64>,
}

impl Tunables {
    /// A listener for `recorder` and its sampler `thread`, which has no real-time priority yet.
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
        // Applied only if it has changed, so that a priority set by chrt(1) stays when other
        // parameters are written. The lock of the parameters is held, so this does not run twice at
        // a time.
        if self.rt_priority.load(Relaxed) != rt_priority {
            self.rt_priority.store(rt_priority, Relaxed);
            self.thread.set_realtime_priority(rt_priority as u8);
        }
        self.recorder.set_max_samples(params::MAX_SAMPLES.get());
        self.recorder.set_max_kib(params::MAX_KIB.get());
        self.recorder.wake_sampler();
    }
}
