// SPDX-License-Identifier: GPL-2.0

//! The format in which the samples of one task are coded, and the types that describe it.
//!
//! A coded sequence begins with one complete sample, the [`SampleBase`]. Each further sample is
//! coded as the difference from the sample before it: three numbers, microseconds in user mode, in
//! the kernel, and waiting. Each number takes as many bits as the widest of the last few numbers of
//! its kind (see width.rs). Three prefixes tell what follows:
//!
//! | bits | meaning |
//! | --- | --- |
//! | `0` user, system, wait | a sample in the current widths |
//! | `11` mask, widths, user, system, wait | a sample that needs more bits |
//! | `10` length | the sample before is repeated that often (see run_length.rs) |
//!
//! The mask has a bit for each number whose width changes. A changed width is not 0; one less than
//! the width is written, in 6 bits.
//!
//! Many tasks mostly wait for a few microseconds or not at all, and now and then for milliseconds.
//! With the mask only the width of the time waited is written then, which saves 3 to 6 % of all
//! bits of a build, a web server and an oversubscribed machine. A form for samples without waiting
//! would save another 4 to 9 % of the bits of the web server and of lightly loaded tasks, but costs
//! 7 instructions for each sample and 22 for each line that is read.
//!
//! Repetitions of the last sample take no bits at first, only a counter: [`Extent::run`]. The
//! counter is written when a different sample follows. The time of a sample is not part of the
//! format, because all tasks are sampled in the same pass; see timestamp.rs.

use super::width::Widths;

/// How many numbers a sample consists of.
pub(super) const NUMBERS: usize = 3;

/// The widths in which the numbers of a sample are written.
pub(super) type SampleWidths = Widths<NUMBERS>;

/// What a task has done since it began, in microseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    /// CPU time consumed in user mode.
    pub(crate) usr: u64,
    /// CPU time consumed in the kernel.
    pub(crate) sys: u64,
    /// Time spent runnable, but without a CPU.
    pub(crate) wait: u64,
}

impl Sample {
    /// Returns `self - before`.
    #[inline(always)]
    pub(crate) fn since(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_sub(before.usr),
            sys: self.sys.wrapping_sub(before.sys),
            wait: self.wait.wrapping_sub(before.wait),
        }
    }

    /// Returns `before + self`, where `self` is a difference that [`since`](Self::since) returned.
    #[inline(always)]
    pub(crate) fn after(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_add(before.usr),
            sys: self.sys.wrapping_add(before.sys),
            wait: self.wait.wrapping_add(before.wait),
        }
    }

    /// Returns the numbers in the order in which they are coded.
    #[inline(always)]
    pub(super) fn numbers(self) -> [u64; NUMBERS] {
        [self.usr, self.sys, self.wait]
    }

    /// Returns the sample that consists of `numbers`.
    #[inline(always)]
    pub(super) fn from_numbers([usr, sys, wait]: [u64; NUMBERS]) -> Self {
        Self { usr, sys, wait }
    }
}

/// A sample with its number and its time, which is what one line shows.
#[derive(Clone, Copy)]
pub(crate) struct TimedSample {
    /// The number among the samples of its task, from 0.
    pub(crate) number: u64,
    /// What the task had done until then.
    pub(crate) sample: Sample,
    /// When it was taken, microseconds since boot.
    pub(crate) time_us: u64,
    /// Whether it is the last sample of a task that has ended.
    pub(crate) is_exit: bool,
}

/// The prefix of a sample in the current widths.
pub(super) const SAMPLE: u64 = 0b0;
/// The prefix of a sample that changes the widths.
pub(super) const WIDER: u64 = 0b11;
/// The length of that prefix in bits.
pub(super) const WIDER_LEN: u32 = 2;
/// How many bits a changed width takes.
pub(super) const WIDTH_BITS: u32 = 6;

/// The beginning of a coded sequence: what a decoder needs besides the bits.
#[derive(Clone, Copy, Default)]
pub(crate) struct SampleBase {
    /// The first sample.
    pub(crate) sample: Sample,
    /// The widths of the sample that follows.
    pub(super) bits: [u8; NUMBERS],
}

/// The length of a coded sequence after its base.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// How many bits were written.
    pub(crate) bits: u32,
    /// How often the last sample is repeated after them.
    pub(crate) run: u64,
}
