// SPDX-License-Identifier: GPL-2.0

//! The files of the kernel module taskmonitor.
//!
//! - `files` has their paths, opens them, and explains why one cannot be opened.
//! - [`ControlFile`] sends the module commands: `1234`, `tree:1234`, `-1234`, `stop`, …
//! - `statistics` reads the statistics file and has the description of each statistic.
//! - [`TaskInfo`] is who a watched task is: a line of the tasks file, which [`tasks`] reads.
//! - `period` reads and writes the module parameter period_ms.
//!
//! The samples files are opened here. The module `history` reads them.

mod control_file;
mod files;
mod period;
mod statistics;
mod task_info;

pub use control_file::{refusal, ControlFile};
pub use files::{is_loaded, open, DEBUGFS_SAMPLES, PERIOD_MS, STATISTICS, SYSFS_SAMPLES};
pub use period::{period_ms, set_period_ms};
pub use statistics::{created_samples, meaning, statistic, statistics};
pub use task_info::{tasks, TaskInfo};
