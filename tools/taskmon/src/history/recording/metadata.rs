// SPDX-License-Identifier: GPL-2.0

//! What a recording says of itself.

use super::Annotation;
use crate::{output::format::escaped, wall_clock::Clock};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// The most reasons of [`Losses::missing`] that are kept.
const MAX_REASONS: usize = 16;
/// The most times at which the wall clock was set that are kept.
const MAX_CLOCKS: usize = 4096;
/// The most cgroups that are kept.
const MAX_CGROUPS: usize = 1 << 16;
/// The most letters of a text. Escaped, they are shorter than the longest line that can be read.
const MAX_TEXT: usize = 4000;

/// What the annotations say about a recording as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The number of the format, 1 to 3; `None` for a copy of the module's samples file.
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
    /// All that the recording says of it, the first ones: the wall clock can be set meanwhile.
    pub clocks: Vec<Clock>,
    /// The paths of cgroups, by their ids.
    pub cgroups: BTreeMap<u64, String>,
    /// The process whose descendants are recorded too.
    pub tree: Option<u32>,
    /// What was recorded: the command line.
    pub command: Option<String>,
    /// What is missing.
    pub losses: Losses,
    /// How the recording ends; `None` if it was cut off or is of format 1. Not known before the end
    /// has been read.
    pub ending: Option<Ending>,
    /// The number of the last line if the recording was cut off, in that line or after it.
    pub cut_off_at: Option<u64>,
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
            Annotation::Clock(clock) => {
                self.clock.get_or_insert(clock);
                if self.clocks.len() < MAX_CLOCKS {
                    self.clocks.push(clock);
                }
            }
            Annotation::Cgroup(id, path) => {
                if self.cgroups.len() < MAX_CGROUPS {
                    self.cgroups.insert(id, path);
                }
            }
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

    /// Returns what is missing in a recording that was read to its end, as a phrase for a message;
    /// `None` if nothing is.
    pub fn what_is_missing(&self) -> Option<String> {
        if let Some(line) = self.cut_off_at {
            return Some(format!("cut off at line {line}"));
        }
        if self.ending != Some(Ending::Incomplete) {
            return None;
        }
        let count = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let reasons: Vec<String> = [
            count(self.losses.evicted, "samples were evicted"),
            count(self.losses.lost, "descendants could not be followed"),
        ]
        .into_iter()
        .flatten()
        .chain(self.losses.missing.iter().cloned())
        .collect();
        Some(match reasons.is_empty() {
            true => "incomplete".to_string(),
            false => format!("incomplete: {}", reasons.join("; ")),
        })
    }

    /// Writes the lines at the beginning of a recording of format 3.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let clock = self.clock;
        let clock = clock.map(|clock| format!("{} {}", clock.boot_us, clock.unix_us));
        writeln!(to, "# taskmon 3")?;
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

/// Returns a text as an annotation has it. A long command line is cut.
fn text(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => escaped(&text.as_bytes()[..end]) + "…",
        None => escaped(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::recording::Line;

    #[test]
    fn written_and_read() {
        let metadata = Metadata {
            format: Some(3),
            host: Some("web1".into()),
            kernel: Some("7.3.4".into()),
            cpus: Some(4),
            boot_id: Some("1f0c".into()),
            period_ms: Some(10),
            clock: Some(Clock {
                boot_us: 884_683_400,
                unix_us: 1_796_000_000_000_000,
            }),
            clocks: vec![Clock {
                boot_us: 884_683_400,
                unix_us: 1_796_000_000_000_000,
            }],
            tree: Some(3),
            command: Some("a\nb \\ ë".into()),
            ..Metadata::default()
        };
        let mut text = Vec::new();
        metadata.write(&mut text).unwrap();
        let mut read = Metadata::default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Some(Line::Annotation(annotation)) = Line::parse(line) {
                read.apply(annotation);
            }
        }
        assert_eq!(read, metadata);
    }

    #[test]
    fn long_command() {
        let metadata = Metadata {
            command: Some("\u{85}".repeat(1 << 20)),
            ..Metadata::default()
        };
        let mut text = Vec::new();
        metadata.write(&mut text).unwrap();
        assert!(text.len() < 40_000);
        assert!(text.ends_with("\\205…\n".as_bytes()));
    }

    #[test]
    fn missing_parts() {
        let mut metadata = Metadata::default();
        assert_eq!(metadata.what_is_missing(), None);
        metadata.apply(Annotation::End(Ending::Incomplete));
        let missing = |of: &Metadata| of.what_is_missing().unwrap();
        assert_eq!(missing(&metadata), "incomplete");
        metadata.apply(Annotation::Evicted(1, 7));
        metadata.apply(Annotation::Lost(3));
        metadata.apply(Annotation::Missing("the disk was full".into()));
        let all = "incomplete: 7 samples were evicted; 3 descendants could not be followed; the disk was full";
        assert_eq!(missing(&metadata), all);
        metadata.cut_off_at = Some(9);
        assert_eq!(missing(&metadata), "cut off at line 9");
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
