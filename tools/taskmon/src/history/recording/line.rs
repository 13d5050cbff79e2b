// SPDX-License-Identifier: GPL-2.0

//! What a line of a recording says.

use super::Ending;
use crate::{
    history::Sample,
    kernel_module::TaskInfo,
    output::format::{as_data, unescaped},
    wall_clock::Clock,
};
use std::str::{self, FromStr};

/// The longest name of a task in bytes. The kernel's are shorter.
const MAX_NAME: usize = 64;

/// A line of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Sample(Sample),
    Annotation(Annotation),
    /// A line that begins with `#` and this keyword, but whose value is not valid.
    Invalid(&'static str),
    /// Another line that begins with `#`.
    Comment,
}

/// An annotation: a line that begins with `#` and a keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotation {
    Format(u32),
    Host(String),
    Kernel(String),
    Cpus(u32),
    BootId(String),
    PeriodMs(u64),
    Clock(Clock),
    /// The id and the path of a cgroup.
    Cgroup(u64, String),
    Tree(u32),
    Command(String),
    /// PID and name of the task that the samples after this line belong to: format 1.
    NamedTask(u32, String),
    /// The identity of a task (format 2 and later).
    Task(TaskInfo),
    /// The id of the task that the samples after this line belong to.
    Samples(u64),
    /// The id of a task, and how many of its samples were evicted.
    Evicted(u64, u64),
    Lost(u64),
    Missing(String),
    End(Ending),
}

impl Line {
    /// Parses a line without its newline. Returns `None` if it is neither a sample nor begins with
    /// `#`.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let Some(comment) = line.strip_prefix(b"#") else {
            return Sample::parse(line).map(Self::Sample);
        };
        let words = comment.strip_prefix(b" ").and_then(split);
        let Some((keyword, value)) = words else {
            return Some(Self::Comment);
        };
        let known = KEYWORDS
            .iter()
            .find(|(known, _)| known.as_bytes() == keyword);
        Some(match known {
            Some((keyword, parse)) => parse(value).map_or(Self::Invalid(keyword), Self::Annotation),
            None => Self::Comment,
        })
    }
}

/// A function that parses the value of a keyword.
type Parse = fn(&[u8]) -> Option<Annotation>;

/// The keywords, and how their values are parsed.
const KEYWORDS: [(&str, Parse); 16] = [
    ("taskmon", |value| number(value).map(Annotation::Format)),
    ("host", |value| Some(Annotation::Host(text(value)))),
    ("kernel", |value| Some(Annotation::Kernel(text(value)))),
    ("cpus", |value| number(value).map(Annotation::Cpus)),
    ("boot_id", |value| Some(Annotation::BootId(text(value)))),
    ("period_ms", |value| number(value).map(Annotation::PeriodMs)),
    ("clock", |value| {
        let (boot_us, unix_us) = two_numbers(value)?;
        Some(Annotation::Clock(Clock { boot_us, unix_us }))
    }),
    ("cgroup", |value| {
        let (id, path) = split(value)?;
        Some(Annotation::Cgroup(number(id)?, text(path)))
    }),
    ("tree", |value| number(value).map(Annotation::Tree)),
    ("command", |value| Some(Annotation::Command(text(value)))),
    ("task", task),
    ("samples", |value| number(value).map(Annotation::Samples)),
    ("evicted", |value| {
        let (id, samples) = two_numbers(value)?;
        Some(Annotation::Evicted(id, samples))
    }),
    ("lost", |value| number(value).map(Annotation::Lost)),
    ("missing", |value| Some(Annotation::Missing(text(value)))),
    ("end", |value| {
        let mut all = [Ending::Complete, Ending::Incomplete].into_iter();
        let ending = all.find(|ending| ending.keyword().as_bytes() == value);
        ending.map(Annotation::End)
    }),
];

fn task(value: &[u8]) -> Option<Annotation> {
    if value.starts_with(b"pid:") {
        let info = TaskInfo::parse(value);
        return info
            .filter(|info| info.name.len() <= MAX_NAME)
            .map(Annotation::Task);
    }
    let (pid, name) = split(value)?;
    let name = (name.len() <= MAX_NAME).then(|| as_data(name))?;
    Some(Annotation::NamedTask(number(pid)?, name))
}

fn text(value: &[u8]) -> String {
    as_data(&unescaped(value))
}

fn two_numbers(value: &[u8]) -> Option<(u64, u64)> {
    let (first, second) = split(value)?;
    Some((number(first)?, number(second)?))
}

/// Splits `text` at its first space.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    Some((&text[..space], &text[space + 1..]))
}

fn number<N: FromStr>(digits: &[u8]) -> Option<N> {
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations() {
        for (line, annotation) in [
            ("# taskmon 3", Annotation::Format(3)),
            ("# period_ms 12", Annotation::PeriodMs(12)),
            ("# task 12 a b", Annotation::NamedTask(12, "a b".into())),
            ("# command a\\012b c", Annotation::Command("a\nb c".into())),
            ("# cgroup 7 /a\\040b", Annotation::Cgroup(7, "/a b".into())),
            ("# samples 41", Annotation::Samples(41)),
            ("# evicted 41 7", Annotation::Evicted(41, 7)),
            ("# end incomplete", Annotation::End(Ending::Incomplete)),
        ] {
            let parsed = Line::parse(line.as_bytes());
            assert_eq!(parsed, Some(Line::Annotation(annotation)), "{line}");
        }
    }

    #[test]
    fn invalid_values() {
        let long_name = format!("# task 1 {}", "x".repeat(65));
        for (line, keyword) in [
            ("# task x a", "task"),
            ("# task pid:1 : id 2 name a", "task"),
            (&long_name, "task"),
            ("# taskmon ", "taskmon"),
            ("# end ", "end"),
            ("# clock 1", "clock"),
            ("# samples -1", "samples"),
        ] {
            assert_eq!(
                Line::parse(line.as_bytes()),
                Some(Line::Invalid(keyword)),
                "{line}"
            );
        }
    }

    #[test]
    fn comments() {
        for line in ["#", "# ", "#taskmon 2", "# a note", "# task", "#  task 1 a"] {
            assert_eq!(Line::parse(line.as_bytes()), Some(Line::Comment), "{line}");
        }
        assert_eq!(Line::parse(b""), None);
        assert_eq!(Line::parse(b" # task 1 a"), None);
    }
}
