// SPDX-License-Identifier: GPL-2.0

//! The format in which the samples of one task are coded, and the types that describe it.
//!
//! A coded sequence begins with one complete sample, the [`SampleBase`]. Each further sample is
//! coded as the CPU time consumed since the sample before it: two numbers, microseconds in user
//! mode and in the kernel. Each number takes as many bits as the widest of the last few numbers of
//! its kind (see width.rs). Three prefixes tell what follows:
//!
//! | bits | meaning |
//! | --- | --- |
//! | `0` user, system | a sample in the current widths |
//! | `11` width, width, user, system | a sample that needs more bits; each width takes 7 bits |
//! | `10` length | the sample before is repeated that often (see run_length.rs) |
//!
//! Repetitions of the last sample take no bits at first, only a counter: [`Extent::run`]. The
//! counter is written when a different sample follows. The time of a sample is not part of the
//! format, because all tasks are sampled in the same pass; see timestamp.rs.

use super::width::Width;

/// CPU time consumed since a task began, in microseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    /// In user mode.
    pub(crate) usr: u64,
    /// In the kernel.
    pub(crate) sys: u64,
}

impl Sample {
    /// Returns `self - before`.
    #[inline(always)]
    pub(crate) fn since(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_sub(before.usr),
            sys: self.sys.wrapping_sub(before.sys),
        }
    }

    /// Returns `before + self`, where `self` is a difference that [`since`](Self::since) returned.
    #[inline(always)]
    pub(crate) fn after(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_add(before.usr),
            sys: self.sys.wrapping_add(before.sys),
        }
    }
}

/// A sample with its number and its time, which is what one line shows.
#[derive(Clone, Copy)]
pub(crate) struct TimedSample {
    /// The number among the samples of its task, from 0.
    pub(crate) number: u64,
    /// CPU time consumed.
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

/// The widths in which the two numbers of a sample are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SampleWidths {
    pub(super) usr: Width,
    pub(super) sys: Width,
    /// How many bits a sample takes in these widths, prefix included.
    pub(super) len: u32,
    /// Not 0 if one of the widths is not narrow.
    pub(super) wide: u32,
}

impl SampleWidths {
    /// Two widths of 0 bits.
    pub(super) const fn zero() -> Self {
        Self {
            usr: Width::zero(),
            sys: Width::zero(),
            len: 1,
            wide: 0,
        }
    }

    /// Combines two widths.
    pub(super) fn new(usr: Width, sys: Width) -> Self {
        let wide = !(usr.is_narrow() && sys.is_narrow());
        Self {
            usr,
            sys,
            len: 1 + usr.bits() + sys.bits(),
            wide: wide.into(),
        }
    }

    /// Returns 0 if both widths are narrow and both numbers of `delta` fit.
    #[inline(always)]
    pub(super) fn excess(&self, delta: Sample) -> u64 {
        u64::from(self.wide) | self.usr.excess(delta.usr) | self.sys.excess(delta.sys)
    }

    /// Returns widths in which `delta` fits, none of them smaller than now.
    pub(super) fn widened(&self, delta: Sample) -> Self {
        Self::new(self.usr.widened(delta.usr), self.sys.widened(delta.sys))
    }

    /// Records that `delta` has been coded, for the next [`adapt`](Self::adapt).
    #[inline(always)]
    pub(super) fn record(&mut self, delta: Sample) {
        self.usr.record(delta.usr);
        self.sys.record(delta.sys);
    }

    /// Adapts both widths to the recorded numbers, if the coded length has just crossed the end of
    /// a window by growing from `before` to `after` bits.
    #[inline(always)]
    pub(super) fn adapt(&mut self, before: u32, after: u32) {
        if Width::is_window_over(before, after) {
            *self = Self::new(self.usr.adapted(), self.sys.adapted());
        }
    }
}

/// The beginning of a coded sequence: what a decoder needs besides the bits.
#[derive(Clone, Copy, Default)]
pub(crate) struct SampleBase {
    /// The first sample.
    pub(crate) sample: Sample,
    usr_bits: u8,
    sys_bits: u8,
}

impl SampleBase {
    /// A sequence that begins with `sample` and continues in `widths`.
    pub(super) fn new(sample: Sample, widths: &SampleWidths) -> Self {
        Self {
            sample,
            // A width is 64 at most.
            usr_bits: widths.usr.bits() as u8,
            sys_bits: widths.sys.bits() as u8,
        }
    }

    /// Returns the widths of the sample that follows the first one.
    pub(super) fn widths(&self) -> SampleWidths {
        SampleWidths::new(
            Width::of(self.usr_bits.into()),
            Width::of(self.sys_bits.into()),
        )
    }
}

/// The length of a coded sequence after its base.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// How many bits were written.
    pub(crate) bits: u32,
    /// How often the last sample is repeated after them.
    pub(crate) run: u64,
}
