// SPDX-License-Identifier: GPL-2.0

//! The module's period, which all watched tasks share: changed for a while, and put back.

use crate::{kernel_module, output::say};
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

/// For how long another recorder has the period shortened at its own end.
const PATIENCE: Duration = Duration::from_secs(1);

/// The period while a command is recorded. What was changed is put back when this value goes.
pub struct Period {
    /// What the command is recorded with.
    pub ms: u64,
    change: Option<Change>,
}

impl Period {
    /// The wanted one, or the module's. Fails where another recorder has changed it for its own
    /// command.
    pub fn during(wanted_ms: Option<u64>) -> Result<Self> {
        let Some(ms) = wanted_ms else {
            return Ok(Self {
                ms: kernel_module::period_ms()?,
                change: None,
            });
        };
        let Some(mut change) = Change::begin(PATIENCE)? else {
            bail!(
                "another `taskmon record -p` is under way, and all watched tasks have the same \
                 period: wait for its end, or leave out -p"
            );
        };
        change.set(ms)?;
        Ok(Self {
            ms,
            change: Some(change),
        })
    }

    /// Makes it no longer than that, unless another recorder needs it as it is.
    pub fn shorten(&mut self, most_ms: u64) -> Result<()> {
        if kernel_module::period_ms()? <= most_ms {
            return Ok(());
        }
        if self.change.is_none() {
            self.change = Change::begin(Duration::ZERO)?;
        }
        match &mut self.change {
            Some(change) => change.set(most_ms),
            None => Ok(()),
        }
    }

    pub fn put_back(&mut self) {
        self.change = None;
    }
}

/// The right to change the period, of one recorder at a time.
struct Change {
    _others_wait: Flock<File>,
    before_ms: u64,
    now_ms: u64,
}

impl Change {
    /// None: another one has the right, and has not given it up in that time.
    fn begin(patience: Duration) -> Result<Option<Self>> {
        let deadline = Instant::now() + patience;
        let mut file = kernel_module::open(kernel_module::PERIOD_MS)?;
        let lock = loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => break lock,
                Err((_, Errno::EWOULDBLOCK)) if Instant::now() >= deadline => return Ok(None),
                Err((back, Errno::EWOULDBLOCK)) => file = back,
                Err((_, error)) => return Err(error).context("locking the period"),
            }
            thread::sleep(Duration::from_millis(10));
        };
        let now_ms = kernel_module::period_ms()?;
        Ok(Some(Self {
            _others_wait: lock,
            before_ms: now_ms,
            now_ms,
        }))
    }

    fn set(&mut self, ms: u64) -> Result<()> {
        let present_ms = kernel_module::period_ms()?;
        if present_ms != self.now_ms {
            // Somebody wanted it so, by hand.
            self.before_ms = present_ms;
        }
        if present_ms != ms {
            kernel_module::set_period_ms(ms)?;
        }
        self.now_ms = ms;
        Ok(())
    }

    /// What somebody has changed by hand meanwhile stays as it is.
    fn put_back(&self) -> Result<()> {
        if self.now_ms != self.before_ms && kernel_module::period_ms()? == self.now_ms {
            kernel_module::set_period_ms(self.before_ms)?;
        }
        Ok(())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if let Err(error) = self.put_back() {
            say(format_args!("the period could not be put back: {error:#}"));
        }
    }
}
