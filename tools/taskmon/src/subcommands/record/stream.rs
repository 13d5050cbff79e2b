// SPDX-License-Identifier: GPL-2.0

//! Moves samples from the module into the recording, while the recorded tasks run.
//!
//! Each [`Stream::drain`] reads what the module has taken since the last one, and then the list of
//! tasks: who they are by now. Both are written in one block. What the module has lost in between
//! shows in the numbers of the samples.

use super::{
    feed::Feed,
    ours::{Membership, Ours, Root},
    task_list::{Progress, TaskList},
};
use crate::{
    history::{Losses, Metadata, Sample, Writer},
    kernel_module::TaskInfo,
    output::os_error_text,
    wall_clock::Clock,
};
use anyhow::{bail, Result};
use std::{
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// How many tasks a message names.
const MAX_NAMED: usize = 3;
/// How many reasons of the kind [`Losses::missing`] are noted.
const MAX_REASONS: usize = 16;

/// A recording that goes on.
pub struct Stream<F: Feed, W: Write> {
    feed: F,
    ours: Ours,
    list: TaskList,
    to: Option<Writer<W>>,
    /// The first error in writing. Nothing is written after it.
    failure: Option<io::Error>,
    /// What is missing up to now.
    losses: Losses,
    totals: Totals,
}

/// What has been recorded up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub tasks: u64,
    /// The sum of the tasks' newest totals.
    pub cpu_us: u64,
}

/// What one drain has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// The longest time between two samples of a recorded task.
    pub longest_gap_us: u64,
    /// How many recorded tasks have no exit sample. Most of them are alive.
    pub alive: usize,
    /// Whether tasks have been added since the last drain.
    pub has_new: bool,
}

impl<F: Feed, W: Write> Stream<F, W> {
    /// Begins to follow the module. The samples taken up to now are skipped. With `is_all`, all
    /// watched tasks are recorded.
    pub fn new(mut feed: F, is_all: bool) -> Result<Self> {
        let start_us = feed.now_us();
        feed.skip()?;
        let list = TaskList::at_start(feed.tasks()?);
        let mut ours = Ours::new(start_us, is_all);
        ours.update(list.tasks(), start_us);
        Ok(Self {
            feed,
            ours,
            list,
            to: None,
            failure: None,
            losses: Losses::default(),
            totals: Totals::default(),
        })
    }

    /// Begins the recording.
    pub fn begin(&mut self, to: W, metadata: &Metadata) {
        match Writer::begin(to, metadata) {
            Ok(writer) => self.to = Some(writer),
            Err(error) => self.failure = Some(error),
        }
        self.write(Writer::flush);
    }

    /// Records the tasks that were named, and their descendants. Returns their ids, without those
    /// that are not watched.
    pub fn add_roots(&mut self, roots: &[Root]) -> Result<Vec<u64>> {
        let tasks = self.feed.tasks()?;
        self.replace_list(tasks);
        let mut ids = Vec::new();
        for root in roots {
            if let Some(task) = self.list.latest(root.pid) {
                self.ours.add_root(task.id, *root);
                ids.push(task.id);
            }
        }
        self.apply_list();
        Ok(ids)
    }

    /// Writes all samples that have been taken since the last call.
    pub fn drain(&mut self) -> Result<Drained> {
        let mut found = Drained::default();
        let max_id = self.list.max_id();
        let mut line = Vec::new();
        let mut run: Option<(Sample, Option<u64>)> = None;
        while self.feed.next_line(&mut line)? {
            let Some(sample) = Sample::parse(&line) else {
                bail!(
                    "the module has another version than taskmon: {}",
                    line.escape_ascii()
                );
            };
            let id = match run {
                Some((last, id)) if sample.can_follow(&last) => id,
                _ => self.id_of(&sample)?,
            };
            run = Some((sample, id));
            if let Some(id) = id {
                let gap_us = self.take(id, &sample);
                found.longest_gap_us = found.longest_gap_us.max(gap_us);
            }
        }
        self.update_list()?;
        self.write(Writer::flush);
        found.alive = self
            .recorded()
            .filter(|task| !self.is_over(task.id))
            .count();
        found.has_new = self.list.max_id() > max_id;
        Ok(found)
    }

    /// Returns the id of the task that a sample belongs to; `None` if it is unknown.
    fn id_of(&mut self, sample: &Sample) -> Result<Option<u64>> {
        if let Some(id) = self.list.id_of(sample) {
            return Ok(Some(id));
        }
        // It has been added since the list was read.
        self.update_list()?;
        Ok(self.list.id_of(sample))
    }

    /// Writes a sample if its task is recorded. Returns the time since the one before.
    fn take(&mut self, id: u64, sample: &Sample) -> u64 {
        let now_us = self.feed.now_us();
        let Some(progress) = self.list.progress_mut(id) else {
            return 0;
        };
        let before = *progress;
        progress.next = Some(sample.num.saturating_add(1));
        progress.time_us = sample.time_us;
        progress.exit_read_us = sample.is_exit.then_some(now_us);
        if !before.is_recorded {
            return 0;
        }
        progress.total_us = sample.total_us();
        self.totals.tasks += u64::from(before.time_us == 0);
        self.totals.cpu_us += sample.total_us().saturating_sub(before.total_us);
        let evicted = before
            .next
            .map_or(0, |next| sample.num.saturating_sub(next));
        self.note_evicted(id, evicted);
        self.write(|to| to.sample(id, sample));
        match before.time_us {
            0 => 0,
            _ if sample.is_exit => 0,
            time_us => sample.time_us.saturating_sub(time_us),
        }
    }

    fn update_list(&mut self) -> Result<()> {
        let tasks = self.feed.tasks()?;
        self.replace_list(tasks);
        self.apply_list();
        Ok(())
    }

