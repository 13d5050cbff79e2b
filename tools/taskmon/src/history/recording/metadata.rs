// SPDX-License-Identifier: GPL-2.0

//! What a recording says of itself.

use crate::{
    kernel_module::TaskInfo,
    output::format::{as_data, escaped, unescaped},
};
use std::{
    io::{self, Write},
    str,
};

/// The most reasons of [`Losses::missing`] that are kept.
const MAX_REASONS: usize = 16;

/// What the annotations say about a recording as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The number of the format, 1 or 2; `None` for a copy of the module's samples file.
    pub format: Option<u32>,
    /// The name of the machine.
    pub host: Option<String>,
    /// The release of the kernel.
    pub kernel: Option<String>,
    /// The number of CPUs.
    pub cpus: Option<u32>,
    /// What the kernel calls this boot. Times since boot are of this boot.
    pub boot_id: Option<String>,
    /// The time between two samples of a task.
    pub period_ms: Option<u64>,
    /// How times since boot become wall-clock times.
    pub clock: Option<Clock>,
    /// The process whose descendants are recorded too.
    pub tree: Option<u32>,
    /// What was recorded: the command line.
    pub command: Option<String>,
    /// What is missing.
    pub losses: Losses,
    /// How the recording ends; `None` if it was cut off. Not known before the end has been read.
    pub ending: Option<Ending>,
}

/// The same moment on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Microseconds since boot, as in samples.
    pub boot_us: u64,
    /// Microseconds since the beginning of 1970, UTC.
    pub unix_us: u64,
}

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Complete,
    /// Something is missing: see [`Losses`].
    Incomplete,
}

impl Ending {
    /// Returns the word that the last line of a recording has.
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What is missing in a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Samples that were evicted before they were written.
    pub evicted: u64,
    /// Descendants that could not be followed.
    pub lost: u64,
    /// Other reasons, the first few.
    pub missing: Vec<String>,
}

impl Metadata {
    /// Applies one annotation.
    pub fn apply(&mut self, annotation: Annotation) {
        match annotation {
            Annotation::Format(format) => self.format = Some(format),
            Annotation::Host(host) => self.host = Some(host),
            Annotation::Kernel(kernel) => self.kernel = Some(kernel),
            Annotation::Cpus(cpus) => self.cpus = Some(cpus),
            Annotation::BootId(boot_id) => self.boot_id = Some(boot_id),
            Annotation::PeriodMs(period_ms) => self.period_ms = Some(period_ms),
            Annotation::Clock(clock) => self.clock = Some(clock),
            Annotation::Tree(pid) => self.tree = Some(pid),
            Annotation::Command(command) => self.command = Some(command),
            Annotation::Evicted(_, samples) => {
                self.losses.evicted = self.losses.evicted.saturating_add(samples);
            }
            Annotation::Lost(lost) => self.losses.lost = self.losses.lost.saturating_add(lost),
            Annotation::Missing(why) if self.losses.missing.len() < MAX_REASONS => {
                self.losses.missing.push(why);
            }
            Annotation::End(ending) => self.ending = Some(ending),
            Annotation::Missing(_)
            | Annotation::NamedTask(..)
            | Annotation::Task(_)
            | Annotation::Samples(_) => {}
        }
    }

    /// Writes the lines at the beginning of a recording of format 2.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let clock = self.clock;
        let clock = clock.map(|clock| format!("{} {}", clock.boot_us, clock.unix_us));
        writeln!(to, "# taskmon 2")?;
        for (keyword, text) in [
            ("host", self.host.as_deref().map(text)),
            ("kernel", self.kernel.as_deref().map(text)),
            ("cpus", self.cpus.map(|cpus| cpus.to_string())),
            ("boot_id", self.boot_id.as_deref().map(text)),
            ("period_ms", self.period_ms.map(|ms| ms.to_string())),
            ("clock", clock),
            ("command", self.command.as_deref().map(text)),
            ("tree", self.tree.map(|pid| pid.to_string())),
        ] {
            if let Some(text) = text {
                writeln!(to, "# {keyword} {text}")?;
            }
        }
        Ok(())
    }
}

/// Returns a text as an annotation has it.
fn text(text: &str) -> String {
    escaped(text.as_bytes())
}

