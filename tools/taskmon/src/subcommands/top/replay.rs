// SPDX-License-Identifier: GPL-2.0

//! A recording, shown as it was at a moment.
//!
//! The recording is read once. What each task used is kept in steps of equal length, those in which
//! it used or waited for nothing left out. If there are too many of all tasks together, the steps
//! become longer. So the memory does not grow with the number of samples.

use super::{
    recent_shares::RecentShares,
    task_table::{Row, TaskTable},
};
use crate::{
    cpu_share::{for_each_interval, Interval, Usage},
    excerpt::Excerpt,
    history::{TaskOverview, Window},
    kernel_module::TaskInfo,
    wall_clock::{Edge, Moment, WallClock},
};
use anyhow::{bail, Result};

/// The most steps of a recording.
const MAX_STEPS: u64 = 4096;
/// The most steps that are kept of all tasks together, unless there are as many tasks. It bounds the
/// memory to some 40 MB.
const MAX_KEPT: usize = if cfg!(test) { 64 } else { 1 << 20 };

/// What a task used in one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    number: u32,
    usage: Usage,
}

/// One task of the recording.
struct Task {
    info: TaskInfo,
    /// Without those in which nothing was used, in the order of time.
    steps: Vec<Step>,
    /// When it was seen.
    seen: Window,
}

/// A recording and the moment that is shown.
pub struct Replay {
    name: String,
    tasks: Vec<Task>,
    window: Window,
    clock: WallClock,
    cpus: Option<u32>,
    step_us: u64,
    /// The number of the step that is shown.
    position: u64,
    pub is_playing: bool,
    /// How many steps are played at each refresh.
    pub speed: u64,
}

impl Replay {
    /// Reads an excerpt of the recording `name`. `step_us` is how long a step is wanted to be. The
    /// last step is shown.
    ///
    /// Fails if there is nothing to show.
    pub fn of(name: &str, excerpt: &Excerpt, step_us: u64) -> Result<Self> {
        let window = excerpt.window;
        if window.length_us() == 0 {
            bail!("{name}: nothing to replay: there are no samples of different times");
        }
        let overview = excerpt.overview();
        let period_us = overview
            .metadata
            .period_ms
            .unwrap_or(0)
            .saturating_mul(1000);
        let mut step_us = step_us
            .max(period_us)
            .max(window.length_us() / MAX_STEPS + 1);
        let new = |task: &TaskOverview| Task {
            info: info_of(task),
            steps: Vec::new(),
            seen: Window {
                from_us: 0,
                to_us: 0,
            },
        };
        let mut tasks: Vec<Task> = overview.tasks.iter().map(new).collect();
        let mut kept = 0;
        for_each_interval(&excerpt.history, window, |index, interval| {
            kept += tasks[index].add(interval, window.from_us, step_us);
            while kept > MAX_KEPT && step_us < window.length_us() {
                step_us = step_us.saturating_mul(2);
                tasks.iter_mut().for_each(Task::halve);
                kept = tasks.iter().map(|task| task.steps.len()).sum();
            }
            Ok(())
        })?;
        let is_whole = overview.tasks.iter().map(|task| !task.is_part);
        let mut seen: Vec<Task> = tasks
            .into_iter()
            .zip(is_whole)
            .filter(|(task, is_whole)| *is_whole && task.seen.to_us > 0)
            .map(|(task, _)| task)
            .collect();
        seen.iter_mut().for_each(|task| task.steps.shrink_to_fit());
        Ok(Self {
            name: name.to_string(),
            tasks: seen,
            window,
            clock: excerpt.clock.clone(),
            cpus: overview.metadata.cpus,
            step_us,
            position: (window.length_us() - 1) / step_us,
            is_playing: false,
            speed: 1,
        })
    }

    /// Shows the moment `moment`.
    ///
    /// Fails if it is not in the recording.
    pub fn go_to(&mut self, moment: &Moment) -> Result<()> {
        let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
        let (from_us, to_us) = (signed(self.window.from_us), signed(self.window.to_us));
        let us = self.clock.find(moment, Edge::Since, from_us, to_us)?;
        if !(from_us..=to_us).contains(&us) {
            bail!(
                "{} is not recorded; there are samples from {} to {}",
                moment.text(),
                self.clock.text(self.window.from_us),
                self.clock.text(self.window.to_us)
            );
        }
        let since_us = u64::try_from(us - from_us).unwrap_or(0);
        self.position = (since_us / self.step_us).min(self.last());
        Ok(())
    }

    /// Moves by a number of steps. At the end, playing ends.
    pub fn step(&mut self, steps: i64) {
        let position = self.position.saturating_add_signed(steps);
        self.position = position.min(self.last());
        self.is_playing &= self.position < self.last();
    }

    /// Goes on playing.
    pub fn play(&mut self) {
        if self.is_playing {
            self.step(i64::try_from(self.speed).unwrap_or(1));
        }
    }

    fn last(&self) -> u64 {
        (self.window.length_us() - 1) / self.step_us
    }