    /// Replaces the list by a newer one. Notes which recorded tasks have been removed by others.
    fn replace_list(&mut self, tasks: Vec<TaskInfo>) {
        let gone = self.list.replace(tasks);
        let lacks_end = |(_, progress): &&(TaskInfo, Progress)| {
            progress.is_recorded && progress.exit_read_us.is_none()
        };
        let removed: Vec<&TaskInfo> = gone
            .iter()
            .filter(lacks_end)
            .map(|(task, _)| task)
            .collect();
        if !removed.is_empty() {
            self.note_missing(&removed_text(&removed));
        }
    }

    /// Decides which tasks of the list are recorded, and writes who they are.
    fn apply_list(&mut self) {
        let now_us = self.feed.now_us();
        self.ours.update(self.list.tasks(), now_us);
        let (ours, mut evicted) = (&self.ours, Vec::new());
        self.list.for_each(|task, progress| {
            if ours.membership(task.id).is_none() {
                return;
            }
            if !progress.is_recorded && !progress.is_new {
                // What was sampled before it was recorded is not missing.
                progress.next = None;
            }
            progress.is_recorded = true;
            match progress.next {
                Some(next) if next < task.first => {
                    evicted.push((task.id, task.first - next));
                    progress.next = Some(task.first);
                }
                _ => {}
            }
        });
        let recorded = |task: &&TaskInfo| self.ours.membership(task.id).is_some();
        if let (Some(to), None) = (&mut self.to, &self.failure) {
            let mut tasks = self.list.tasks().iter().filter(recorded);
            self.failure = tasks.try_for_each(|task| to.task(task)).err();
        }
        for (id, samples) in evicted {
            self.note_evicted(id, samples);
        }
    }

    fn write(&mut self, action: impl FnOnce(&mut Writer<W>) -> io::Result<()>) {
        if let (Some(to), None) = (&mut self.to, &self.failure) {
            self.failure = action(to).err();
        }
    }

    fn note_evicted(&mut self, id: u64, samples: u64) {
        if samples > 0 {
            self.losses.evicted = self.losses.evicted.saturating_add(samples);
            self.write(|to| to.evicted(id, samples));
        }
    }

    /// Notes how the wall clock is set from now on.
    pub fn note_clock(&mut self, clock: Clock) {
        self.write(|to| to.clock(clock));
    }

    /// Notes the path of a cgroup.
    pub fn note_cgroup(&mut self, id: u64, path: &Path) {
        self.write(|to| to.cgroup(id, path.as_os_str().as_bytes()));
    }

    /// Notes that descendants could not be followed.
    pub fn note_lost(&mut self, descendants: u64) {
        if descendants > 0 {
            self.losses.lost = self.losses.lost.saturating_add(descendants);
            self.write(|to| to.lost(descendants));
        }
    }

    /// Notes that something else is missing.
    pub fn note_missing(&mut self, why: &str) {
        if self.losses.missing.len() < MAX_REASONS {
            self.losses.missing.push(why.to_string());
            self.write(|to| to.missing(why));
        }
    }

    /// Returns what is missing up to now.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Returns what has been recorded up to now.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Returns the error because of which nothing is written any more.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Returns the source of the samples.
    pub fn feed(&self) -> &F {
        &self.feed
    }

    /// Returns the list of all watched tasks.
    pub fn list(&self) -> &TaskList {
        &self.list
    }

    /// Returns the recorded tasks, in the order in which they were added.
    pub fn recorded(&self) -> impl Iterator<Item = &TaskInfo> {
        let tasks = self.list.tasks().iter();
        tasks.filter(|task| self.ours.membership(task.id).is_some())
    }

    /// Returns whether the exit sample of the task `id` has been read, or the task is not watched
    /// any more.
    pub fn is_over(&self, id: u64) -> bool {
        let progress = self.list.progress(id);
        progress.is_none_or(|progress| progress.exit_read_us.is_some())
    }

    /// Returns the tasks that this recorder has added.
    pub fn added(&self) -> impl Iterator<Item = &TaskInfo> {
        let is_added = |task: &&TaskInfo| self.ours.membership(task.id) == Some(Membership::Added);
        self.list.tasks().iter().filter(is_added)
    }

    /// Returns the ids of those tasks that this recorder has added, and whose exit samples were
    /// read and written before `time_us`. The module need not keep them.
    pub fn finished(&self, time_us: u64) -> Vec<u64> {
        let is_finished = |task: &&TaskInfo| {
            let progress = self.list.progress(task.id);
            let read_us = progress.and_then(|progress| progress.exit_read_us);
            task.ended_us.is_some() && read_us.is_some_and(|read_us| read_us <= time_us)
        };
        self.added()
            .filter(is_finished)
            .map(|task| task.id)
            .collect()
    }

    /// Ends the recording. Fails if the last lines cannot be written. If nothing could be written
    /// before already, that error is not returned again.
    pub fn end(&mut self, is_complete: bool) -> io::Result<()> {
        let Some(mut to) = self.to.take() else {
            return Ok(());
        };
        match &self.failure {
            None => to.end(is_complete).map(drop),
            Some(error) => {
                // There may be space for these lines again.
                let _ = to
                    .missing(&os_error_text(error))
                    .and_then(|()| to.end(false));
                Ok(())
            }
        }
    }
}

/// Returns the note that tasks were removed before their end.
fn removed_text(tasks: &[&TaskInfo]) -> String {
    let named = tasks.iter().take(MAX_NAMED);
    let mut names: Vec<String> = named.map(|task| task.label()).collect();
    if tasks.len() > MAX_NAMED {
        names.push(format!("{} more", tasks.len() - MAX_NAMED));
    }
    format!("no longer watched before the end: {}", names.join(", "))
}

#[cfg(test)]
mod tests;