/// An annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotation {
    Format(u32),
    Host(String),
    Kernel(String),
    Cpus(u32),
    BootId(String),
    PeriodMs(u64),
    Clock(Clock),
    Tree(u32),
    Command(String),
    /// PID and name of the task that the samples after this line belong to: format 1.
    NamedTask(u32, String),
    /// Who a task is: format 2.
    Task(TaskInfo),
    /// The id of the task that the samples after this line belong to.
    Samples(u64),
    /// The id of a task, and how many of its samples were evicted.
    Evicted(u64, u64),
    Lost(u64),
    Missing(String),
    End(Ending),
}

/// Parses a line that begins with `#`. Returns `None` for a comment that taskmon does not write.
pub fn parse_annotation(line: &[u8]) -> Option<Annotation> {
    let (keyword, rest) = split(line.strip_prefix(b"# ")?)?;
    let text = || as_data(&unescaped(rest));
    match keyword {
        b"taskmon" => number(rest).map(Annotation::Format),
        b"host" => Some(Annotation::Host(text())),
        b"kernel" => Some(Annotation::Kernel(text())),
        b"cpus" => number(rest).map(Annotation::Cpus),
        b"boot_id" => Some(Annotation::BootId(text())),
        b"period_ms" => number(rest).map(Annotation::PeriodMs),
        b"clock" => {
            let (boot_us, unix_us) = split(rest)?;
            let (boot_us, unix_us) = (number(boot_us)?, number(unix_us)?);
            Some(Annotation::Clock(Clock { boot_us, unix_us }))
        }
        b"tree" => number(rest).map(Annotation::Tree),
        b"command" => Some(Annotation::Command(text())),
        b"task" if rest.starts_with(b"pid:") => TaskInfo::parse(rest).map(Annotation::Task),
        b"task" => {
            let (pid, name) = split(rest)?;
            Some(Annotation::NamedTask(number(pid)?, as_data(name)))
        }
        b"samples" => number(rest).map(Annotation::Samples),
        b"evicted" => {
            let (id, samples) = split(rest)?;
            Some(Annotation::Evicted(number(id)?, number(samples)?))
        }
        b"lost" => number(rest).map(Annotation::Lost),
        b"missing" => Some(Annotation::Missing(text())),
        b"end" => {
            let mut all = [Ending::Complete, Ending::Incomplete].into_iter();
            let ending = all.find(|ending| ending.keyword().as_bytes() == rest);
            ending.map(Annotation::End)
        }
        _ => None,
    }
}

/// Splits `text` at its first space.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    Some((&text[..space], &text[space + 1..]))
}

fn number<N: str::FromStr>(digits: &[u8]) -> Option<N> {
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations() {
        for (line, annotation) in [
            ("# taskmon 2", Annotation::Format(2)),
            ("# period_ms 12", Annotation::PeriodMs(12)),
            ("# task 12 a b", Annotation::NamedTask(12, "a b".into())),
            ("# command a\\012b c", Annotation::Command("a\nb c".into())),
            ("# samples 41", Annotation::Samples(41)),
            ("# evicted 41 7", Annotation::Evicted(41, 7)),
            ("# end incomplete", Annotation::End(Ending::Incomplete)),
        ] {
            assert_eq!(
                parse_annotation(line.as_bytes()),
                Some(annotation),
                "{line}"
            );
        }
        for line in [
            "# task x a",
            "# task pid:1 : id 2 name a",
            "# a note",
            "#",
            "# end",
            "# clock 1",
            "# samples -1",
        ] {
            assert_eq!(parse_annotation(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn written_and_read() {
        let metadata = Metadata {
            format: Some(2),
            host: Some("web1".into()),
            kernel: Some("7.3.4".into()),
            cpus: Some(4),
            boot_id: Some("1f0c".into()),
            period_ms: Some(10),
            clock: Some(Clock {
                boot_us: 884_683_400,
                unix_us: 1_796_000_000_000_000,
            }),
            tree: Some(3),
            command: Some("a\nb \\ ë".into()),
            ..Metadata::default()
        };
        let mut text = Vec::new();
        metadata.write(&mut text).unwrap();
        let mut read = Metadata::default();
        for line in text.split(|byte| *byte == b'\n') {
            parse_annotation(line)
                .into_iter()
                .for_each(|annotation| read.apply(annotation));
        }
        assert_eq!(read, metadata);
    }

    #[test]
    fn sums_do_not_overflow() {
        let mut metadata = Metadata::default();
        for _ in 0..99 {
            metadata.apply(Annotation::Evicted(1, u64::MAX));
            metadata.apply(Annotation::Missing("x".into()));
        }
        assert_eq!(metadata.losses.evicted, u64::MAX);
        assert_eq!(metadata.losses.missing.len(), MAX_REASONS);
    }
}
