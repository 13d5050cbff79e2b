// SPDX-License-Identifier: GPL-2.0

//! What each task used in a window.

use super::{for_each_interval, peak::Peak, Ranges, Usage};
use crate::history::{StableHistory, Window};
use anyhow::Result;

/// What a task used in a window.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskUsage {
    /// Exact within the history; an interval that crosses an edge of the window counts in part.
    pub usage: Usage,
    /// The highest share of one CPU: see `peak`.
    pub peak: f64,
    /// When the task was seen first and last in the window; equal if it was not seen.
    pub first_us: u64,
    pub last_us: u64,
    /// How long the task lived in the window without being sampled. What it used then is counted.
    pub gap_us: u64,
}

impl TaskUsage {
    /// Returns whether the task was seen in the window.
    pub fn is_seen(&self) -> bool {
        self.last_us > self.first_us
    }
}

/// What all tasks used in a window.
#[derive(Debug, Default)]
pub struct WindowUsage {
    /// By the index of the task.
    pub tasks: Vec<TaskUsage>,
    /// The sum of all tasks. Threads that are part of a process are not counted twice.
    pub total: Usage,
    /// The ranges in which no task was sampled.
    pub unsampled: Vec<Window>,
}

/// Returns what each task used in `window`. The memory that this takes grows with the number of tasks,
/// not with that of samples.
///
/// Fails if the history has other tasks now than when it was read first.
pub fn usage_of_tasks(history: &StableHistory, window: Window) -> Result<WindowUsage> {
    let overview = history.overview();
    let mut tasks = vec![TaskUsage::default(); overview.tasks.len()];
    let mut peaks: Vec<Peak> = Vec::new();
    peaks.resize_with(tasks.len(), Peak::default);
    let mut sampled = Ranges::default();
    for_each_interval(history, window, |index, interval| {
        let task = &mut tasks[index];
        task.usage += interval.into();
        if !task.is_seen() {
            task.first_us = interval.from_us;
        }
        task.last_us = interval.to_us;
        peaks[index].push(interval);
        if interval.is_gap {
            task.gap_us = task.gap_us.saturating_add(interval.length_us());
        } else {
            sampled.add(interval.from_us, interval.to_us);
        }
        Ok(())
    })?;
    let mut total = Usage::default();
    for ((task, peak), of) in tasks.iter_mut().zip(&peaks).zip(&overview.tasks) {
        task.peak = peak.highest();
        if !of.is_part {
            total += task.usage;
        }
    }
    Ok(WindowUsage {
        tasks,
        total,
        unsampled: sampled.missing_in(window),
    })
}
