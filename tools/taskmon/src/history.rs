// SPDX-License-Identifier: GPL-2.0

//! Samples as a stream, from the module or from a recording: line by line, in constant memory.

use crate::{
    module, procfs,
    progress::Progress,
    recording::{self, About, Remark},
    sample::Sample,
};
use anyhow::{anyhow, bail, Context, Result};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
};

/// A history that can be read, more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the module keeps: of these tasks, or of all.
    Module(BTreeSet<u32>),
    /// What `taskmon record` wrote, or a copy of the module's file.
    Recording(PathBuf),
}

impl Source {
    /// What `FILE or PID…` on the command line means; nothing: all that the module keeps.
    pub fn from_words(words: &[String]) -> Result<Self> {
        let numbers: Option<BTreeSet<u32>> = words.iter().map(|word| word.parse().ok()).collect();
        match (numbers, words) {
            (Some(pids), _) => Ok(Self::Module(pids)),
            (None, [path]) => Ok(Self::Recording(path.into())),
            (None, _) => bail!("give one recording, or the numbers of watched tasks"),
        }
    }

    /// Whether it stays the same, so that it can be read twice: a file does, but for pipes and those
    /// that the kernel makes up while they are read, which say that they are empty.
    pub fn is_steady(&self) -> bool {
        match self {
            Self::Module(_) => false,
            Self::Recording(path) => {
                fs::metadata(path).is_ok_and(|of| of.is_file() && of.len() > 0)
            }
        }
    }

    /// Opens it at its beginning.
    pub fn open(&self) -> Result<History> {
        match self {
            Self::Module(pids) => {
                let file = module::open(module::DEBUGFS)?;
                let samples = module::statistic("alive").ok();
                let about = About {
                    period_ms: module::period_ms().ok(),
                    ..About::default()
                };
                let input = BufReader::with_capacity(1 << 18, file);
                let progress = Progress::of_samples(samples);
                let mut history = History::new(module::DEBUGFS, input, about, progress);
                history.is_live = true;
                history.awaited.clone_from(pids);
                history.only.clone_from(pids);
                Ok(history)
            }
            Self::Recording(path) => {
                let name = path.display().to_string();
                let file = File::open(path)
                    .map_err(|error| anyhow!("{name}: {}", module::plain(&error)))?;
                let bytes = file
                    .metadata()
                    .ok()
                    .filter(|of| of.is_file())
                    .map(|of| of.len());
                let input = BufReader::with_capacity(1 << 18, file);
                Ok(History::new(
                    &name,
                    input,
                    About::default(),
                    Progress::of_bytes(bytes),
                ))
            }
        }
    }
}

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
    fn new(name: &str, input: impl BufRead + 'static, about: About, progress: Progress) -> Self {
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

    #[test]
    fn what_can_be_read_twice() {
        let steady = |path: &str| Source::Recording(path.into()).is_steady();
        assert!(steady("/proc/self/exe"));
        assert!(!steady("/proc/self/stat"));
        assert!(!steady("/dev/null"));
        assert!(!steady("/no/such"));
        assert!(!Source::Module(BTreeSet::new()).is_steady());
    }

    #[test]
    fn words() {
        let words =
            |all: &[&str]| -> Vec<String> { all.iter().map(|one| one.to_string()).collect() };
        let pids = Source::Module(BTreeSet::from([12, 3]));
        assert_eq!(Source::from_words(&words(&["12", "3"])).unwrap(), pids);
        assert_eq!(
            Source::from_words(&[]).unwrap(),
            Source::Module(BTreeSet::new())
        );
        let file = Source::Recording("a.out".into());
        assert_eq!(Source::from_words(&words(&["a.out"])).unwrap(), file);
        assert!(Source::from_words(&words(&["a.out", "3"])).is_err());
    }
}
