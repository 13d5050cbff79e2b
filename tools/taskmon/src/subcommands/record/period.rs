// SPDX-License-Identifier: GPL-2.0

//! Changes the module's period for a recording, and restores it. All watched tasks have the same
//! period, so only one recorder at a time may change it.

use crate::{
    kernel_module::{open, period_ms, set_period_ms, PERIOD_MS},
    output::print_message,
};
use anyhow::{bail, Context, Result};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use std::{
    fs::File,
    thread,
    time::{Duration, Instant},
};

/// How long to wait for another recorder, which may be taking its exit samples with a short period.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The period of a recording. The module's previous period is restored when this value is dropped.
pub struct RecordingPeriod {
    /// The period with which the command is recorded, in milliseconds.
    pub ms: u64,
    lock: Option<PeriodLock>,
}

impl RecordingPeriod {
    /// Sets the module's period to `wanted_ms`, if given. Fails if another recorder has set it.
    pub fn set(wanted_ms: Option<u64>) -> Result<Self> {
        let Some(ms) = wanted_ms else {
            return Ok(Self {
                ms: period_ms()?,
                lock: None,
            });
        };
        let Some(mut lock) = PeriodLock::take(LOCK_TIMEOUT)? else {
            bail!(
                "another `taskmon record --period` is running, and all watched tasks have the same \
                 period: wait until it ends, or leave out --period"
            );
        };
        lock.set(ms)?;
        Ok(Self {
            ms,
            lock: Some(lock),
        })
    }

    /// Shortens the module's period to at most `max_ms`. Does nothing if another recorder has set
    /// it.
    pub fn shorten(&mut self, max_ms: u64) -> Result<()> {
        if period_ms()? <= max_ms {
            return Ok(());
        }
        if self.lock.is_none() {
            self.lock = PeriodLock::take(Duration::ZERO)?;
        }
        match &mut self.lock {
            Some(lock) => lock.set(max_ms),
            None => Ok(()),
        }
    }

    /// Restores the module's previous period.
    pub fn restore(&mut self) {
        self.lock = None;
    }
}

/// The right to change the period: a lock on the parameter's file, which other recorders respect.
struct PeriodLock {
    _lock: Flock<File>,
    /// The period to restore.
    previous_ms: u64,
    /// The period that this recorder has set last.
    set_ms: u64,
}

impl PeriodLock {
    /// Takes the lock. Returns `None` if another recorder holds it for longer than `timeout`.
    fn take(timeout: Duration) -> Result<Option<Self>> {
        let deadline = Instant::now() + timeout;
        let mut file = open(PERIOD_MS)?;
        let lock = loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => break lock,
                Err((_, Errno::EWOULDBLOCK)) if Instant::now() >= deadline => return Ok(None),
                Err((back, Errno::EWOULDBLOCK)) => file = back,
                Err((_, error)) => return Err(error).context("locking the period"),
            }
            thread::sleep(LOCK_RETRY_INTERVAL);
        };
        let now_ms = period_ms()?;
        Ok(Some(Self {
            _lock: lock,
            previous_ms: now_ms,
            set_ms: now_ms,
        }))
    }

    fn set(&mut self, ms: u64) -> Result<()> {
        let now_ms = period_ms()?;
        if now_ms != self.set_ms {
            // A user has changed the period: restore that one.
            self.previous_ms = now_ms;
        }
        if now_ms != ms {
            set_period_ms(ms)?;
        }
        self.set_ms = ms;
        Ok(())
    }

    /// Restores the previous period, unless a user has changed the period since.
    fn restore(&self) -> Result<()> {
        if self.set_ms != self.previous_ms && period_ms()? == self.set_ms {
            set_period_ms(self.previous_ms)?;
        }
        Ok(())
    }
}

impl Drop for PeriodLock {
    fn drop(&mut self) {
        if let Err(error) = self.restore() {
            print_message(format_args!("the period could not be restored: {error:#}"));
        }
    }
}
