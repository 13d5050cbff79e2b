// SPDX-License-Identifier: GPL-2.0

//! The module's parameters in /sys/module/taskmonitor/parameters.

use super::files::{open, MODULE};
use anyhow::{Context, Result};
use std::io;

/// Reads the parameter `name`.
pub fn parameter(name: &str) -> Result<u64> {
    let path = format!("{MODULE}/parameters/{name}");
    let text = io::read_to_string(open(&path)?).context(path.clone())?;
    text.trim().parse().context(path)
}

/// Returns the parameter period_ms: the time between two samples of each watched task, in
/// milliseconds, unless a recorder requests a shorter one.
pub fn period_ms() -> Result<u64> {
    parameter("period_ms")
}
