// SPDX-License-Identifier: GPL-2.0

//! Samples as a stream: line by line, in constant memory.

use super::{
    recording::{self, About, Remark},
    sample::Sample,
};
use crate::{output::Progress, procfs};
use anyhow::{bail, Context, Result};
use std::{collections::BTreeSet, io::BufRead};

/// The task that samples belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which one of the history: a number may come again, for another task.
    pub index: usize,
    pub pid: u32,
    /// The command's name, where it is known.
    pub name: Option<String>,
}

impl Task {
    /// The name for a table.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("?")
    }
}

/// Where a reader stands in a history.
pub struct History {
    name: String,
    input: Box<dyn BufRead>,
    progress: Progress,
    about: About,
    /// The module's own, of tasks that may still be there.
    is_live: bool,
    /// The tasks asked for; empty: all.
    only: BTreeSet<u32>,
    /// Those of them that have not been met.
    awaited: BTreeSet<u32>,
    task: Option<Task>,
    last: Option<Sample>,
    /// The name given for the task that comes next.
    announced: Option<(u32, String)>,
    line: Vec<u8>,
    line_number: u64,
}

impl History {
    /// One that is read from there; what is known of it before its first line.
    pub fn new(
        name: &str,
        input: impl BufRead + 'static,
        about: About,
        progress: Progress,
    ) -> Self {
        Self {
            name: name.to_string(),
            input: Box::new(input),
            progress,
            about,
            is_live: false,
            only: BTreeSet::new(),
            awaited: BTreeSet::new(),
            task: None,
            last: None,
            announced: None,
            line: Vec::new(),
            line_number: 0,
        }
    }

    /// The same as the module's own, of these tasks, or of all.
    pub fn of_living(mut self, pids: &BTreeSet<u32>) -> Self {
        self.is_live = true;
        self.awaited.clone_from(pids);
        self.only.clone_from(pids);
        self
    }

    /// What is known of it; complete once its first sample was read.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The same without a progress bar, for output to a terminal that would be torn by it.
    pub fn without_progress(mut self) -> Self {
        self.progress = Progress::hidden();
        self
    }

    /// The next sample and its task; `None` at the end. A task's samples come together, oldest
    /// first.
    pub fn next(&mut self) -> Result<Option<(&Task, Sample)>> {
        loop {
            self.line.clear();
            let len = self.input.read_until(b'\n', &mut self.line);
            if len.with_context(|| format!("reading {}", self.name))? == 0 {
                self.progress.finish();
                return self.all_met().map(|()| None);
            }
            self.line_number += 1;
            self.progress.advance(self.line.len());
            if let Some(sample) = self.take_line()? {
                self.enter_task_of(&sample);
                self.last = Some(sample);
                return Ok(self.task.as_ref().map(|task| (task, sample)));
            }
        }
    }

    /// The sample that the line says, unless it is a remark or of a task not asked for.
    fn take_line(&mut self) -> Result<Option<Sample>> {
        let Some(line) = self.line.strip_suffix(b"\n") else {
            bail!(
                "{}: it ends in the middle of line {}",
                self.name,
                self.line_number
            );
        };
        if line.starts_with(b"#") {
            match recording::parse_remark(&String::from_utf8_lossy(line)) {
                Some(Remark::Task(pid, name)) => self.announced = Some((pid, name)),
                Some(remark) => self.about.learn(remark),
                None => {}
            }
            return Ok(None);
        }
        let Some(sample) = Sample::parse(line) else {
            bail!("{}: line {} is no sample", self.name, self.line_number);
        };
        let wanted = self.only.is_empty() || self.only.contains(&sample.pid);
        Ok(wanted.then_some(sample))
    }

    /// A task begins where the number is another one, or the samples are counted anew.
    fn enter_task_of(&mut self, sample: &Sample) {
        let goes_on =
            self.announced.is_none() && self.last.is_some_and(|last| sample.follows(&last));
        if goes_on {
            return;
        }
        self.awaited.remove(&sample.pid);
        let announced = self.announced.take().filter(|(pid, _)| *pid == sample.pid);
        let name = match announced {
            Some((_, name)) => Some(name),
            None if self.is_live => procfs::name_of(sample.pid, sample.time_us),
            None => None,
        };
        self.task = Some(Task {
            index: self.task.as_ref().map_or(0, |task| task.index + 1),
            pid: sample.pid,
            name,
        });
    }

    fn all_met(&self) -> Result<()> {
        match self.awaited.first() {
            Some(pid) => bail!("{pid} has no samples: watch it by `taskmon add {pid}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A history that is this text.
    pub fn history_of(text: &str) -> History {
        let input = std::io::Cursor::new(text.to_string().into_bytes());
        History::new("text", input, About::default(), Progress::hidden())
    }

    const TWO_LIVES: &str = "\
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
        let mut history = history_of(TWO_LIVES);
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
        assert_eq!(history.about().period_ms, Some(50));
        assert_eq!(history.about().command.as_deref(), Some("make all"));
    }

    #[test]
    fn what_is_no_history() {
        for (text, complaint) in [
            ("hello\n", "text: line 1 is no sample"),
            (
                "#\npid:1 num:0 : usr 1",
                "text: it ends in the middle of line 2",
            ),
        ] {
            let error = history_of(text).next().unwrap_err();
            assert_eq!(error.to_string(), complaint);
        }
    }
}
