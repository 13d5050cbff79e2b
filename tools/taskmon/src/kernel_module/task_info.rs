// SPDX-License-Identifier: GPL-2.0

//! The identity of a watched task.

use super::files::{open, TASKS};
use crate::{
    output::format::{as_data, escaped, printable, task_label, unescaped},
    procfs::Stat,
};
use anyhow::{anyhow, Context, Result};
use std::{
    fmt,
    io::Read,
    str::{self, FromStr},
};

/// A line of the module's tasks file: who a watched task is, and how much of its history is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskInfo {
    pub pid: u32,
    /// The number of the watched task. It is never used again, unlike the PID.
    pub id: u64,
    /// Whether one thread is watched, not a process.
    pub is_thread: bool,
    /// The PID of the process that it is a thread of; `None` if it is a process, or not known.
    pub tgid: Option<u32>,
    /// The highest number of threads that were seen in the process; exactly 1 only if it never had
    /// a second one. `None` if it is not known.
    pub threads: Option<u32>,
    /// The PID of the process that forked it.
    pub parent: Option<u32>,
    /// The PID of the process because of which it is followed.
    pub root: Option<u32>,
    /// The id of its cgroup: the inode number of the cgroup's directory.
    pub cgroup: Option<u64>,
    /// When it began, in microseconds since boot.
    pub started_us: u64,
    /// When it ended; `None` if it is alive.
    pub ended_us: Option<u64>,
    /// The wait status; `None` if it is alive.
    pub status: Option<i32>,
    /// The number of the oldest sample that is kept.
    pub first: u64,
    /// The number of the next sample.
    pub next: u64,
    /// The totals of the newest sample.
    pub usr_us: u64,
    pub sys_us: u64,
    /// How long it was runnable without a CPU; `None` if the module does not count that.
    pub wait_us: Option<u64>,
    /// The command name: any bytes.
    pub name: Vec<u8>,
}

impl TaskInfo {
    /// Parses a line without its newline. Fields that are not known are skipped. Returns `None` if
    /// it is not such a line.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut info = Self::default();
        let (pid, rest) = split_word(line.strip_prefix(b"pid:")?);
        info.pid = number(pid)?;
        let mut rest = rest.strip_prefix(b": ")?;
        // Which of the fields that cannot be missing were there.
        let (mut id, mut started, mut first, mut next) = (None, None, None, None);
        let (mut usr, mut sys) = (None, None);
        loop {
            let (word, after) = split_word(rest);
            if word == b"name" {
                info.name = unescaped(after);
                break;
            }
            if word == b"thread" {
                info.is_thread = true;
                rest = after;
                continue;
            }
            let (value, after) = split_word(after);
            match word {
                b"id" => id = Some(number(value)?),
                b"tgid" => info.tgid = Some(number(value)?),
                b"threads" => info.threads = Some(number(value)?),
                b"parent" => info.parent = Some(number(value)?),
                b"root" => info.root = Some(number(value)?),
                b"cgroup" => info.cgroup = Some(number(value)?),
                b"started" => started = Some(number(value)?),
                b"ended" => info.ended_us = Some(number(value)?),
                b"status" => info.status = Some(number(value)?),
                b"first" => first = Some(number(value)?),
                b"next" => next = Some(number(value)?),
                b"usr" => usr = Some(number(value)?),
                b"sys" => sys = Some(number(value)?),
                b"wait" => info.wait_us = Some(number(value)?),
                // The end of the line, without a name.
                b"" => return None,
                _ => {}
            }
            rest = after;
        }
        Some(Self {
            id: id?,
            started_us: started?,
            first: first?,
            next: next?,
            usr_us: usr?,
            sys_us: sys?,
            ..info
        })
    }

    /// Returns the state letter of proc(5): R, S, D, T, Z, …; `None` if the task has ended.
    pub fn state(&self) -> Option<char> {
        let stat = Stat::of_life(self.pid, self.started_us);
        stat.filter(|_| self.ended_us.is_none())
            .map(|stat| stat.state)
    }

    /// Returns how many of its samples are kept.
    pub fn samples(&self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    /// Returns how messages name the task: `nginx (PID 812)`.
    pub fn label(&self) -> String {
        task_label(&self.name, self.pid)
    }

    /// Returns the command name for a terminal.
    pub fn name_text(&self) -> String {
        printable(&as_data(&self.name))
    }
}

