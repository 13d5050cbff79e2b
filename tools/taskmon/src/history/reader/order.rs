// SPDX-License-Identifier: GPL-2.0

//! The order of a task's samples.

use crate::history::Sample;

/// The most tasks of a history: as many as the module watches at most. Fewer in tests.
pub const MAX_TASKS: usize = if cfg!(test) { 1000 } else { 4_194_304 };

/// Checks that `sample` comes after `last`, which is of the same task. The error says why it does
/// not.
pub fn check(last: &Sample, sample: &Sample) -> Result<(), String> {
    if last.is_exit {
        return Err(format!("a sample of PID {} after its exit", sample.pid));
    }
    if sample.num <= last.num {
        return Err(format!("sample {} after sample {}", sample.num, last.num));
    }
    if sample.time_us < last.time_us {
        return Err(format!(
            "time {} after time {}",
            sample.time_us, last.time_us
        ));
    }
    Ok(())
}

/// Checks that there may be one more task than `tasks`.
pub fn check_count(tasks: usize) -> Result<(), String> {
    if tasks < MAX_TASKS {
        Ok(())
    } else {
        Err(format!("more than {MAX_TASKS} tasks"))
    }
}
