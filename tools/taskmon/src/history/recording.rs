// SPDX-License-Identifier: GPL-2.0

//! The file format of `taskmon record`: the module's sample lines, and annotations: lines that
//! begin with `#`.
//!
//! ```text
//! # taskmon 1
//! # period_ms 100
//! # tree 1234
//! # command make -j4
//! # task 1234 make
//! pid:1234 num:0 : usr 0 sys 0 time 884683417
//! …
//! ```

use super::{sample::Sample, task::Task};
use crate::output::format::printable;
use std::io::{self, Write};

/// What the annotations say about a recording as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The time between two samples of a task.
    pub period_ms: Option<u64>,
    /// The process whose descendants are recorded too.
    pub tree: Option<u32>,
    /// The command line that was recorded.
    pub command: Option<String>,
}

impl Metadata {
    /// Applies one annotation.
    pub fn apply(&mut self, annotation: Annotation) {
        match annotation {
            Annotation::PeriodMs(period_ms) => self.period_ms = Some(period_ms),
            Annotation::Tree(pid) => self.tree = Some(pid),
            Annotation::Command(command) => self.command = Some(command),
            Annotation::Task(..) => {}
        }
    }
}

/// An annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotation {
    PeriodMs(u64),
    Tree(u32),
    Command(String),
    /// PID and name of the task that the samples after this line belong to.
    Task(u32, String),
}

/// Parses a line that begins with `#`. Returns `None` for a comment that taskmon does not write.
pub fn parse_annotation(line: &str) -> Option<Annotation> {
    let (keyword, text) = line.strip_prefix("# ")?.split_once(' ')?;
    match keyword {
        "period_ms" => text.parse().ok().map(Annotation::PeriodMs),
        "tree" => text.parse().ok().map(Annotation::Tree),
        "command" => Some(Annotation::Command(text.to_string())),
        "task" => {
            let (pid, name) = text.split_once(' ')?;
            Some(Annotation::Task(pid.parse().ok()?, name.to_string()))
        }
        _ => None,
    }
}

/// Writes a recording.
pub struct Writer<W: Write> {
    to: W,
    /// The index of the task whose samples are being written.
    task: Option<usize>,
}

impl<W: Write> Writer<W> {
    /// Writes the first lines of a recording.
    pub fn begin(mut to: W, metadata: &Metadata) -> io::Result<Self> {
        writeln!(to, "# taskmon 1")?;
        if let Some(period_ms) = metadata.period_ms {
            writeln!(to, "# period_ms {period_ms}")?;
        }
        if let Some(pid) = metadata.tree {
            writeln!(to, "# tree {pid}")?;
        }
        if let Some(command) = &metadata.command {
            writeln!(to, "# command {}", printable(command))?;
        }
        Ok(Self { to, task: None })
    }

    /// Writes one sample. The samples of a task must be written one after the other.
    pub fn write(&mut self, task: &Task, sample: &Sample) -> io::Result<()> {
        if self.task != Some(task.index) {
            self.task = Some(task.index);
            if let Some(name) = &task.name {
                writeln!(self.to, "# task {} {}", task.pid, printable(name))?;
            }
        }
        writeln!(self.to, "{sample}")
    }

    /// Writes what is buffered, and returns the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations() {
        assert_eq!(
            parse_annotation("# period_ms 12"),
            Some(Annotation::PeriodMs(12))
        );
        assert_eq!(
            parse_annotation("# task 12 a b"),
            Some(Annotation::Task(12, "a b".into()))
        );
        assert_eq!(parse_annotation("# task x a"), None);
        assert_eq!(parse_annotation("# a note"), None);
        assert_eq!(parse_annotation("#"), None);
    }

    #[test]
    fn written_and_read() {
        let metadata = Metadata {
            period_ms: Some(10),
            tree: Some(3),
            command: Some("a\nb".into()),
        };
        let text = Writer::begin(Vec::new(), &metadata)
            .unwrap()
            .finish()
            .unwrap();
        let mut read = Metadata::default();
        for line in String::from_utf8(text).unwrap().lines() {
            parse_annotation(line)
                .into_iter()
                .for_each(|annotation| read.apply(annotation));
        }
        assert_eq!(read.command.as_deref(), Some("a\u{fffd}b"));
        assert_eq!((read.period_ms, read.tree), (Some(10), Some(3)));
    }
}
