// SPDX-License-Identifier: GPL-2.0

//! A recording under way: reads the module again and again, at a pace at which the module need not
//! give up anything, and notes what it has given up all the same.

use super::{
    counters::Counters,
    feed::Feed,
    pace::Bounds,
    release,
    stream::{Drained, Stream},
};
use crate::{
    kernel_module::{period_ms, ControlFile, SamplesFile, TaskInfo},
    output::{format::duration, GrowingFile},
    procfs,
};
use anyhow::Result;
use nix::time::{clock_gettime, ClockId};
use std::{
    thread,
    time::{Duration, Instant},
};

/// How long ended tasks stay in the module after they have been recorded, for other recorders.
const KEPT_US: u64 = 1_000_000;
/// How many of them stay at most.
const MAX_KEPT: usize = 1024;
/// At the end, how many tasks are sampled at most in a millisecond.
const TARGETS_PER_MS: u64 = 100;
/// How often the module's parameters are read.
const BOUNDS_INTERVAL: Duration = Duration::from_secs(1);
/// The nice value while recording. The tasks that are recorded can keep all CPUs busy.
const NICE: i32 = -10;
/// How long to wait for the last samples.
const LAST_SAMPLES_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest time between two looks for the last samples.
const CHECK_INTERVAL: Duration = Duration::from_millis(2);
/// A gap between two samples is as long as this and three periods if sampling was stopped.
const STOPPED_US: u64 = 500_000;
/// The state letter of a process that has ended, in proc(5).
const ZOMBIE: char = 'Z';

/// A recording under way.
pub struct Session {
    pub stream: Stream<SamplesFile, GrowingFile>,
    pub control: ControlFile,
    /// The time between two samples, in milliseconds.
    pub period_ms: u64,
    pub cpus: u64,
    /// What the module had counted at the last reading.
    counters: Counters,
    /// How many samples had been evicted at the beginning.
    evicted_before: u64,
    bounds: Bounds,
    bounds_read: Instant,
    /// How many tasks had been removed unseen.
    unseen: u64,
    /// For how long the machine had been suspended since boot.
    suspended_us: u64,
    /// Shortens the period while it exists.
    hurry: Option<Hurry>,
    /// How long to wait before the next reading.
    pub pause: Duration,
}

/// A request for a short period, to get exit samples soon.
struct Hurry {
    /// The request holds until this file is closed.
    _file: SamplesFile,
}

impl Hurry {
    /// Requests a period. Returns `None` under kernel lockdown, or if that fails.
    fn begin(period_ms: u64) -> Option<Self> {
        let file = SamplesFile::open().ok().filter(SamplesFile::is_writable)?;
        file.request_period(period_ms).ok()?;
        Some(Self { _file: file })
    }
}

impl Session {
    /// Begins to follow the module. With `is_all`, all watched tasks are recorded.
    pub fn new(
        samples: SamplesFile,
        control: ControlFile,
        period_ms: u64,
        is_all: bool,
    ) -> Result<Self> {
        let counters = Counters::read()?;
        let stream = Stream::new(samples, is_all)?;
        let cpus = procfs::cpus().map_or(1, u64::from);
        Ok(Self {
            stream,
            control,
            period_ms,
            cpus,
            bounds: Bounds::read(period_ms, cpus)?,
            bounds_read: Instant::now(),
            counters,
            evicted_before: counters.evicted,
            unseen: 0,
            suspended_us: suspended_us(),
            hurry: None,
            pause: CHECK_INTERVAL,
        })
    }

    /// Records what has been sampled since the last call, and removes tasks that have ended from the
    /// module.
    pub fn drain(&mut self) -> Result<Drained> {
        let begun = Instant::now();
        let drained = self.stream.drain()?;
        let counters = Counters::read()?;
        self.note_losses(&drained, &counters)?;
        self.counters = counters;
        if self.bounds_read.elapsed() >= BOUNDS_INTERVAL {
            self.bounds = Bounds::read(self.period_ms, self.cpus)?;
            self.bounds_read = begun;
        }
        self.bounds.targets = counters.targets;
        let is_crowded = self.bounds.is_crowded();
        self.remove_finished(is_crowded);
        self.hurry_up(is_crowded && drained.has_new);
        self.pause = self.bounds.pause(begun.elapsed());
        Ok(drained)
    }

