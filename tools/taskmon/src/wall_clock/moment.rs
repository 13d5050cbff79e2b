// SPDX-License-Identifier: GPL-2.0

//! A time as it was typed.

use super::WallClock;
use anyhow::{bail, Result};
use std::str::FromStr;

/// A time as it was typed: absolute, relative, or since boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `boot+90s`: microseconds since boot.
    SinceBoot(u64),
}

impl Moment {
    /// Returns the time since boot. What is relative counts from `end_us`.
    pub(super) fn boot_us(&self, _clock: &WallClock, _end_us: u64) -> Result<u64> {
        match self {
            Self::SinceBoot(us) => Ok(*us),
        }
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let seconds = text
            .strip_prefix("boot+")
            .and_then(|rest| rest.strip_suffix('s'));
        match seconds.and_then(|seconds| seconds.parse::<f64>().ok()) {
            Some(seconds) if (0.0..1e12).contains(&seconds) => {
                Ok(Self::SinceBoot((seconds * 1e6) as u64))
            }
            _ => bail!("not a time: {text}"),
        }
    }
}
