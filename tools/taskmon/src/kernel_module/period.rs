// SPDX-License-Identifier: GPL-2.0

//! The module parameter period_ms.

use super::files::{advice, open, PERIOD_MS};
use anyhow::{anyhow, Context, Result};
use nix::errno::Errno;
use std::{fs, io};

/// The time between two samples of a task.
pub fn period_ms() -> Result<u64> {
    let text = io::read_to_string(open(PERIOD_MS)?).context(PERIOD_MS)?;
    text.trim().parse().context(PERIOD_MS)
}

/// Changes the time between two samples, for all tasks.
pub fn set_period_ms(period_ms: u64) -> Result<()> {
    fs::write(PERIOD_MS, format!("{period_ms}\n")).map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::EINVAL as i32 => {
            anyhow!("a period of {period_ms} ms: it must be 1 to 3600000")
        }
        _ => advice(PERIOD_MS, &error),
    })
}
