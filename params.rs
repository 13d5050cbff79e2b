// SPDX-License-Identifier: GPL-2.0

//! The module's parameters.

use crate::module_number;

/// Number of tasks that `pid` can name.
const PID_MAX: u64 = i32::MAX as u64;
/// The largest limit to the samples of a task: 4,294,967,295, which is 49 days of them, 1 ms apart.
const SAMPLES_MAX: u64 = u32::MAX as u64;
/// As many processes and threads as a 64-bit kernel can have at once (`PID_MAX_LIMIT`).
const TARGETS_MAX: u64 = 4_194_304;

module_number! {
    /// The first task to watch; 0: none. A number in the loader's pid namespace.
    pub(crate) static PID: "pid" = 0 in 0..=PID_MAX, 0o400,
        "first task to watch, a process or a thread (0: none)";
}
module_number! {
    /// 1: follow the descendants of that task too.
    pub(crate) static TREE: "tree" = 0 in 0..=1, 0o400,
        "1: watch that task's descendants too; takes pid";
}
module_number! {
    /// The time between two samples of a task, in milliseconds.
    pub(crate) static PERIOD_MS: "period_ms" = 100 in 1..=3_600_000, 0o600,
        "time between two samples of a task, in milliseconds, 1 to 3600000";
}
module_number! {
    /// The real-time priority of the sampler; 0: none.
    pub(crate) static RT_PRIORITY: "rt_priority" = 0 in 0..=99, 0o600,
        "0: the sampler is an ordinary thread; 1 to 99: SCHED_FIFO of that priority";
}
module_number! {
    /// Samples kept for each task; 0: as many as memory holds.
    pub(crate) static MAX_SAMPLES: "max_samples" = 100_000 in 0..=SAMPLES_MAX, 0o600,
        "samples kept for each task, 1 to 4294967295 (0: as many as memory holds)";
}
module_number! {
    /// Tasks watched at once, ended ones included.
    pub(crate) static MAX_TARGETS: "max_targets" = 16_384 in 1..=TARGETS_MAX, 0o600,
        "tasks watched at once, ended ones included, 1 to 4194304";
}
