// SPDX-License-Identifier: GPL-2.0

//! Adding up what threads have waited that end, in a kernel that does not do so itself.

use super::{Target, Targets};
use crate::{abstractions::pid::Pid, sample_cache::SampleCache};
use kernel::task::Task;

impl Targets {
    /// Adds what `thread` has waited to the sum of its process, if the forks of that are followed.
    ///
    /// Called by the exit probe, when `thread` has set `PF_EXITING`. Does not sleep. Takes the
    /// locks of the registry and of the store.
    pub(crate) fn add_ended_thread(&self, thread: &Task, samples: &SampleCache<Target>) {
        // The thread is running, so its process has not been reaped.
        if let Some(pid) = Pid::of_process(thread) {
            self.lock().add_ended_thread(&pid, thread, samples);
        }
    }
}
