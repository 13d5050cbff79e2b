// SPDX-License-Identifier: GPL-2.0

//! The kernel module's files.

mod command;
mod files;
mod period;
mod statistics;

pub use command::{obey, refusal};
pub use files::{control, is_loaded, open, DEBUGFS, PERIOD_MS, STATISTICS, SYSFS};
pub use period::{period_ms, set_period_ms};
pub use statistics::{created, statistic, statistics};
