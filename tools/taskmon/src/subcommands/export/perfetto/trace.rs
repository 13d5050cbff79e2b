// SPDX-License-Identifier: GPL-2.0

//! Writes trace events.

use super::Track;
use crate::{cpu_share::Shares, history::TaskOverview};
use anyhow::Result;
use serde_json::{json, Value};
use std::io::Write;

/// A writer of trace events.
pub struct Trace<W: Write> {
    to: W,
    is_first: bool,
}

impl<W: Write> Trace<W> {
    /// Writes the beginning of a trace.
    pub fn begin(mut to: W) -> Result<Self> {
        write!(to, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        Ok(Self { to, is_first: true })
    }

    /// Writes one event.
    pub fn event(&mut self, event: &Value) -> Result<()> {
        self.to
            .write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        serde_json::to_writer(&mut self.to, event)?;
        Ok(())
    }

    /// Writes the name of a task.
    pub fn name(&mut self, track: &Track, task: &TaskOverview) -> Result<()> {
        let name = task.task.label();
        if track.suffix.is_empty() {
            self.event(&json!({
                "ph": "M", "name": "process_name", "pid": track.process, "args": { "name": name },
            }))?;
        }
        self.event(&json!({
            "ph": "M", "name": "thread_name", "pid": track.process, "tid": track.thread,
            "args": { "name": name },
        }))
    }

    /// Writes the new values of a task's counters that differ from those before.
    pub fn set_counters(
        &mut self,
        track: &Track,
        time_us: u64,
        before: Option<Shares>,
        shares: Shares,
    ) -> Result<()> {
        let percent = shares.map(|share| (share * 1e5).round() / 1e3);
        if before.is_none_or(|before| (before.usr, before.sys) != (shares.usr, shares.sys)) {
            self.event(&json!({
                "ph": "C", "name": format!("CPU %{}", track.suffix), "pid": track.process, "ts": time_us,
                "args": { "user": percent.usr, "system": percent.sys },
            }))?;
        }
        // When it is not known any more, the counter goes back to 0.
        let before = before.and_then(|before| before.wait);
        let waiting = percent.wait.or(before.map(|_| 0.0));
        if let (Some(waiting), true) = (waiting, before.is_none() || before != shares.wait) {
            self.event(&json!({
                "ph": "C", "name": format!("waiting %{}", track.suffix), "pid": track.process, "ts": time_us,
                "args": { "waiting": waiting },
            }))?;
        }
        Ok(())
    }

    /// Writes the end of the trace. `about` says what it is of.
    pub fn finish(mut self, about: &Value) -> Result<()> {
        write!(self.to, "\n],\"otherData\":")?;
        serde_json::to_writer(&mut self.to, about)?;
        writeln!(self.to, "}}")?;
        Ok(())
    }
}
