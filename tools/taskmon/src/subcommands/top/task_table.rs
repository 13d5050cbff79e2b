// SPDX-License-Identifier: GPL-2.0

//! The watched tasks as one looks at them again and again.

use super::recent_shares::Recent;
use crate::{
    cpu_share::{Interval, Intervals, STOPPED},
    history::{newest_of_each, Sample, Source},
    kernel_module,
    procfs::{self, Stat},
};
use anyhow::Result;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// A watched task.
pub struct Row {
    /// By which it is known from look to look; a pid may come again.
    pub id: u64,
    pub command: Option<String>,
    /// The state letter of proc(5); none: it has ended.
    pub state: Option<char>,
    pub last: Sample,
    /// Parts of one CPU since the last look, user and system; none where nothing is known.
    pub shares: Option<(f64, f64)>,
    pub recent: Recent,
}

impl Row {
    /// Parts of one CPU, user and system together.
    pub fn share(&self) -> f64 {
        self.shares.map_or(0.0, |(usr, sys)| usr + sys)
    }

    /// Whether a sample can be this task's, now or later.
    fn goes_on_with(&self, newest: &Sample) -> bool {
        *newest == self.last
            || (!self.last.is_end
                && newest.num > self.last.num
                && newest.time_us >= self.last.time_us)
    }

    fn take(&mut self, newest: Sample, longest_us: u64) {
        let mut interval = Interval::between(&self.last, &newest);
        if interval.length_us() > 0 {
            interval.is_gap = interval.length_us() > longest_us;
            self.shares = (!interval.is_gap).then(|| interval.shares());
            self.recent.add(&interval);
        }
        self.last = newest;
    }

    fn look_up(&mut self, now_us: u64, longest_us: u64) {
        let is_there = !self.last.is_end;
        self.state = Stat::of(self.last.pid)
            .filter(|stat| is_there && stat.was_there_at(self.last.time_us))
            .map(|stat| stat.state);
        if !is_there || now_us.saturating_sub(self.last.time_us) > longest_us {
            self.shares = None;
        }
    }
}

/// All of them, and the module's own figures.
#[derive(Default)]
pub struct Watch {
    /// In the order in which they were added.
    pub rows: Vec<Row>,
    pub statistics: HashMap<String, u64>,
    pub period_ms: u64,
    /// When the last look was taken, microseconds since boot.
    pub now_us: u64,
    next_id: u64,
}

impl Watch {
    /// Takes the first look, at the whole history.
    pub fn begin() -> Result<Self> {
        let mut watch = Self::default();
        watch.look_at_module()?;
        let history = Source::Module(BTreeSet::new()).open()?;
        let mut history = history.without_progress();
        let mut intervals = Intervals::new(Some(watch.period_ms));
        let mut at = None;
        while let Some((task, sample)) = history.next()? {
            if at != Some(task.index) {
                at = Some(task.index);
                let name = task.name.clone();
                watch.end_history(&mut intervals);
                watch.enter(sample, name);
            }
            let done = intervals.push(&sample);
            if let Some(row) = watch.rows.last_mut() {
                row.last = sample;
                done.iter().for_each(|interval| row.recent.add(interval));
            }
        }
        watch.end_history(&mut intervals);
        watch.look_at_tasks(watch.longest_us(0));
        Ok(watch)
    }

    fn end_history(&mut self, intervals: &mut Intervals) {
        if let (Some(last), Some(row)) = (intervals.finish(), self.rows.last_mut()) {
            row.recent.add(&last);
            row.shares = (!last.is_gap).then(|| last.shares());
        }
    }

    fn enter(&mut self, last: Sample, command: Option<String>) {
        self.rows.push(Row {
            id: self.next_id,
            command,
            state: None,
            last,
            shares: None,
            recent: Recent::default(),
        });
        self.next_id += 1;
    }

    /// Takes another look.
    pub fn look(&mut self) -> Result<()> {
        let before_us = self.now_us;
        self.look_at_module()?;
        let newest = newest_of_each(self.statistic("targets"))?;
        let longest_us = self.longest_us(self.now_us - before_us);
        let mut known: HashMap<u32, VecDeque<Row>> = HashMap::new();
        for row in self.rows.drain(..) {
            known.entry(row.last.pid).or_default().push_back(row);
        }
        for sample in newest {
            let of_pid = known.entry(sample.pid).or_default();
            let place = of_pid.iter().position(|row| row.goes_on_with(&sample));
            match place.and_then(|place| of_pid.remove(place)) {
                Some(mut row) => {
                    row.take(sample, longest_us);
                    self.rows.push(row);
                }
                None => self.enter(sample, procfs::name_of(sample.pid, sample.time_us)),
            }
        }
        self.look_at_tasks(longest_us);
        Ok(())
    }

    fn look_at_module(&mut self) -> Result<()> {
        self.statistics = kernel_module::statistics()?.into_iter().collect();
        self.period_ms = kernel_module::period_ms()?;
        self.now_us = procfs::now_us();
        Ok(())
    }

    fn look_at_tasks(&mut self, longest_us: u64) {
        for row in &mut self.rows {
            row.look_up(self.now_us, longest_us);
        }
    }

    /// More time than this between two samples means that none were taken.
    fn longest_us(&self, between_looks_us: u64) -> u64 {
        (self.period_ms * 1000)
            .max(between_looks_us)
            .saturating_mul(STOPPED)
    }

    /// One of the module's figures.
    pub fn statistic(&self, name: &str) -> u64 {
        self.statistics.get(name).copied().unwrap_or(0)
    }

    /// Whether there is a task that samples should come from.
    pub fn has_living(&self) -> bool {
        self.rows.iter().any(|row| !row.last.is_end)
    }
}
