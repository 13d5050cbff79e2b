// SPDX-License-Identifier: GPL-2.0

//! The module's parameters.

use crate::module_numbers;

/// The largest number that is accepted as a PID, here and in commands.
const PID_MAX: u64 = i32::MAX as u64;
/// The largest `max_samples`: 4,294,967,295 samples 1 ms apart are 49 days.
const SAMPLES_MAX: u64 = u32::MAX as u64;
/// The largest `max_kib`: 4 TiB less 1 KiB.
const KIB_MAX: u64 = u32::MAX as u64;
/// The largest `max_targets`: more tasks than a 64-bit kernel can have at once (`PID_MAX_LIMIT`).
const TARGETS_MAX: u64 = 4_194_304;

module_numbers! {
    module: "taskmonitor",

    /// The PID of the first task to watch, in the PID namespace of the process that loads the
    /// module; 0: none.
    pub(crate) static PID: "pid" = 0 in 0..=PID_MAX, 0o400,
        "first task to watch, a process or a thread (0: none)";

    /// 1: follow the forks of that task too.
    pub(crate) static TREE: "tree" = 0 in 0..=1, 0o400,
        "1: watch also its descendants, living and future ones (requires pid)";

    /// The time between two passes, in milliseconds.
    pub(crate) static PERIOD_MS: "period_ms" = 100 in 1..=3_600_000, 0o600,
        "time between two samples of a task, in milliseconds, 1 to 3600000";

    /// The real-time priority of the sampler; 0: none.
    pub(crate) static RT_PRIORITY: "rt_priority" = 0 in 0..=99, 0o600,
        "0: the sampler is an ordinary thread; 1 to 99: SCHED_FIFO of that priority";

    /// How many samples of each target are kept; 0: no limit.
    pub(crate) static MAX_SAMPLES: "max_samples" = 100_000 in 0..=SAMPLES_MAX, 0o600,
        "samples kept for each task, 1 to 4294967295 (0: as many as memory holds)";

    /// How many KiB all samples and timestamps take; 0: no limit.
    pub(crate) static MAX_KIB: "max_kib" = 65_536 in 0..=KIB_MAX, 0o600,
        "slab memory for all samples, in KiB, 1 to 4294967295 (0: as much as there is)";

    /// How many targets there may be, ended ones included.
    pub(crate) static MAX_TARGETS: "max_targets" = 16_384 in 1..=TARGETS_MAX, 0o600,
        "tasks watched at once, ended ones included, 1 to 4194304";
}