/// Splits `text` after its first word. A single space separates words.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b' ') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// Parses a decimal number without a sign.
fn number<N: FromStr>(digits: &[u8]) -> Option<N> {
    let digits = str::from_utf8(digits).ok()?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}

/// Writes the line as the module does, without a newline.
impl fmt::Display for TaskInfo {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "pid:{} : id {}", self.pid, self.id)?;
        if self.is_thread {
            to.write_str(" thread")?;
        }
        let mut optional = |word: &str, value: Option<u64>| match value {
            Some(value) => write!(to, " {word} {value}"),
            None => Ok(()),
        };
        optional("tgid", self.tgid.map(u64::from))?;
        optional("threads", self.threads.map(u64::from))?;
        optional("parent", self.parent.map(u64::from))?;
        optional("root", self.root.map(u64::from))?;
        optional("cgroup", self.cgroup)?;
        optional("started", Some(self.started_us))?;
        optional("ended", self.ended_us)?;
        optional(
            "status",
            self.status.and_then(|status| status.try_into().ok()),
        )?;
        optional("first", Some(self.first))?;
        optional("next", Some(self.next))?;
        optional("usr", Some(self.usr_us))?;
        optional("sys", Some(self.sys_us))?;
        optional("wait", self.wait_us)?;
        write!(to, " name {}", escaped(&self.name))
    }
}

/// Reads who all watched tasks are, in the order in which they were added.
pub fn tasks() -> Result<Vec<TaskInfo>> {
    let mut text = Vec::new();
    open(TASKS)?.read_to_end(&mut text).context(TASKS)?;
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            TaskInfo::parse(line)
                .ok_or_else(|| anyhow!("{TASKS}: unknown line: {}", printable(&as_data(line))))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_back() {
        for line in [
            "pid:267 : id 41 parent 250 root 250 cgroup 2817 started 884683400 first 0 next 213 usr 1048713 sys 390222 wait 8112 name cc1",
            "pid:268 : id 42 parent 267 root 250 cgroup 2817 started 884683911 ended 885001234 status 9 first 0 next 4 usr 9000 sys 3000 name as",
            "pid:267 : id 41 threads 7 parent 250 started 1 first 7 next 7 usr 0 sys 0 name java",
            "pid:269 : id 43 thread tgid 267 started 1 first 7 next 7 usr 0 sys 0 name worker",
            "pid:269 : id 43 thread started 1 first 7 next 7 usr 0 sys 0 name a name \\012\\134 b",
            "pid:1 : id 1 started 0 first 0 next 0 usr 0 sys 0 name ",
        ] {
            let info = TaskInfo::parse(line.as_bytes()).expect(line);
            assert_eq!(info.to_string(), line);
        }
    }

    #[test]
    fn fields() {
        let line = b"pid:9 : id 3 thread parent 7 started 4 later 5 new x ended 8 status 256 first 1 next 2 usr 5 sys 6 wait 7 name \\377\\033";
        let expected = TaskInfo {
            pid: 9,
            id: 3,
            is_thread: true,
            tgid: None,
            threads: None,
            parent: Some(7),
            root: None,
            cgroup: None,
            started_us: 4,
            ended_us: Some(8),
            status: Some(256),
            first: 1,
            next: 2,
            usr_us: 5,
            sys_us: 6,
            wait_us: Some(7),
            name: b"\xff\x1b".to_vec(),
        };
        let info = TaskInfo::parse(line).unwrap();
        assert_eq!(info, expected);
        assert_eq!(info.name_text(), "\\377\\033");
    }

    #[test]
    fn other_lines() {
        for line in [
            "",
            "pid:1",
            "pid:1 : ",
            "pid:1 : name a",
            "pid:1 : id 1 started 0 first 0 next 0 usr 0 sys 0",
            "pid:1 : id -1 started 0 first 0 next 0 usr 0 sys 0 name a",
            "pid:1 : id +1 started 0 first 0 next 0 usr 0 sys 0 name a",
            "pid:1 : id 1 status 2147483648 started 0 first 0 next 0 usr 0 sys 0 name a",
            "pid:4294967296 : id 1 started 0 first 0 next 0 usr 0 sys 0 name a",
            "pid:1 : id 1 started 0 first 0 next 0 usr 0 sys 0 wait -1 name a",
            "pid:1 : id 1 started 0 first 0 next 0 usr 0 sys 0 wait name a",
            "pid:1 : id  started 0 first 0 next 0 usr 0 sys 0 name a",
        ] {
            assert_eq!(TaskInfo::parse(line.as_bytes()), None, "{line}");
        }
    }
}
