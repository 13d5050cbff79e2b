// SPDX-License-Identifier: GPL-2.0

//! The highest shares of several tasks together. That of one task is found when its intervals are
//! read.

use super::forest::Forest;
use crate::{
    cpu_share::{series_of_groups, TimeSeries},
    excerpt::Excerpt,
    grouping::Grouping,
};
use anyhow::Result;

/// The most bins of the time series from which peaks are computed.
const MAX_BINS: usize = 4096;
/// The shortest time over which the peak of several tasks is computed.
pub const MIN_PEAK_S: f64 = 0.1;

/// The highest shares of groups of several tasks.
pub struct Peaks {
    /// By the position of the group; `None` if it is one task.
    pub of_groups: Vec<Option<f64>>,
    /// The shares of all tasks together.
    pub total: TimeSeries,
}

impl Peaks {
    /// Reads the history and computes the peaks of groups or, with a forest, of each group together
    /// with those below it.
    pub fn of(excerpt: &Excerpt, grouping: &Grouping, forest: Option<&Forest>) -> Result<Self> {
        let tasks = &excerpt.overview().tasks;
        let is_part = |position: usize| {
            let mut of = grouping.groups[position].tasks.iter();
            of.all(|index| tasks[*index].is_part)
        };
        let mut series_of = vec![None; grouping.groups.len()];
        // The first series is that of all single tasks.
        let mut count = 1;
        for (position, series) in series_of.iter_mut().enumerate() {
            let has_series = match forest {
                Some(forest) => forest
                    .children(position)
                    .iter()
                    .any(|below| !is_part(*below)),
                None => grouping.groups[position].tasks.len() > 1,
            };
            if has_series {
                *series = Some(count);
                count += 1;
            }
        }
        let series_of_task = |index: usize| {
            let group = grouping.group_of(index)?;
            if tasks[index].is_part {
                return None;
            }
            let above = || series_of[forest?.parent(group)?];
            Some(series_of[group].or_else(above).unwrap_or(0))
        };
        let (history, window) = (&excerpt.history, excerpt.window);
        let mut series = series_of_groups(history, window, MAX_BINS, count, series_of_task)?;
        let mut total = series[0].clone();
        series[1..].iter().for_each(|more| total.merge(more));
        if let Some(forest) = forest {
            for position in forest.upwards() {
                let above = forest.parent(position).and_then(|above| series_of[above]);
                if let (Some(own), Some(above)) = (series_of[position], above) {
                    let own = series[own].clone();
                    series[above].merge(&own);
                }
            }
        }
        let peak = |index: &Option<usize>| index.map(|index| series[index].peak(MIN_PEAK_S).0);
        Ok(Self {
            of_groups: series_of.iter().map(peak).collect(),
            total,
        })
    }
}
