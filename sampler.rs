// SPDX-License-Identifier: GPL-2.0

//! The kernel thread that samples all targets, once a period.
//!
//! The thread asks the recorder for its next step, which is a pass (pass.rs) or a sleep.
//! tunables.rs applies changed module parameters, including the priority of the thread.

mod pass;
mod tunables;

pub(crate) use tunables::Tunables;

use crate::{
    abstractions::kthread::{Current, Run},
    recorder::Recorder,
    schedule::{EndedPass, NextStep},
};
use kernel::sync::Arc;
use pass::Pass;

/// The body of the thread.
pub(crate) struct Sampler(pub(crate) Arc<Recorder>);

impl Run for Sampler {
    fn run(&self, me: &Current) {
        let recorder = &*self.0;
        let mut spare = None;
        let mut ended = None;
        while !me.should_stop() {
            match recorder.next_step(ended.take()) {
                NextStep::Sleep { until_ns, wakeups } => recorder.sleep(me, until_ns, wakeups),
                NextStep::Pass {
                    begin_ns,
                    period_ns,
                } => {
                    let has_samples = Pass::run(recorder, me, period_ns, &mut spare);
                    ended = Some(EndedPass {
                        begin_ns,
                        has_samples,
                    });
                }
            }
        }
        // The end of the last pass is not recorded. No `stop` command waits for it, because no file
        // is open any more when the thread is stopped.
    }
}
