// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/debug/taskmonitor_stats: the statistics, one number in each line.

use crate::{
    abstractions::{
        rights,
        seq_file::{Page, Records},
    },
    recorder::Recorder,
    TaskMonitor,
};
use kernel::{fmt::Write, prelude::*, str::Formatter, sync::Arc};

/// The open file.
pub(crate) struct Stats(Arc<Recorder>);

impl Records for Stats {
    type Data = Recorder;
    type Module = TaskMonitor;
    const WRITABLE: bool = false;

    fn open(recorder: &Arc<Recorder>) -> Result<Self> {
        rights::require_admin()?;
        Ok(Self(recorder.clone()))
    }

    fn first(&mut self) -> bool {
        true
    }

    fn next(&mut self) -> bool {
        false
    }

    fn show(&mut self, page: &Page<'_>) -> Result {
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
            let mut line = [0; 48];
            let mut text = Formatter::new(&mut line);
            text.write_fmt(fmt!("{name} {value}\n"))
                .map_err(|_| EINVAL)?;
            let len = text.bytes_written();
            page.put(line.get(..len).unwrap_or_default());
        }
        Ok(())
    }
}
