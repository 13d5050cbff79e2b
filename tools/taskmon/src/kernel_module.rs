// SPDX-License-Identifier: GPL-2.0

//! The files of the kernel module taskmonitor.
//!
//! - `files` has their paths, opens them, and explains why one cannot be opened.
//! - [`ControlFile`] sends the module commands: `1234`, `tree:1234`, `-1234`, `stop`, …
//! - `statistics` reads the statistics file and has the description of each statistic.
//! - [`TaskInfo`] is who a watched task is: a line of the tasks file, which [`tasks`] reads.
//! - `parameters` reads the module's parameters.
//! - [`SamplesFile`] is the samples file, held open by a recorder.
//!
//! The samples files are opened here. The module `history` reads them.

mod control_file;
mod files;
mod parameters;
mod samples_file;
mod statistics;
mod task_info;

pub use control_file::{refusal, ControlFile};
pub use files::{open, DEBUGFS_SAMPLES, STATISTICS, SYSFS_SAMPLES};
pub use parameters::{parameter, period_ms};
pub use samples_file::SamplesFile;
pub use statistics::{created_samples, meaning, statistic, statistics};
pub use task_info::{tasks, TaskInfo};
