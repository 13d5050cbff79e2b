// SPDX-License-Identifier: GPL-2.0

//! What `taskmon record` writes: the module's own lines, with remarks between them.
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

use super::sample::Sample;
use crate::output::format::printable;
use std::io::{self, Write};

/// What is known of a recording as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The time between two samples.
    pub period_ms: Option<u64>,
    /// The process whose descendants are here too.
    pub tree: Option<u32>,
    /// What was recorded, as it was typed.
    pub command: Option<String>,
}

impl About {
    /// Takes in one remark.
    pub fn learn(&mut self, remark: Remark) {
        match remark {
            Remark::PeriodMs(period_ms) => self.period_ms = Some(period_ms),
            Remark::Tree(pid) => self.tree = Some(pid),
            Remark::Command(command) => self.command = Some(command),
            Remark::Task(..) => {}
        }
    }
}

/// A line that is no sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    PeriodMs(u64),
    Tree(u32),
    Command(String),
    /// The samples that follow are of the task of this number and name.
    Task(u32, String),
}

/// What a remark says; `None` for those of other hands.
pub fn parse_remark(line: &str) -> Option<Remark> {
    let (keyword, text) = line.strip_prefix("# ")?.split_once(' ')?;
    match keyword {
        "period_ms" => text.parse().ok().map(Remark::PeriodMs),
        "tree" => text.parse().ok().map(Remark::Tree),
        "command" => Some(Remark::Command(text.to_string())),
        "task" => {
            let (pid, name) = text.split_once(' ')?;
            Some(Remark::Task(pid.parse().ok()?, name.to_string()))
        }
        _ => None,
    }
}

/// Writes a recording.
pub struct Writer<W: Write> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    pub fn begin(mut to: W, about: &About) -> io::Result<Self> {
        writeln!(to, "# taskmon 1")?;
        if let Some(period_ms) = about.period_ms {
            writeln!(to, "# period_ms {period_ms}")?;
        }
        if let Some(pid) = about.tree {
            writeln!(to, "# tree {pid}")?;
        }
        if let Some(command) = &about.command {
            writeln!(to, "# command {}", printable(command))?;
        }
        Ok(Self { to })
    }

    /// The samples that follow are of this task.
    pub fn task(&mut self, pid: u32, name: Option<&str>) -> io::Result<()> {
        match name {
            Some(name) => writeln!(self.to, "# task {pid} {}", printable(name)),
            None => Ok(()),
        }
    }

    pub fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        writeln!(self.to, "{sample}")
    }

    /// Gives the output back, with all of it written.
    pub fn end(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks() {
        assert_eq!(parse_remark("# period_ms 12"), Some(Remark::PeriodMs(12)));
        assert_eq!(
            parse_remark("# task 12 a b"),
            Some(Remark::Task(12, "a b".into()))
        );
        assert_eq!(parse_remark("# task x a"), None);
        assert_eq!(parse_remark("# a note"), None);
        assert_eq!(parse_remark("#"), None);
    }

    #[test]
    fn what_was_written_is_read() {
        let about = About {
            period_ms: Some(10),
            tree: Some(3),
            command: Some("a\nb".into()),
        };
        let text = Writer::begin(Vec::new(), &about).unwrap().end().unwrap();
        let mut read = About::default();
        for line in String::from_utf8(text).unwrap().lines() {
            parse_remark(line)
                .into_iter()
                .for_each(|remark| read.learn(remark));
        }
        assert_eq!(read.command.as_deref(), Some("a\u{fffd}b"));
        assert_eq!((read.period_ms, read.tree), (Some(10), Some(3)));
    }
}
