// SPDX-License-Identifier: GPL-2.0

//! A trace for the Perfetto and Chrome viewers, in the JSON of Google's "Trace Event Format". Each
//! process has a slice for its life, with its parent and how it ended. Below it are a counter of its
//! user and system share of one CPU in per cent, and one of the time that it waited for a CPU. A thread
//! is in its process.

mod trace;

use crate::{
    cpu_share::{for_each_interval, Interval, Shares},
    excerpt::Excerpt,
    grouping::Family,
    history::{Overview, TaskOverview},
    output::format::wait_status,
};
use anyhow::Result;
use serde_json::{json, Value};
use std::{
    collections::{HashMap, HashSet},
    io::Write,
};
use trace::Trace;

/// The number of the first track for a task whose PID another one has used before. PIDs are lower.
const TRACKS: u64 = 1 << 22;

/// Writes the trace of an excerpt.
pub fn write(excerpt: &Excerpt, to: &mut dyn Write) -> Result<()> {
    let overview = excerpt.overview();
    let family = Family::of(overview);
    let tracks = tracks(overview, &family);
    let mut trace = Trace::begin(to)?;
    let window = excerpt.window;
    for (task, track) in overview.tasks.iter().zip(&tracks) {
        if task.first.time_us <= window.to_us && task.last.time_us >= window.from_us {
            trace.name(track, task)?;
        }
    }
    let mut counters: HashMap<usize, Counter> = HashMap::new();
    let mut lives = vec![Life::default(); overview.tasks.len()];
    for_each_interval(&excerpt.history, window, |index, interval| {
        let track = &tracks[index];
        lives[index].add(interval);
        let counter = counters.entry(index).or_default();
        counter.interval(&mut trace, track, interval)
    })?;
    for (index, life) in lives.iter().enumerate().filter(|(_, life)| life.is_seen()) {
        if let Some(mut counter) = counters.remove(&index) {
            counter.end(&mut trace, &tracks[index])?;
        }
        trace.event(&slice(overview, index, life, &tracks[index], &family))?;
    }
    let beginning = excerpt.clock.rfc3339(window.from_us);
    trace.finish(&json!({
        "host": overview.metadata.host,
        "command": overview.metadata.command,
        "begin": beginning,
    }))
}

/// Where a task is shown.
pub struct Track {
    /// What the viewers take for the PID and the thread ID. Both are of this task alone.
    process: u64,
    thread: u64,
    /// What the names of the counters end with: a process has all its counters together.
    suffix: String,
}

/// Returns the tracks of all tasks.
fn tracks(overview: &Overview, family: &Family) -> Vec<Track> {
    let mut used = HashSet::new();
    let number = |(index, task): (usize, &TaskOverview)| match used.insert(task.task.pid) {
        true => u64::from(task.task.pid),
        false => TRACKS + index as u64,
    };
    let numbers: Vec<u64> = overview.tasks.iter().enumerate().map(number).collect();
    let track = |(index, task): (usize, &TaskOverview)| {
        let process = family.parent(index).filter(|_| task.is_part);
        Track {
            process: numbers[process.unwrap_or(index)],
            thread: numbers[index],
            suffix: match process {
                Some(_) => format!(" {} ({})", task.task.label(), task.task.pid),
                None => String::new(),
            },
        }
    };
    overview.tasks.iter().enumerate().map(track).collect()
}

/// What was seen of a task in the window.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    from_us: u64,
    to_us: u64,
    usr_us: u64,
    sys_us: u64,
    wait_us: Option<u64>,
}

impl Life {
    fn is_seen(&self) -> bool {
        self.to_us > 0
    }

    fn add(&mut self, interval: &Interval) {
        if !self.is_seen() {
            self.from_us = interval.from_us;
        }
        self.to_us = interval.to_us;
        self.usr_us = self.usr_us.saturating_add(interval.usr_us);
        self.sys_us = self.sys_us.saturating_add(interval.sys_us);
        if let Some(wait_us) = interval.wait_us {
            self.wait_us = Some(self.wait_us.unwrap_or(0).saturating_add(wait_us));
        }
    }
}

/// Returns the slice of a task's life.
fn slice(overview: &Overview, index: usize, life: &Life, track: &Track, family: &Family) -> Value {
    let task = &overview.tasks[index];
    let info = task.task.info.as_ref();
    let parent = info.and_then(|info| info.parent).map(|pid| {
        let parent = family.parent(index).filter(|_| !task.is_part);
        match parent.map(|parent| &overview.tasks[parent].task) {
            Some(parent) if parent.pid == pid => format!("{} ({pid})", parent.label()),
            _ => format!("PID {pid}"),
        }
    });
    json!({
        "ph": "X", "cat": "life", "name": task.task.label(),
        "pid": track.process, "tid": track.thread,
        "ts": life.from_us, "dur": life.to_us.saturating_sub(life.from_us),
        "args": {
            "pid": task.task.pid,
            "id": task.task.id(),
            "parent": parent,
            "root": info.and_then(|info| info.root),
            "cgroup": info.and_then(|info| info.cgroup).map(|id| match overview.metadata.cgroups.get(&id) {
                Some(path) => path.clone(),
                None => id.to_string(),
            }),
            "status": info.and_then(|info| info.status).map(wait_status),
            "user_us": life.usr_us,
            "system_us": life.sys_us,
            "wait_us": life.wait_us,
        },
    })
}

/// The counters of one task.
#[derive(Default)]
struct Counter {
    /// The values that were written last, and the end of the last interval that has them.
    last: Option<(Shares, u64)>,
}

impl Counter {
    /// Writes the shares of an interval, unless the counters already have these values. The shares of
    /// a gap are written as 0.
    fn interval<W: Write>(
        &mut self,
        trace: &mut Trace<W>,
        track: &Track,
        interval: &Interval,
    ) -> Result<()> {
        let shares = match interval.is_gap {
            true => interval.shares().map(|_| 0.0),
            false => interval.shares(),
        };
        let before = self.last.map(|(shares, _)| shares);
        trace.set_counters(track, interval.from_us, before, shares)?;
        self.last = Some((shares, interval.to_us));
        Ok(())
    }

    /// Sets the counters to 0 after the last interval.
    fn end<W: Write>(&mut self, trace: &mut Trace<W>, track: &Track) -> Result<()> {
        match self.last.take() {
            Some((shares, end_us)) => trace.set_counters(track, end_us, None, shares.map(|_| 0.0)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
