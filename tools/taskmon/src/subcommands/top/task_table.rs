// SPDX-License-Identifier: GPL-2.0

//! The watched tasks with their CPU shares, refreshed from the module.

use super::recent_shares::RecentShares;
use crate::{
    cpu_share::{Interval, Intervals, GAP_FACTOR},
    history::{newest_of_each, Sample, Source},
    kernel_module,
    procfs::{self, Stat},
};
use anyhow::Result;
use std::collections::{HashMap, VecDeque};

/// A watched task.
pub struct Row {
    /// Identifies the task from one refresh to the next. A PID can be reused.
    pub id: u64,
    pub command: Option<String>,
    /// The state letter of proc(5); `None` if the task has ended.
    pub state: Option<char>,
    /// The newest sample.
    pub last: Sample,
    /// User and system share of one CPU since the last refresh; `None` if unknown.
    pub shares: Option<(f64, f64)>,
    pub recent: RecentShares,
}

impl Row {
    /// Returns the share of one CPU, user and system together; 0 if unknown.
    pub fn share(&self) -> f64 {
        self.shares.map_or(0.0, |(usr, sys)| usr + sys)
    }

    /// Returns whether `newest` can be a sample of this task.
    fn can_own(&self, newest: &Sample) -> bool {
        *newest == self.last
            || (!self.last.is_exit
                && newest.num > self.last.num
                && newest.time_us >= self.last.time_us)
    }

    /// Updates the row with the newest sample. An interval longer than `max_interval_us` is a gap.
    fn update(&mut self, newest: Sample, max_interval_us: u64) {
        let mut interval = Interval::between(&self.last, &newest);
        if interval.length_us() > 0 {
            interval.is_gap = interval.length_us() > max_interval_us;
            self.shares = (!interval.is_gap).then(|| interval.shares());
            self.recent.add(&interval);
        }
        self.last = newest;
    }

    /// Updates the state from /proc, and clears shares that are out of date.
    fn update_state(&mut self, now_us: u64, max_interval_us: u64) {
        let is_alive = !self.last.is_exit;
        self.state = Stat::of_task(self.last.pid, self.last.time_us)
            .filter(|_| is_alive)
            .map(|stat| stat.state);
        if !is_alive || now_us.saturating_sub(self.last.time_us) > max_interval_us {
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
    next_id: u64,
}

impl TaskTable {
    /// Reads the table for the first time, with all samples that the module has.
    pub fn read() -> Result<Self> {
        let mut table = Self::default();
        table.read_module()?;
        let mut history = Source::all_watched().open()?.without_progress();
        let mut intervals = Intervals::new(Some(table.period_ms));
        let mut index = None;
        while let Some((task, sample)) = history.next()? {
            if index != Some(task.index) {
                index = Some(task.index);
                let name = task.name.clone();
                table.finish_row(&mut intervals);
                table.add_row(sample, name);
            }
            let interval = intervals.push(&sample);
            if let Some(row) = table.rows.last_mut() {
                row.last = sample;
                interval
                    .iter()
                    .for_each(|interval| row.recent.add(interval));
            }
        }
        table.finish_row(&mut intervals);
        table.update_states(table.max_interval_us(0));
        Ok(table)
    }

    /// Adds the last interval of the last row.
    fn finish_row(&mut self, intervals: &mut Intervals) {
        if let (Some(last), Some(row)) = (intervals.finish(), self.rows.last_mut()) {
            row.recent.add(&last);
            row.shares = (!last.is_gap).then(|| last.shares());
        }
    }

    fn add_row(&mut self, last: Sample, command: Option<String>) {
        self.rows.push(Row {
            id: self.next_id,
            command,
            state: None,
            last,
            shares: None,
            recent: RecentShares::default(),
        });
        self.next_id += 1;
    }

    /// Refreshes the table with the newest sample of each task.
    pub fn refresh(&mut self) -> Result<()> {
        let before_us = self.now_us;
        self.read_module()?;
        let newest = newest_of_each(self.statistic("targets"))?;
        let max_interval_us = self.max_interval_us(self.now_us - before_us);
        let mut known: HashMap<u32, VecDeque<Row>> = HashMap::new();
        for row in self.rows.drain(..) {
            known.entry(row.last.pid).or_default().push_back(row);
        }
        for sample in newest {
            let of_pid = known.entry(sample.pid).or_default();
            let position = of_pid.iter().position(|row| row.can_own(&sample));
            match position.and_then(|position| of_pid.remove(position)) {
                Some(mut row) => {
                    row.update(sample, max_interval_us);
                    self.rows.push(row);
                }
                None => self.add_row(sample, procfs::name_of_task(sample.pid, sample.time_us)),
            }
        }
        self.update_states(max_interval_us);
        Ok(())
    }

    fn read_module(&mut self) -> Result<()> {
        self.statistics = kernel_module::statistics()?.into_iter().collect();
        self.period_ms = kernel_module::period_ms()?;
        self.now_us = procfs::now_us();
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
        (self.period_ms * 1000)
            .max(between_refreshes_us)
            .saturating_mul(GAP_FACTOR)
    }

    /// Returns one of the module's statistics, 0 if it is unknown.
    pub fn statistic(&self, name: &str) -> u64 {
        self.statistics.get(name).copied().unwrap_or(0)
    }

    /// Returns whether a watched task has not ended, so that sampling passes are due.
    pub fn has_living(&self) -> bool {
        self.rows.iter().any(|row| !row.last.is_exit)
    }
}
