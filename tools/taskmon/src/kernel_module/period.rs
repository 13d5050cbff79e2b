// SPDX-License-Identifier: GPL-2.0

//! The module parameter period_ms: the time between two samples of each watched task.

use super::files::{explain, open, PERIOD_MS};
use anyhow::{anyhow, Context, Result};
use nix::errno::Errno;
use std::{fs, io};

/// Returns the period in milliseconds.
pub fn period_ms() -> Result<u64> {
    let text = io::read_to_string(open(PERIOD_MS)?).context(PERIOD_MS)?;
    text.trim().parse().context(PERIOD_MS)
}

/// Changes the period for all watched tasks. Fails if it is not between 1 and 3,600,000 ms.
pub fn set_period_ms(period_ms: u64) -> Result<()> {
    fs::write(PERIOD_MS, format!("{period_ms}\n")).map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::EINVAL as i32 => {
            anyhow!("invalid period {period_ms} ms: it must be between 1 and 3600000")
        }
        _ => explain(PERIOD_MS, &error),
    })
}
