// SPDX-License-Identifier: GPL-2.0

//! Writes a recording.

use super::{Ending, Metadata};
use crate::{history::Sample, kernel_module::TaskInfo, output::format::escaped, wall_clock::Clock};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
};

/// A recording that is being written. It is complete only after [`Writer::end`].
pub struct Writer<W: Write> {
    to: W,
    /// The id of the task whose samples are being written.
    current: Option<u64>,
    /// For each id, a hash of what was written last of who it is.
    written: HashMap<u64, u64>,
}

impl<W: Write> Writer<W> {
    /// Writes the first lines of a recording. Of the metadata, `format`, `losses` and `ending` are
    /// not written: other methods write those.
    pub fn begin(mut to: W, metadata: &Metadata) -> io::Result<Self> {
        metadata.write(&mut to)?;
        Ok(Self {
            to,
            current: None,
            written: HashMap::new(),
        })
    }

    /// Writes who a task is, unless that has not changed since it was written last. The numbers of
    /// samples and the totals do not count as a change: the samples have them.
    pub fn task(&mut self, task: &TaskInfo) -> io::Result<()> {
        let identity = identity(task);
        if self.written.insert(task.id, identity) == Some(identity) {
            return Ok(());
        }
        writeln!(self.to, "# task {task}")
    }

    /// Writes a sample of the task `id`.
    pub fn sample(&mut self, id: u64, sample: &Sample) -> io::Result<()> {
        if self.current.replace(id) != Some(id) {
            writeln!(self.to, "# samples {id}")?;
        }
        writeln!(self.to, "{sample}")
    }

    /// Writes how the wall clock is set from now on.
    pub fn clock(&mut self, clock: Clock) -> io::Result<()> {
        writeln!(self.to, "# clock {} {}", clock.boot_us, clock.unix_us)
    }

    /// Writes the path of a cgroup.
    pub fn cgroup(&mut self, id: u64, path: &[u8]) -> io::Result<()> {
        writeln!(self.to, "# cgroup {id} {}", escaped(path))
    }

    /// Writes that samples of the task `id` were evicted before they were written.
    pub fn evicted(&mut self, id: u64, samples: u64) -> io::Result<()> {
        writeln!(self.to, "# evicted {id} {samples}")
    }

    /// Writes that descendants could not be followed.
    pub fn lost(&mut self, descendants: u64) -> io::Result<()> {
        writeln!(self.to, "# lost {descendants}")
    }

    /// Writes why something else is missing.
    pub fn missing(&mut self, why: &str) -> io::Result<()> {
        writeln!(self.to, "# missing {}", escaped(why.as_bytes()))
    }

    /// Writes what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Writes the last line and what is buffered, and returns the output.
    pub fn end(mut self, is_complete: bool) -> io::Result<W> {
        let ending = if is_complete {
            Ending::Complete
        } else {
            Ending::Incomplete
        };
        writeln!(self.to, "# end {}", ending.keyword())?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Returns a hash of a task without the numbers of its samples and its totals.
fn identity(task: &TaskInfo) -> u64 {
    let mut hasher = DefaultHasher::new();
    (task.pid, task.is_thread, task.parent, task.root).hash(&mut hasher);
    (task.tgid, task.threads).hash(&mut hasher);
    (task.cgroup, task.started_us, task.ended_us, task.status).hash(&mut hasher);
    task.name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording() {
        let metadata = Metadata {
            period_ms: Some(20),
            clock: Some(Clock {
                boot_us: 1,
                unix_us: 2,
            }),
            command: Some("make -j4".into()),
            ..Metadata::default()
        };
        let mut make = TaskInfo {
            pid: 250,
            id: 41,
            started_us: 7,
            name: b"sh".to_vec(),
            ..TaskInfo::default()
        };
        let cc = TaskInfo {
            pid: 251,
            id: 42,
            parent: Some(250),
            name: b"cc".to_vec(),
            ..TaskInfo::default()
        };
        let sample = |pid, num| Sample {
            pid,
            num,
            usr_us: 5,
            sys_us: 6,
            wait_us: (num > 0).then_some(7),
            time_us: 9,
            is_exit: num == 2,
        };
        let mut writer = Writer::begin(Vec::new(), &metadata).unwrap();
        writer.task(&make).unwrap();
        writer.sample(41, &sample(250, 0)).unwrap();
        writer.sample(41, &sample(250, 1)).unwrap();
        writer.task(&cc).unwrap();
        writer.sample(42, &sample(251, 0)).unwrap();
        make.next = 2;
        make.usr_us = 5;
        writer.task(&make).unwrap();
        make.name = b"make".to_vec();
        writer.task(&make).unwrap();
        writer.sample(41, &sample(250, 2)).unwrap();
        writer.evicted(42, 7).unwrap();
        writer.lost(3).unwrap();
        writer.missing("no\nspace").unwrap();
        let text = writer.end(false).unwrap();
        let expected = "\
# taskmon 3
# period_ms 20
# clock 1 2
# command make -j4
# task pid:250 : id 41 started 7 first 0 next 0 usr 0 sys 0 name sh
# samples 41
pid:250 num:0 : usr 5 sys 6 time 9
pid:250 num:1 : usr 5 sys 6 wait 7 time 9
# task pid:251 : id 42 parent 250 started 0 first 0 next 0 usr 0 sys 0 name cc
# samples 42
pid:251 num:0 : usr 5 sys 6 time 9
# task pid:250 : id 41 started 7 first 0 next 2 usr 5 sys 0 name make
# samples 41
pid:250 num:2 : usr 5 sys 6 wait 7 time 9 exit
# evicted 42 7
# lost 3
# missing no\\012space
# end incomplete
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
