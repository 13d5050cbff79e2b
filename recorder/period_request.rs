// SPDX-License-Identifier: GPL-2.0

//! Requests for a shorter period, each for as long as a file is open.
//!
//! The shortest of all requests and of the parameter `period_ms` is in force. So several programs
//! can record at their own pace, and one that is killed leaves nothing changed.

use super::Recorder;
use kernel::{prelude::*, sync::Arc};

/// What one open file requests: a period, or nothing. Dropping it withdraws the request; it may
/// sleep.
pub(crate) struct PeriodRequest {
    recorder: Arc<Recorder>,
    /// The number of the request.
    number: u64,
}

impl PeriodRequest {
    /// Requests nothing yet. May sleep.
    pub(crate) fn none(recorder: &Arc<Recorder>) -> Self {
        let mut requests = recorder.period_requests.lock();
        requests.last += 1;
        Self {
            recorder: recorder.clone(),
            number: requests.last,
        }
    }

    /// Returns the recorder whose period this is about.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Requests `period_ms` from now on. May sleep. Fails with `ENOMEM`.
    pub(crate) fn set(&self, period_ms: u64) -> Result {
        self.update(|requests| Ok(requests.push((self.number, period_ms), GFP_KERNEL)?))
    }

    /// Withdraws what this requests, and calls `change`. May sleep. Fails as `change` does; then
    /// nothing has changed.
    fn update(&self, change: impl FnOnce(&mut KVec<(u64, u64)>) -> Result) -> Result {
        let mut all = self.recorder.period_requests.lock();
        let own = all.requests.iter().position(|one| one.0 == self.number);
        change(&mut all.requests)?;
        if let Some(own) = own {
            // It is there: `change` only appends.
            let _ = all.requests.remove(own);
        }
        let shortest_ms = all.requests.iter().map(|(_, period_ms)| *period_ms).min();
        self.recorder.targets.lock().requested_period_ms = shortest_ms;
        drop(all);
        self.recorder.wake_sampler();
        Ok(())
    }
}

impl Drop for PeriodRequest {
    fn drop(&mut self) {
        let _ = self.update(|_| Ok(()));
    }
}
