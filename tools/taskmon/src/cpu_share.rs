// SPDX-License-Identifier: GPL-2.0

//! CPU shares over time, computed from samples. A share is a fraction of one CPU.
//!
//! - An [`Interval`] is the CPU time consumed between two samples of a task. [`Intervals`] makes
//!   them from samples, and marks the gaps in which sampling was paused.
//! - A [`TimeSeries`] divides a time range into bins of equal length, and distributes intervals
//!   over them.
//! - [`for_each_task`] reads a history and makes a time series for each task.

mod interval;
mod per_task;
mod time_series;

#[cfg(test)]
pub use interval::tests::{interval, sample};
pub use interval::{Interval, Intervals, GAP_FACTOR};
pub use per_task::{empty_series, for_each_task};
pub use time_series::TimeSeries;
