// SPDX-License-Identifier: GPL-2.0

//! `taskmon start`, `taskmon stop` and `taskmon clear`.

use crate::kernel_module::ControlFile;
use anyhow::Result;

/// Resumes sampling.
pub fn start() -> Result<()> {
    send("start")
}

/// Pauses sampling.
pub fn stop() -> Result<()> {
    send("stop")
}

/// Frees all samples.
pub fn clear() -> Result<()> {
    send("clear")
}

fn send(command: &str) -> Result<()> {
    ControlFile::open()?.send(command, command)
}
