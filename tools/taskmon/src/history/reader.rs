// SPDX-License-Identifier: GPL-2.0

//! Reads samples line by line, and finds out to which task each one belongs.
//!
//! The memory used does not depend on the number of samples. A recording of format 2 or 3 takes
//! some for each task: its tasks alternate.

mod blocks;
mod identities;
mod order;
mod runs;

use super::{
    lines::Lines,
    recording::{Annotation, Line, Metadata},
    sample::Sample,
    task::Task,
    window::Window,
};
use crate::output::Progress;
use anyhow::{bail, Result};
use blocks::Blocks;
pub use identities::Identities;
use runs::Runs;
use std::{
    collections::BTreeSet,
    io::{BufRead, Write},
};

/// How the samples of the tasks are arranged.
enum Arrangement {
    Runs(Runs),
    Blocks(Blocks),
}

/// A reader of a history, with its position.
pub struct HistoryReader {
    lines: Lines,
    metadata: Metadata,
    arrangement: Arrangement,
    /// The PIDs to read; all if empty.
    wanted: BTreeSet<u32>,
    /// The wanted PIDs that have not been found yet.
    not_found: BTreeSet<u32>,
    /// The samples of other times are skipped.
    window: Window,
    /// Where the lines that are read are copied to.
    copy: Option<Box<dyn Write>>,
}

impl HistoryReader {
    /// Returns a reader of all samples in `input`. `metadata` is what is known before the first
    /// line.
    pub fn new(
        name: &str,
        input: impl BufRead + 'static,
        metadata: Metadata,
        progress: Progress,
    ) -> Self {
        Self {
            lines: Lines::new(name, input, progress),
            metadata,
            arrangement: Arrangement::Runs(Runs::default()),
            wanted: BTreeSet::new(),
            not_found: BTreeSet::new(),
            window: Window::EVERYTHING,
            copy: None,
        }
    }

    /// Makes this a reader of the module's samples: only of the PIDs `pids`, or of all if the set
    /// is empty. `identities` says who the tasks are.
    pub fn of_module(mut self, pids: &BTreeSet<u32>, identities: Identities) -> Self {
        self.arrangement = Arrangement::Runs(Runs::of_module(identities));
        self.not_found.clone_from(pids);
        self.wanted.clone_from(pids);
        self
    }

    /// Makes the reader copy each line to `to`, but for samples of PIDs that are not wanted.
    pub fn copying_to(mut self, to: impl Write + 'static) -> Self {
        self.copy = Some(Box::new(to));
        self
    }