    /// Returns the step that is shown.
    fn shown(&self) -> Window {
        let from_us = self.window.from_us + self.position * self.step_us;
        Window {
            from_us,
            to_us: from_us.saturating_add(self.step_us).min(self.window.to_us),
        }
    }

    /// Returns whether the recording is played, for the screen.
    pub fn state(&self) -> String {
        match self.is_playing {
            true => format!("playing ×{}", self.speed),
            false => "PAUSED".to_string(),
        }
    }

    /// Returns the name of the recording.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the moment that is shown, for the screen.
    pub fn moment(&self) -> String {
        self.clock.text(self.shown().from_us)
    }

    /// Returns the length of a step in microseconds.
    pub fn step_us(&self) -> u64 {
        self.step_us
    }

    /// Returns the tasks as they were at the moment that is shown.
    pub fn table(&self) -> TaskTable {
        let shown = self.shown();
        let began = self
            .tasks
            .iter()
            .filter(|task| task.seen.from_us < shown.to_us);
        let rows: Vec<Row> = began
            .map(|task| task.row(self.position, shown, self))
            .collect();
        TaskTable {
            rows,
            statistics: Default::default(),
            period_ms: self.step_us / 1000,
            now_us: shown.to_us,
            cpus: self.cpus,
        }
    }
}

/// Returns who a task is. Of an old recording, only PID and name are known.
fn info_of(task: &TaskOverview) -> TaskInfo {
    match &task.task.info {
        Some(info) => (**info).clone(),
        None => TaskInfo {
            pid: task.task.pid,
            id: task.task.index as u64 + 1,
            name: task.task.label().as_bytes().to_vec(),
            ..TaskInfo::default()
        },
    }
}

impl Task {
    /// Makes each step twice as long.
    fn halve(&mut self) {
        self.steps.iter_mut().for_each(|step| step.number /= 2);
        self.steps.dedup_by(|after, step| {
            let is_same = after.number == step.number;
            if is_same {
                step.usage += after.usage;
            }
            is_same
        });
        self.steps.shrink_to_fit();
    }

    /// Adds an interval, distributed evenly over the steps that it touches. Returns how many steps
    /// more are kept.
    fn add(&mut self, interval: &Interval, begin_us: u64, step_us: u64) -> usize {
        let before = self.steps.len();
        if self.seen.to_us == 0 {
            self.seen.from_us = interval.from_us;
        }
        self.seen.to_us = interval.to_us;
        let is_idle = interval.usr_us == 0 && interval.sys_us == 0;
        if is_idle && interval.wait_us.unwrap_or(0) == 0 {
            return 0;
        }
        let first = interval.from_us.saturating_sub(begin_us) / step_us;
        let last = interval.to_us.saturating_sub(begin_us + 1) / step_us;
        for number in first..=last {
            let from_us = begin_us + number * step_us;
            let step = Window {
                from_us,
                to_us: from_us.saturating_add(step_us),
            };
            let Some(part) = interval.within(step) else {
                continue;
            };
            // CAST: there are at most MAX_STEPS.
            let number = number as u32;
            match self.steps.last_mut().filter(|step| step.number == number) {
                Some(step) => step.usage += (&part).into(),
                None => self.steps.push(Step {
                    number,
                    usage: (&part).into(),
                }),
            }
        }
        self.steps.len() - before
    }

    /// Returns the row of the task at a step.
    fn row(&self, position: u64, shown: Window, replay: &Replay) -> Row {
        let after = self
            .steps
            .partition_point(|step| u64::from(step.number) <= position);
        let until = &self.steps[..after];
        let mut used = Usage::default();
        let mut recent = RecentShares::default();
        for step in until {
            used += step.usage;
            let from_us = replay.window.from_us + u64::from(step.number) * replay.step_us;
            let to_us = from_us.saturating_add(replay.step_us);
            if to_us.saturating_add(super::recent_shares::WHOLE_US) >= shown.to_us {
                recent.add(&interval(step.usage, from_us, to_us));
            }
        }
        let is_over = self.seen.to_us <= shown.from_us;
        let last = until
            .last()
            .filter(|step| u64::from(step.number) == position);
        let idle = Usage {
            wait_us: self.info.wait_us.map(|_| 0),
            ..Usage::default()
        };
        let usage = last.map_or(idle, |step| step.usage);
        let shares = interval(usage, shown.from_us, shown.to_us).shares();
        let mut row = Row::new(TaskInfo {
            usr_us: used.usr_us,
            sys_us: used.sys_us,
            wait_us: self.info.wait_us.and(Some(used.wait_us.unwrap_or(0))),
            ended_us: self.info.ended_us.filter(|_| is_over),
            status: self.info.status.filter(|_| is_over),
            ..self.info.clone()
        });
        row.shares = (!is_over).then_some(shares);
        row.recent = recent;
        row
    }
}

fn interval(usage: Usage, from_us: u64, to_us: u64) -> Interval {
    Interval {
        from_us,
        to_us,
        usr_us: usage.usr_us,
        sys_us: usage.sys_us,
        wait_us: usage.wait_us,
        is_gap: false,
    }
}

#[cfg(test)]
mod tests;
