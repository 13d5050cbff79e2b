// SPDX-License-Identifier: GPL-2.0

//! The line that identifies a task.
//!
//! ```text
//! pid:268 : id 42 parent 267 root 250 cgroup 2817 started 884683911 ended 885001234 status 9 \
//!     first 0 next 4 usr 9000 sys 3000 wait 350 name as
//! ```
//!
//! It has no backslash and no line break. It is read far less often than samples are, so
//! `core::fmt` formats its numbers.

use crate::codec::Sample;
use core::fmt::{self, Write};

/// The length of the longest line: 14 words, nine numbers of 20 digits, four of ten with a sign,
/// and a name of 15 bytes, each of which is escaped.
const LONGEST: usize = 384;

/// What the line shows. PIDs are those of the PID namespace of the process that reads.
pub(crate) struct TaskLine<'a> {
    pub(crate) pid: i32,
    /// The number of the target: the first one has 1, and no number is used twice.
    pub(crate) id: u64,
    /// Whether one thread is watched, and not a process.
    pub(crate) is_thread: bool,
    /// The PID of the parent, if the process that reads can see it.
    pub(crate) parent: Option<i32>,
    /// The PID of the root of the tree to which the task belongs, if there is one and the process
    /// that reads can see it.
    pub(crate) root: Option<i32>,
    /// The ID of the cgroup.
    pub(crate) cgroup: Option<u64>,
    /// When the task began, microseconds since boot.
    pub(crate) started_us: u64,
    /// When the task ended, microseconds since boot, and its wait status; `None`: it has not.
    pub(crate) ended: Option<(u64, i32)>,
    /// The number of the oldest sample that is kept.
    pub(crate) first: u64,
    /// The number of the next sample.
    pub(crate) next: u64,
    /// The newest sample, even if it has been evicted.
    pub(crate) totals: Sample,
    /// The command name, which ends at the first zero.
    pub(crate) name: &'a [u8],
}

impl TaskLine<'_> {
    /// Formats the line, and passes it to `write`.
    pub(crate) fn write_to(&self, write: impl FnOnce(&[u8])) {
        let mut text = Text {
            bytes: [0; LONGEST],
            len: 0,
        };
        // The longest line fits, so this does not fail.
        if self.format(&mut text).is_ok() {
            write(text.bytes.get(..text.len).unwrap_or_default());
        }
    }

    fn format(&self, text: &mut Text) -> fmt::Result {
        write!(text, "pid:{} : id {}", self.pid, self.id)?;
        if self.is_thread {
            text.write_str(" thread")?;
        }
        if let Some(parent) = self.parent {
            write!(text, " parent {parent}")?;
        }
        if let Some(root) = self.root {
            write!(text, " root {root}")?;
        }
        if let Some(cgroup) = self.cgroup {
            write!(text, " cgroup {cgroup}")?;
        }
        write!(text, " started {}", self.started_us)?;
        if let Some((time_us, status)) = self.ended {
            write!(text, " ended {time_us} status {status}")?;
        }
        write!(text, " first {} next {}", self.first, self.next)?;
        let Sample { usr, sys, wait } = self.totals;
        write!(text, " usr {usr} sys {sys} wait {wait} name ")?;
        write_escaped(text, self.name)?;
        text.write_char('\n')
    }
}

/// Writes a command name. Control characters, the backslash, and bytes that are not part of valid
/// UTF-8 are written as a backslash and three octal digits.
fn write_escaped(text: &mut Text, name: &[u8]) -> fmt::Result {
    let len = name.iter().position(|byte| *byte == 0);
    let name = name.get(..len.unwrap_or(name.len())).unwrap_or_default();
    for chunk in name.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() || letter == '\\' {
                write_octal(text, letter.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                text.write_char(letter)?;
            }
        }
        write_octal(text, chunk.invalid())?;
    }
    Ok(())
}

fn write_octal(text: &mut Text, bytes: &[u8]) -> fmt::Result {
    bytes
        .iter()
        .try_for_each(|byte| write!(text, "\\{byte:03o}"))
}

/// A line that is being written.
struct Text {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len + part.len();
        let place = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        place.copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg_attr(
    CONFIG_TASKMONITOR_KUNIT_TEST,
    kernel::prelude::kunit_tests(taskmonitor_task_line)
)]
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
mod tests {
    use super::*;

    const LIVING: TaskLine<'_> = TaskLine {
        pid: 267,
        id: 41,
        is_thread: false,
        parent: Some(250),
        root: Some(250),
        cgroup: Some(2817),
        started_us: 884683400,
        ended: None,
        first: 0,
        next: 213,
        totals: Sample {
            usr: 1048713,
            sys: 390222,
            wait: 8112,
        },
        name: b"cc1\0\0",
    };

    fn assert_line(line: &TaskLine<'_>, expected: &[u8]) {
        let mut is_written = false;
        line.write_to(|text| {
            assert_eq!(text, expected);
            is_written = true;
        });
        assert!(is_written);
    }

    #[test]
    fn lines_have_the_documented_format() {
        assert_line(
            &LIVING,
            b"pid:267 : id 41 parent 250 root 250 cgroup 2817 started 884683400 first 0 next 213 \
              usr 1048713 sys 390222 wait 8112 name cc1\n",
        );
        let ended = TaskLine {
            is_thread: true,
            parent: None,
            root: None,
            cgroup: None,
            ended: Some((885001234, 9)),
            ..LIVING
        };
        assert_line(
            &ended,
            b"pid:267 : id 41 thread started 884683400 ended 885001234 status 9 first 0 next 213 \
              usr 1048713 sys 390222 wait 8112 name cc1\n",
        );
    }

    #[test]
    fn names_are_escaped() {
        let names: [(&[u8], &[u8]); 5] = [
            (b"a b", b"a b"),
            (b"a\\\n\x7f", b"a\\134\\012\\177"),
            (
                "\u{e9}\u{85}\u{202e}".as_bytes(),
                "\u{e9}\\302\\205\u{202e}".as_bytes(),
            ),
            (b"\xc3\xa9\xe2\x82", b"\xc3\xa9\\342\\202"),
            (b"", b""),
        ];
        for (name, escaped) in names {
            let mut is_found = false;
            TaskLine { name, ..LIVING }.write_to(|text| {
                let label = text.windows(6).position(|part| part == b" name ");
                let shown = label.and_then(|label| text.get(label + 6..));
                is_found = shown.and_then(|shown| shown.strip_suffix(b"\n")) == Some(escaped);
            });
            assert!(is_found);
        }
    }

    #[test]
    fn the_longest_line_fits() {
        let longest = TaskLine {
            pid: i32::MAX,
            id: u64::MAX,
            is_thread: true,
            parent: Some(i32::MAX),
            root: Some(i32::MAX),
            cgroup: Some(u64::MAX),
            started_us: u64::MAX,
            ended: Some((u64::MAX, i32::MIN)),
            first: u64::MAX,
            next: u64::MAX,
            totals: Sample {
                usr: u64::MAX,
                sys: u64::MAX,
                wait: u64::MAX,
            },
            name: &[1; 15],
        };
        let mut len = 0;
        longest.write_to(|text| len = text.len());
        assert!(len > 0 && len < LONGEST);
    }
}
