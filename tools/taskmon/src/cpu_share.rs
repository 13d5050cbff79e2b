// SPDX-License-Identifier: GPL-2.0

//! CPU shares.

mod interval;
mod per_task;
mod time_series;

#[cfg(test)]
pub use interval::tests::{interval, sample};
pub use interval::{Interval, Intervals, STOPPED};
pub use per_task::{each_timeline, timeline};
pub use time_series::Timeline;