    /// Notes what the module has lost since the last call.
    fn note_losses(&mut self, drained: &Drained, now: &Counters) -> Result<()> {
        let before = self.counters;
        self.stream.note_lost(now.lost.saturating_sub(before.lost));
        let unseen = self.stream.list().unseen();
        if unseen > self.unseen && now.evicted > before.evicted {
            self.stream.note_missing(&format!(
                "{} tasks ended and were evicted before they could be recorded: raise max_targets",
                unseen - self.unseen
            ));
        }
        self.unseen = unseen;
        if drained.longest_gap_us > STOPPED_US {
            self.note_stop(
                drained.longest_gap_us,
                now.missed.saturating_sub(before.missed),
            )?;
        }
        self.suspended_us = suspended_us();
        Ok(())
    }

    /// Notes that sampling was stopped, if nothing else explains why no sample was taken for
    /// `gap_us`. `missed` periods were missed for want of a CPU, which the module counts.
    fn note_stop(&mut self, gap_us: u64, missed: u64) -> Result<()> {
        let period_us = 1000 * self.period_ms.max(period_ms()?);
        let suspended_us = suspended_us().saturating_sub(self.suspended_us);
        let explained_us = missed.saturating_add(3).saturating_mul(period_us);
        if gap_us.saturating_sub(explained_us.saturating_add(suspended_us)) > STOPPED_US {
            let text = duration(gap_us);
            self.stream
                .note_missing(&format!("no sample for {text}: sampling was stopped"));
        }
        Ok(())
    }

    fn remove_finished(&mut self, is_crowded: bool) {
        let now_us = self.stream.feed().now_us();
        let mut ids = self.stream.finished(now_us);
        if !is_crowded && ids.len() <= MAX_KEPT {
            ids = self.stream.finished(now_us.saturating_sub(KEPT_US));
        }
        release::remove(&self.control, &ids);
    }

    /// Shortens the period while many tasks are watched and others are forked: an ended task can be
    /// removed only when it has its exit sample.
    fn hurry_up(&mut self, is_needed: bool) {
        if !is_needed {
            self.hurry = None;
        } else if self.hurry.is_none() {
            self.hurry = Hurry::begin(self.bounds.crowded_period_ms());
        }
    }

    /// Returns how many samples of all watched tasks have been evicted since the beginning.
    pub fn evicted(&self) -> Result<u64> {
        Ok(Counters::read()?
            .evicted
            .saturating_sub(self.evicted_before))
    }

    /// Returns how many recorded tasks have ended, but have no exit sample.
    fn awaited(&self) -> usize {
        // A task without an exit sample is listed as one that has not ended.
        let is_awaited = |task: &&TaskInfo| {
            !self.stream.is_over(task.id) && task.state().is_none_or(|state| state == ZOMBIE)
        };
        self.stream.recorded().filter(is_awaited).count()
    }

    /// Waits until all recorded tasks that have ended have their exit samples and, if `has_pass` is
    /// set, until all others have been sampled once more. Gives up after a timeout. Returns how many
    /// exit samples are missing.
    ///
    /// A task that ends meanwhile is one that is still running at the end of the recording.
    pub fn drain_last(&mut self, has_pass: bool) -> Result<usize> {
        let deadline = Instant::now() + LAST_SAMPLES_TIMEOUT;
        let before = Counters::read()?;
        let hurry = Hurry::begin((before.targets / TARGETS_PER_MS).max(1));
        // Under lockdown, the next pass can be far away.
        let needs_pass = has_pass && hurry.is_some();
        loop {
            let begun = Instant::now();
            // A pass that is running now may have sampled a task before.
            let has_passed = Counters::read()?.passes >= before.passes + 2;
            let drained = self.drain()?;
            if drained.alive == 0 {
                return Ok(0);
            }
            // The exit sample of a task is taken when the task has left the CPU for good, which on
            // a busy machine can be many passes after it was reaped.
            let awaited = self.awaited();
            if begun >= deadline || (awaited == 0 && (has_passed || !needs_pass)) {
                return Ok(awaited);
            }
            thread::sleep(CHECK_INTERVAL.max(begun.elapsed()));
        }
    }
}

/// Lets this thread run before the tasks that are recorded. Without the right to do so, it does not.
pub fn raise_priority() {
    // SAFETY: the call has no preconditions.
    unsafe { nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, NICE) };
}

/// Returns for how long the machine has been suspended since boot, in microseconds.
fn suspended_us() -> u64 {
    let now = |clock| clock_gettime(clock).map(Duration::from).unwrap_or_default();
    // In this order, the difference is never too small.
    let running = now(ClockId::CLOCK_MONOTONIC);
    let all = now(ClockId::CLOCK_BOOTTIME);
    all.saturating_sub(running)
        .as_micros()
        .try_into()
        .unwrap_or(u64::MAX)
}
