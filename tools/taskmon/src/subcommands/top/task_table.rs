// SPDX-License-Identifier: GPL-2.0

//! The watched tasks with their CPU shares, refreshed from the module.

use super::recent_shares::RecentShares;
use crate::{
    cpu_share::{Interval, Intervals, Shares, GAP_FACTOR},
    history::{newest_samples, Sample, Source},
    kernel_module::{self, TaskInfo},
    procfs,
};
use anyhow::Result;
use std::collections::HashMap;

/// A watched task.
pub struct Row {
    /// The identity of the task. Its id is the same from one refresh to the next.
    pub info: TaskInfo,
    /// The state letter of proc(5); `None` if the task has ended.
    pub state: Option<char>,
    /// The shares of one CPU since the last refresh; `None` if unknown.
    pub shares: Option<Shares>,
    pub recent: RecentShares,
    /// The newest sample that was seen.
    last: Option<Sample>,
}

impl Row {
    /// Returns the row of a task of which nothing else is known yet.
    pub fn new(info: TaskInfo) -> Self {
        Self {
            info,
            state: None,
            shares: None,
            recent: RecentShares::default(),
            last: None,
        }
    }

    /// Returns the share of one CPU, user and system together; 0 if unknown.
    pub fn share(&self) -> f64 {
        self.shares.map_or(0.0, |shares| shares.cpu())
    }

    /// Returns the waiting time as a share of the time since the last refresh; 0 if unknown.
    pub fn wait_share(&self) -> f64 {
        self.shares.and_then(|shares| shares.wait).unwrap_or(0.0)
    }

    /// Returns the CPU time of the task, user and system time together.
    pub fn total_us(&self) -> u64 {
        self.info.usr_us.saturating_add(self.info.sys_us)
    }

    /// Returns whether the task has ended.
    pub fn is_ended(&self) -> bool {
        self.info.ended_us.is_some()
    }

    /// Updates the row with the newest sample. An interval longer than `max_interval_us` is a gap.
    fn update(&mut self, newest: Sample, max_interval_us: u64) {
        if let Some(last) = &self.last {
            let mut interval = Interval::between(last, &newest);
            if interval.length_us() > 0 {
                interval.is_gap = interval.length_us() > max_interval_us;
                self.shares = (!interval.is_gap).then(|| interval.shares());
                self.recent.add(&interval);
            }
        }
        self.last = Some(newest);
    }

    /// Updates the state from /proc, and clears shares that are out of date.
    fn update_state(&mut self, now_us: u64, max_interval_us: u64) {
        self.state = self.info.state();
        let last_us = self.last.map_or(0, |last| last.time_us);
        if self.is_ended() || now_us.saturating_sub(last_us) > max_interval_us {
            self.shares = None;
        }
    }
}

/// All watched tasks, and the module's statistics.
#[derive(Default)]
pub struct TaskTable {
    /// After a refresh in the order in which the tasks were added. `App` sorts them.
    pub rows: Vec<Row>,
    pub statistics: HashMap<String, u64>,
    pub period_ms: u64,
    /// When the table was refreshed last, in microseconds since boot.
    pub now_us: u64,
    /// The number of CPUs, if known.
    pub cpus: Option<u32>,
}

impl TaskTable {
    /// Reads the table for the first time, with all samples that the module has.
    pub fn read() -> Result<Self> {
        let mut table = Self::default();
        table.read_module()?;
        table.rows = kernel_module::tasks()?.into_iter().map(Row::new).collect();
        let ids = table.rows.iter().map(|row| row.info.id);
        let positions: HashMap<u64, usize> = ids.zip(0..).collect();
        let mut history = Source::all_watched().open()?.without_progress();
        let mut intervals = Intervals::new(Some(table.period_ms));
        // The position of the row whose samples are being read, and the index of the task.
        let mut current: Option<(usize, Option<usize>)> = None;
        while let Some((task, sample)) = history.next()? {
            if current.is_none_or(|(index, _)| index != task.index) {
                table.finish_row(current, &mut intervals);
                // A task that was added meanwhile is found by the next refresh.
                let position = task.id().and_then(|id| positions.get(&id).copied());
                current = Some((task.index, position));
            }
            let interval = intervals.push(&sample);
            if let Some(row) = table.row_of(current) {
                row.last = Some(sample);
                interval
                    .iter()
                    .for_each(|interval| row.recent.add(interval));
            }
        }
        table.finish_row(current, &mut intervals);
        table.update_states(table.max_interval_us(0));
        Ok(table)
    }

    fn row_of(&mut self, current: Option<(usize, Option<usize>)>) -> Option<&mut Row> {
        self.rows.get_mut(current?.1?)
    }

    /// Adds the last interval of the row whose samples have been read.
    fn finish_row(&mut self, current: Option<(usize, Option<usize>)>, intervals: &mut Intervals) {
        if let (Some(last), Some(row)) = (intervals.finish(), self.row_of(current)) {
            row.recent.add(&last);
            row.shares = (!last.is_gap).then(|| last.shares());
        }
    }

    /// Refreshes the table with the newest sample of each task.
    pub fn refresh(&mut self) -> Result<()> {
        let before_us = self.now_us;
        self.read_module()?;
        let tasks = kernel_module::tasks()?;
        let sampled = tasks.iter().filter(|info| info.samples() > 0).count();
        let newest = newest_samples(sampled)?;
        let max_interval_us = self.max_interval_us(self.now_us.saturating_sub(before_us));
        let rows = self.rows.drain(..);
        let mut known: HashMap<u64, Row> = rows.map(|row| (row.info.id, row)).collect();
        for info in tasks {
            let mut row = match known.remove(&info.id) {
                Some(row) => Row { info, ..row },
                None => Row::new(info),
            };
            if let Some(sample) = newest.get(&row.info.id) {
                row.update(*sample, max_interval_us);
            }
            self.rows.push(row);
        }
        self.update_states(max_interval_us);
        Ok(())
    }

    fn read_module(&mut self) -> Result<()> {
        self.statistics = kernel_module::statistics()?.into_iter().collect();
        self.period_ms = kernel_module::period_ms()?;
        self.now_us = procfs::now_us();
        self.cpus = procfs::cpus();
        Ok(())
    }

    fn update_states(&mut self, max_interval_us: u64) {
        for row in &mut self.rows {
            row.update_state(self.now_us, max_interval_us);
        }
    }

    /// Returns the longest time between two samples that is not a gap. `between_refreshes_us` is
    /// the time between the last two refreshes: samples taken in between are not read.
    fn max_interval_us(&self, between_refreshes_us: u64) -> u64 {
        self.period_ms
            .saturating_mul(1000)
            .max(between_refreshes_us)
            .saturating_mul(GAP_FACTOR)
    }

    /// Returns one of the module's statistics, 0 if it is unknown.
    pub fn statistic(&self, name: &str) -> u64 {
        self.statistics.get(name).copied().unwrap_or(0)
    }

    /// Returns whether a watched task has not ended, so that sampling passes are due.
    pub fn has_living(&self) -> bool {
        self.rows.iter().any(|row| !row.is_ended())
    }
}
