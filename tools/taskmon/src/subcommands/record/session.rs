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
    kernel_module::{period_ms, ControlFile, SamplesFile},
    output::{format::duration, GrowingFile},
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
/// The period while exit samples are awaited, in milliseconds.
const HURRIED_MS: u64 = 1;
/// How long to wait for the last samples.
const LAST_SAMPLES_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest time between two looks for the last samples.
const CHECK_INTERVAL: Duration = Duration::from_millis(2);
/// A gap between two samples is as long as this and three periods if sampling was stopped.
const STOPPED_US: u64 = 500_000;

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
    /// How many tasks had been removed unseen.
    unseen: u64,
    /// For how long the machine had been suspended since boot.
    suspended_us: u64,
    /// Shortens the period while it exists.
    hurry: Option<Hurry>,
    /// How many awaited exit samples have not come although two passes were made.
    given_up: usize,
    /// How long to wait before the next reading.
    pub pause: Duration,
}

/// A request for the shortest period, to get exit samples soon.
struct Hurry {
    /// The request holds until this file is closed.
    _file: SamplesFile,
    /// The exit samples have been taken when so many passes have been made.
    last_pass: u64,
}

impl Hurry {
    /// Requests the period. Returns `None` under kernel lockdown, or if that fails.
    fn begin(passes: u64) -> Option<Self> {
        let file = SamplesFile::open().ok().filter(SamplesFile::is_writable)?;
        file.request_period(HURRIED_MS).ok()?;
        Some(Self {
            _file: file,
            // A pass that is running now may have sampled a task before its end.
            last_pass: passes + 2,
        })
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
        Ok(Self {
            stream,
            control,
            period_ms,
            cpus: online_cpus(),
            counters,
            evicted_before: counters.evicted,
            unseen: 0,
            suspended_us: suspended_us(),
            hurry: None,
            given_up: 0,
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
        let bounds = Bounds::read(&counters, self.period_ms, self.cpus)?;
        self.remove_finished(bounds.is_crowded());
        self.hurry_up(bounds.is_crowded(), drained.awaited);
        // At most a fifth of a CPU is used.
        self.pause = bounds.pause().max(4 * begun.elapsed());
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
        let period_us = 1000 * self.period_ms.max(period_ms()?);
        let suspended_us = suspended_us();
        let suspended = suspended_us.saturating_sub(self.suspended_us);
        self.suspended_us = suspended_us;
        // What the sampler has missed for want of a CPU is counted by the module.
        let missed = now
            .missed
            .saturating_sub(before.missed)
            .saturating_mul(period_us);
        let explained_us = missed
            .saturating_add(suspended)
            .saturating_add(3 * period_us);
        let stopped_us = drained.longest_gap_us.saturating_sub(explained_us);
        if stopped_us > STOPPED_US {
            let text = duration(drained.longest_gap_us);
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

    /// Shortens the period while many tasks are watched and exit samples are awaited. Until it has
    /// its exit sample, an ended task cannot be removed.
    fn hurry_up(&mut self, is_crowded: bool, awaited: usize) {
        let passes = self.counters.passes;
        if self
            .hurry
            .as_ref()
            .is_some_and(|hurry| passes >= hurry.last_pass)
        {
            self.given_up = awaited;
        }
        self.given_up = self.given_up.min(awaited);
        if !is_crowded || awaited <= self.given_up {
            self.hurry = None;
        } else if self.hurry.is_none() {
            self.hurry = Hurry::begin(passes);
        }
    }

    /// Returns how many samples of all watched tasks have been evicted since the beginning.
    pub fn evicted(&self) -> Result<u64> {
        Ok(Counters::read()?
            .evicted
            .saturating_sub(self.evicted_before))
    }

    /// Waits until all recorded tasks that have ended have their exit samples and, if `has_pass` is
    /// set, until all others have been sampled once more. Gives up after two passes or a timeout.
    pub fn drain_last(&mut self, has_pass: bool) -> Result<Drained> {
        let deadline = Instant::now() + LAST_SAMPLES_TIMEOUT;
        let passes = Counters::read()?.passes;
        let hurry = Hurry::begin(passes);
        // Under lockdown, the next pass can be far away.
        let needs_pass = has_pass && hurry.is_some();
        loop {
            let begun = Instant::now();
            let has_passed = Counters::read()?.passes >= passes + 2;
            let drained = self.drain()?;
            let is_over = drained.awaited == 0 && !(needs_pass && drained.alive > 0);
            if is_over || has_passed || begun >= deadline {
                return Ok(drained);
            }
            thread::sleep(CHECK_INTERVAL.max(4 * begun.elapsed()));
        }
    }
}

/// Returns the number of CPUs.
fn online_cpus() -> u64 {
    let online = nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN);
    online
        .ok()
        .flatten()
        .and_then(|cpus| cpus.try_into().ok())
        .unwrap_or(1)
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
