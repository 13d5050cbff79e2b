// SPDX-License-Identifier: GPL-2.0

//! CPU shares over time, computed from samples. A share is a fraction of one CPU.
//!
//! - [`Shares`] are the user and the system share, and that of the time spent waiting for a CPU.
//! - An [`Interval`] is the CPU time consumed between two samples of a task. [`Intervals`] makes
//!   them from samples, and marks the gaps in which sampling was paused.
//! - A [`TimeSeries`] divides a time range into bins of equal length, and distributes intervals
//!   over them.
//! - [`series_of_groups`] reads a history and makes a time series for each group of tasks.

mod capacity;
mod groups;
mod interval;
mod peak;
mod ranges;
mod reading;
mod shares;
mod spread;
mod task_usage;
mod time_series;
mod usage;

pub use groups::series_of_groups;
#[cfg(test)]
pub use interval::tests::{interval, sample};
pub use interval::{Interval, Intervals, GAP_FACTOR};
pub use ranges::Ranges;
pub use reading::for_each_interval;
pub use shares::Shares;
pub use spread::Spread;
pub use task_usage::{usage_of_tasks, TaskUsage, WindowUsage};
pub use time_series::{Coverage, TimeSeries};
pub use usage::Usage;
