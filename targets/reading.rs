// SPDX-License-Identifier: GPL-2.0

//! The results of reading a task.

use crate::{abstractions::cputime::CpuTime, codec::Sample};

/// How a task ended.
#[derive(Clone, Copy)]
pub(crate) struct TaskEnd {
    /// When it became a zombie, microseconds since boot. Only its last instructions run later.
    /// `None` if no notice was received.
    pub(super) at_us: Option<u64>,
    /// Whether one thread consumed all of the CPU time; false if that is not known.
    pub(super) is_single: bool,
}

/// The result of a [`quick_check`](super::TaskReader::quick_check).
pub(super) enum QuickCheck {
    /// The task has neither run nor waited for a CPU since the last reading.
    Idle,
    /// The task is a thread, and has run or waited since the last reading.
    ThreadRan,
    /// The task is a process of one thread, and has run or waited since the last reading.
    ProcessRan,
    /// None of these, or not known. The task must be [read](super::TaskReader::read).
    Unknown,
}

/// The result of reading a task.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// All is the same as at the last reading.
    Same,
    /// What the task has consumed and waited so far.
    Changed(Sample),
    /// The task has ended; its totals.
    Ended(Sample, TaskEnd),
}

impl Reading {
    /// Returns the sample; `None` if it is the same as the one before.
    pub(crate) fn sample(self) -> Option<Sample> {
        match self {
            Reading::Same => None,
            Reading::Changed(sample) | Reading::Ended(sample, _) => Some(sample),
        }
    }

    /// Returns whether the task has ended.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Reading::Ended(..))
    }
}

/// Converts nanoseconds to microseconds, rounding down. Exact up to 492 years.
///
/// The compiler's division by a constant, which is exact for all 64-bit numbers, takes one or two
/// instructions more.
#[inline(always)]
fn microseconds(nanoseconds: u64) -> u64 {
    /// 2^73 / 1000, rounded up.
    const INVERSE: u128 = (1_u128 << 73).div_ceil(1000);
    ((u128::from(nanoseconds) * INVERSE) >> 73) as u64
}

/// Returns the sample of a task that has consumed `times`, and has waited for a CPU for
/// `run_delay_ns`.
#[inline(always)]
pub(super) fn sample(times: CpuTime, run_delay_ns: u64) -> Sample {
    Sample {
        usr: microseconds(times.user_ns),
        sys: microseconds(times.system_ns),
        wait: microseconds(run_delay_ns),
    }
}
