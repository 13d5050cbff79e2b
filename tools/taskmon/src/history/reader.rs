// SPDX-License-Identifier: GPL-2.0

//! Reads samples line by line, in constant memory.

use super::{
    recording::{self, Annotation, Metadata},
    sample::Sample,
    task::Task,
};
use crate::{output::Progress, procfs};
use anyhow::{bail, Context, Result};
use std::{collections::BTreeSet, io::BufRead};

/// A reader of a history, with its position.
pub struct HistoryReader {
    /// The file's name for error messages.
    name: String,
    input: Box<dyn BufRead>,
    progress: Progress,
    metadata: Metadata,
    /// Whether the samples come from the module, so that /proc can have the names of the tasks.
    is_live: bool,
    /// The PIDs to read; all if empty.
    wanted: BTreeSet<u32>,
    /// The wanted PIDs that have not been found yet.
    not_found: BTreeSet<u32>,
    /// The task and the sample that were returned last.
    task: Option<Task>,
    last: Option<Sample>,
    /// PID and name from the last annotation, until the samples of that task begin.
    annotated: Option<(u32, String)>,
    line: Vec<u8>,
    line_number: u64,
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
            name: name.to_string(),
            input: Box::new(input),
            progress,
            metadata,
            is_live: false,
            wanted: BTreeSet::new(),
            not_found: BTreeSet::new(),
            task: None,
            last: None,
            annotated: None,
            line: Vec::new(),
            line_number: 0,
        }
    }

    /// Makes this a reader of the module's samples: only of the PIDs `pids`, or of all if the set
    /// is empty. Looks up the names of the tasks in /proc.
    pub fn of_module(mut self, pids: &BTreeSet<u32>) -> Self {
        self.is_live = true;
        self.not_found.clone_from(pids);
        self.wanted.clone_from(pids);
        self
    }

    /// Returns the metadata. It is complete once the first sample has been read.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Disables the progress bar, for output to a terminal that the bar would disturb.
    pub fn without_progress(mut self) -> Self {
        self.progress = Progress::hidden();
        self
    }

    /// Reads the next sample and its task; `None` at the end. The samples of a task are adjacent,
    /// oldest first.
    ///
    /// Fails on a line that is neither a sample nor begins with `#`, on a last line without a
    /// newline, and at the end if a wanted PID was not found.
    pub fn next(&mut self) -> Result<Option<(&Task, Sample)>> {
        loop {
            self.line.clear();
            let len = self.input.read_until(b'\n', &mut self.line);
            if len.with_context(|| format!("reading {}", self.name))? == 0 {
                self.progress.finish();
                return self.check_all_found().map(|()| None);
            }
            self.line_number += 1;
            self.progress.advance(self.line.len());
            if let Some(sample) = self.parse_line()? {
                self.update_task(&sample);
                self.last = Some(sample);
                return Ok(self.task.as_ref().map(|task| (task, sample)));
            }
        }
    }

    /// Parses the line that was read. Returns its sample, unless it is an annotation or of a PID
    /// that is not wanted.
    fn parse_line(&mut self) -> Result<Option<Sample>> {
        let Some(line) = self.line.strip_suffix(b"\n") else {
            bail!(
                "{}: the file ends in the middle of line {}",
                self.name,
                self.line_number
            );
        };
        if line.starts_with(b"#") {
            match recording::parse_annotation(line) {
                Some(Annotation::NamedTask(pid, name)) => self.annotated = Some((pid, name)),
                Some(annotation) => self.metadata.apply(annotation),
                None => {}
            }
            return Ok(None);
        }
        let Some(sample) = Sample::parse(line) else {
            bail!("{}: line {} is not a sample", self.name, self.line_number);
        };
        let is_wanted = self.wanted.is_empty() || self.wanted.contains(&sample.pid);
        Ok(is_wanted.then_some(sample))
    }

    /// Updates the current task. A sample belongs to a new task if an annotation with the name of a
    /// task comes before it, or if it cannot follow the last sample.
    fn update_task(&mut self, sample: &Sample) {
        let is_same_task =
            self.annotated.is_none() && self.last.is_some_and(|last| sample.can_follow(&last));
        if is_same_task {
            return;
        }
        self.not_found.remove(&sample.pid);
        let annotated = self.annotated.take().filter(|(pid, _)| *pid == sample.pid);
        let name = match annotated {
            Some((_, name)) => Some(name),
            None if self.is_live => procfs::name_of_task(sample.pid, sample.time_us),
            None => None,
        };
        self.task = Some(Task {
            index: self.task.as_ref().map_or(0, |task| task.index + 1),
            pid: sample.pid,
            name,
        });
    }

    fn check_all_found(&self) -> Result<()> {
        match self.not_found.first() {
            Some(pid) => bail!("{pid} has no samples: watch it with `taskmon add {pid}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Returns a reader of `text`.
    pub fn history_of(text: &str) -> HistoryReader {
        let input = std::io::Cursor::new(text.to_string().into_bytes());
        HistoryReader::new("text", input, Metadata::default(), Progress::hidden())
    }

    const TWO_TASKS_WITH_ONE_PID: &str = "\
# taskmon 1
# period_ms 50
# command make all
# task 7 sh
pid:7 num:0 : usr 0 sys 0 time 10
pid:7 num:1 : usr 5 sys 0 time 20 exit
# task 7 cc
pid:7 num:3 : usr 1 sys 0 time 30
pid:8 num:0 : usr 0 sys 0 time 40
";

    #[test]
    fn tasks_and_names() {
        let mut history = history_of(TWO_TASKS_WITH_ONE_PID);
        let mut seen = Vec::new();
        while let Some((task, sample)) = history.next().unwrap() {
            seen.push((
                task.index,
                task.pid,
                task.label().to_string(),
                sample.time_us,
            ));
        }
        let expected = [
            (0, 7, "sh", 10),
            (0, 7, "sh", 20),
            (1, 7, "cc", 30),
            (2, 8, "?", 40),
        ];
        let expected =
            expected.map(|(index, pid, name, time)| (index, pid, name.to_string(), time));
        assert_eq!(seen, expected);
        assert_eq!(history.metadata().period_ms, Some(50));
        assert_eq!(history.metadata().command.as_deref(), Some("make all"));
    }

    #[test]
    fn invalid_text() {
        for (text, message) in [
            ("hello\n", "text: line 1 is not a sample"),
            (
                "#\npid:1 num:0 : usr 1",
                "text: the file ends in the middle of line 2",
            ),
        ] {
            let error = history_of(text).next().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
