// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/debug/taskmonitor_stats: the statistics, one name and value in each line.
//!
//! They are counted elsewhere: samples and segments in sample_cache/counts.rs, passes in
//! schedule.rs, targets in targets/registry.rs.

use crate::{
    abstractions::{capability, debugfs_file::FileOperations, seq_file::Records},
    recorder::Recorder,
};
use kernel::{prelude::*, seq_file::SeqFile, seq_print, sync::Arc};

/// The open file.
pub(crate) struct Stats(Arc<Recorder>);

impl FileOperations for Stats {
    type Data = Recorder;
    type Shared = ();
    const WRITABLE: bool = false;

    fn open(recorder: &Arc<Recorder>) -> Result<(Self, ())> {
        capability::require_admin()?;
        Ok((Self(recorder.clone()), ()))
    }
}

impl Records for Stats {
    fn first(&mut self) -> bool {
        true
    }

    fn next(&mut self) -> bool {
        false
    }

    fn show(&mut self, file: &SeqFile) -> Result {
        let (targets, lost) = {
            let registry = self.0.targets().lock();
            (registry.len(), registry.lost)
        };
        let counts = self.0.samples().lock().counts();
        let passes = self.0.pass_counts();
        let rows = [
            ("targets", targets as u64),
            ("created", counts.created),
            ("alive", counts.alive),
            ("evicted", counts.evicted),
            ("removed", counts.removed),
            ("bytes", self.0.samples().bytes()),
            ("passes", passes.passes),
            ("pass_ns", passes.spent_ns),
            ("late", passes.late),
            ("missed", passes.missed),
            ("lost", lost),
            ("reserve", counts.reserve),
            ("recycled", counts.recycled),
        ];
        for (name, value) in rows {
            seq_print!(file, "{name} {value}\n");
        }
        Ok(())
    }
}
