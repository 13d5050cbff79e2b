// SPDX-License-Identifier: GPL-2.0

//! Which process had a PID at a time.

use super::TaskOverview;
use std::collections::HashMap;

/// The processes of a history by their PIDs. A PID can have been used again.
///
/// Each answer takes logarithmic time, also if a recording says that all processes had the same PID.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    /// The processes that had each PID, in the order in which they began.
    of_pid: HashMap<u32, Vec<Life>>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    began_us: u64,
    index: usize,
    ended_us: u64,
}

impl Lives {
    /// Finds the processes among the tasks of a history. Threads are none, nor are tasks of which
    /// only the name is known.
    pub fn of(tasks: &[TaskOverview]) -> Self {
        let mut of_pid: HashMap<u32, Vec<Life>> = HashMap::new();
        for (index, task) in tasks.iter().enumerate() {
            let info = task.task.info.as_ref();
            if let Some(info) = info.filter(|info| !info.is_thread) {
                of_pid.entry(task.task.pid).or_default().push(Life {
                    began_us: info.started_us,
                    index,
                    ended_us: info.ended_us.unwrap_or(u64::MAX),
                });
            }
        }
        for lives in of_pid.values_mut() {
            lives.sort_unstable_by_key(|life| (life.began_us, life.index));
        }
        Self { of_pid }
    }

    /// Returns the index of the process that had a PID at a time, `None` if there was none. Of
    /// those that began at that very time, only the ones before the index `limit` count.
    pub fn at(&self, pid: u32, time_us: u64, limit: usize) -> Option<usize> {
        let lives = self.of_pid.get(&pid)?;
        let after = lives.partition_point(|life| (life.began_us, life.index) < (time_us, limit));
        let last = lives.get(after.checked_sub(1)?)?;
        (last.ended_us >= time_us).then_some(last.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{history_of, Overview};

    #[test]
    fn pids_that_were_used_again() {
        let text = "\
# taskmon 3
# task pid:10 : id 1 started 5 ended 50 status 0 first 0 next 2 usr 0 sys 0 name make
# task pid:10 : id 2 started 60 first 0 next 2 usr 0 sys 0 name sh
# task pid:10 : id 3 thread started 55 first 0 next 2 usr 0 sys 0 name sh
# samples 1
pid:10 num:0 : usr 0 sys 0 time 6
# samples 2
pid:10 num:0 : usr 0 sys 0 time 61
# samples 3
pid:10 num:0 : usr 0 sys 0 time 61
";
        let lives = Lives::of(&Overview::read_from(&mut history_of(text)).unwrap().tasks);
        for (time_us, limit, expected) in [
            (4, 9, None),
            (5, 0, None),
            (5, 1, Some(0)),
            (50, 0, Some(0)),
            (51, 9, None),
            (58, 9, None),
            (60, 1, None),
            (60, 2, Some(1)),
            (u64::MAX, 0, Some(1)),
        ] {
            assert_eq!(lives.at(10, time_us, limit), expected, "{time_us} {limit}");
        }
        assert_eq!(lives.at(11, 7, 9), None);
    }
}