    /// Makes the reader skip samples that were not taken in a window.
    pub fn within(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Disables the progress bar, for output to a terminal that the bar would disturb.
    pub fn without_progress(mut self) -> Self {
        self.lines.hide_progress();
        self
    }

    /// Makes the history end after the line `number`.
    pub fn ending_after_line(mut self, number: u64) -> Self {
        self.lines.end_after(number);
        self
    }

    /// Returns the number of lines that were read, without a last line that was cut off.
    pub fn whole_lines(&self) -> u64 {
        self.lines.whole()
    }

    /// Returns the metadata. What is known before the first sample is complete once that has been
    /// read; losses and ending are complete at the end.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns whether the samples of different tasks alternate. If not, those of a task come
    /// together.
    pub fn is_alternating(&self) -> bool {
        matches!(self.arrangement, Arrangement::Blocks(_))
    }

    /// Returns what is known now of a task of this history. Its name may have changed since its
    /// samples were read.
    pub fn updated(&self, task: &Task) -> Task {
        let known = match (&self.arrangement, task.id()) {
            (Arrangement::Blocks(blocks), Some(id)) => blocks.task(id),
            _ => None,
        };
        known.unwrap_or(task).clone()
    }

    /// Reads the next sample and its task; `None` at the end. The samples of each task are in
    /// order. If the recording was cut off, its metadata then says where.
    ///
    /// Fails on a line that has no place in a recording, and at the end if a wanted PID was not
    /// found.
    pub fn next(&mut self) -> Result<Option<(&Task, Sample)>> {
        while let Some(line) = self.lines.next()? {
            let parsed = Line::parse(line);
            if let Some(Line::Sample(sample)) = parsed {
                let is_wanted = self.wanted.is_empty() || self.wanted.contains(&sample.pid);
                if is_wanted {
                    self.copy_line()?;
                    self.take_sample(&sample)
                        .map_err(|what| self.lines.error(what))?;
                    if self.window.contains(sample.time_us) {
                        return Ok(self.current().map(|task| (task, sample)));
                    }
                }
            } else {
                self.copy_line()?;
                self.take_annotation(parsed)
                    .map_err(|what| self.lines.error(what))?;
            }
        }
        self.finish().map(|()| None)
    }

    fn take_sample(&mut self, sample: &Sample) -> Result<(), String> {
        self.check_not_ended()?;
        self.not_found.remove(&sample.pid);
        match &mut self.arrangement {
            Arrangement::Runs(runs) => runs.add(sample),
            Arrangement::Blocks(blocks) => blocks.add(sample),
        }
    }

    fn take_annotation(&mut self, line: Option<Line>) -> Result<(), String> {
        let annotation = match line {
            None | Some(Line::Sample(_)) => return Err("not a sample".to_string()),
            // In other files, anything can follow a `#`.
            Some(Line::Invalid(keyword)) if matches!(self.arrangement, Arrangement::Blocks(_)) => {
                return Err(format!("`# {keyword}` without a valid value"));
            }
            Some(Line::Comment | Line::Invalid(_)) => return Ok(()),
            Some(Line::Annotation(annotation)) => annotation,
        };
        self.check_not_ended()?;
        match (&annotation, &mut self.arrangement) {
            (Annotation::Format(format), _) => self.begin_format(*format)?,
            (Annotation::NamedTask(pid, name), Arrangement::Runs(runs)) => {
                runs.name_next(*pid, name.clone());
            }
            (Annotation::Task(info), Arrangement::Blocks(blocks)) => {
                blocks.identify(info.clone())?;
            }
            (Annotation::Samples(id), Arrangement::Blocks(blocks)) => blocks.begin(*id)?,
            (Annotation::Evicted(id, _), Arrangement::Blocks(blocks)) => blocks.check_id(*id)?,
            (Annotation::NamedTask(..), Arrangement::Blocks(_)) => {
                return Err("a task without an id".to_string());
            }
            _ => {}
        }
        self.metadata.apply(annotation);
        Ok(())
    }

    /// Takes the first line of a recording.
    fn begin_format(&mut self, format: u32) -> Result<(), String> {
        let is_first = match &self.arrangement {
            Arrangement::Runs(runs) => runs.is_empty() && self.metadata.format.is_none(),
            Arrangement::Blocks(_) => false,
        };
        match format {
            1 if is_first || self.metadata.format == Some(1) => Ok(()),
            2 | 3 if is_first => {
                self.arrangement = Arrangement::Blocks(Blocks::default());
                Ok(())
            }
            1..=3 => Err("another recording begins: read each one alone".to_string()),
            _ => Err(format!(
                "a recording of format {format}; this taskmon reads the formats 1 to 3"
            )),
        }
    }

    fn check_not_ended(&self) -> Result<(), String> {
        match self.metadata.ending {
            Some(_) => Err("after the end of the recording".to_string()),
            None => Ok(()),
        }
    }

    fn current(&self) -> Option<&Task> {
        match &self.arrangement {
            Arrangement::Runs(runs) => Some(runs.current()),
            Arrangement::Blocks(blocks) => blocks.current(),
        }
    }

    fn copy_line(&mut self) -> Result<()> {
        if let Some(copy) = &mut self.copy {
            copy.write_all(self.lines.current())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if let Some(copy) = &mut self.copy {
            copy.flush()?;
        }
        let must_have_end = matches!(self.arrangement, Arrangement::Blocks(_));
        if self.lines.is_cut() || (must_have_end && self.metadata.ending.is_none()) {
            self.metadata.cut_off_at = Some(self.lines.number());
        }
        match self.not_found.first() {
            Some(pid) => bail!("{pid} has no samples: watch it with `taskmon add {pid}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub mod tests;
