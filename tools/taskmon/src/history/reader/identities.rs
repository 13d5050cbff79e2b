// SPDX-License-Identifier: GPL-2.0

//! The identities of the tasks in the module's samples file.

use crate::{
    history::Sample,
    kernel_module::{self, TaskInfo},
    output::error_text,
    procfs,
};
use anyhow::Result;
use std::collections::{BTreeMap, HashMap};

/// The lines of the module's tasks file.
pub struct Identities {
    /// For each PID, the tasks that had it, by the time at which they began.
    of_pid: HashMap<u32, BTreeMap<u64, TaskInfo>>,
    /// A time before the file was read last. All tasks that were sampled until then are known, but
    /// for those that have been removed.
    read_at_us: u64,
    read: fn() -> Result<Vec<TaskInfo>>,
}

impl Identities {
    /// Reads the module's tasks file.
    pub fn of_module() -> Result<Self> {
        Self::from(kernel_module::tasks)
    }

    fn from(read: fn() -> Result<Vec<TaskInfo>>) -> Result<Self> {
        let mut identities = Self {
            of_pid: HashMap::new(),
            read_at_us: 0,
            read,
        };
        identities.update()?;
        Ok(identities)
    }

    fn update(&mut self) -> Result<()> {
        self.read_at_us = procfs::now_us();
        for info in (self.read)()? {
            let of_pid = self.of_pid.entry(info.pid).or_default();
            of_pid.insert(info.started_us, info);
        }
        Ok(())
    }

    /// Returns the task that `sample`, the oldest of its samples, belongs to: of those with its PID
    /// the last one that had begun.
    pub fn of(&mut self, sample: &Sample) -> Result<Option<TaskInfo>, String> {
        // Tasks that were added since the file was read come last in the samples file.
        if sample.time_us > self.read_at_us {
            self.update().map_err(|error| error_text(&error))?;
        }
        let of_pid = self.of_pid.get(&sample.pid);
        let mut begun = of_pid
            .into_iter()
            .flat_map(|of| of.range(..=sample.time_us));
        Ok(begun.next_back().map(|(_, info)| info.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives() -> Result<Vec<TaskInfo>> {
        let life = |id, started_us| TaskInfo {
            pid: 7,
            id,
            started_us,
            ..TaskInfo::default()
        };
        Ok(vec![life(1, 100), life(2, 200)])
    }

    #[test]
    fn lives_of_one_pid() {
        let mut identities = Identities::from(lives).unwrap();
        let mut id = |pid, time_us| {
            let sample = Sample {
                pid,
                time_us,
                ..Sample::default()
            };
            identities.of(&sample).unwrap().map(|info| info.id)
        };
        assert_eq!(id(7, 99), None);
        assert_eq!(id(7, 100), Some(1));
        assert_eq!(id(7, 199), Some(1));
        assert_eq!(id(7, 200), Some(2));
        assert_eq!(id(7, u64::MAX), Some(2));
        assert_eq!(id(8, 300), None);
    }
}
