// SPDX-License-Identifier: GPL-2.0

//! How the samples of a task are coded in a segment: pure functions, no kernel in them.
//!
//! A segment begins with a sample in full, its base. Each further sample is what was consumed since
//! the one before, two numbers, microseconds in user mode and in the kernel, each in as many bits as
//! the widest of the last few of its kind took:
//!
//! | bits | |
//! | --- | --- |
//! | `0` user, system | a sample |
//! | `11` width, width, user, system | a sample that takes more; two widths of 7 bits each |
//! | `10` length | the sample before is repeated so often; groups of 3 bits, a 1 before each but the last |
//!
//! A repeated sample takes no room, only a count, the run, which is written down when a different
//! sample ends it. When samples were taken is not told here: it is the same for all tasks, see
//! timeline.rs. encoder.rs writes this, decoder.rs reads it.

use crate::width::Width;

/// CPU time consumed since a task began, in microseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    /// In user mode.
    pub(crate) usr: u64,
    /// In the kernel.
    pub(crate) sys: u64,
}

impl Sample {
    /// How much more it is than `before`.
    #[inline(always)]
    pub(crate) fn since(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_sub(before.usr),
            sys: self.sys.wrapping_sub(before.sys),
        }
    }

    /// The sample that comes after `before` by this much.
    #[inline(always)]
    pub(crate) fn after(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_add(before.usr),
            sys: self.sys.wrapping_add(before.sys),
        }
    }
}

/// What begins a sample.
pub(crate) const SAMPLE: u64 = 0b0;
/// What begins a sample in other widths.
pub(crate) const WIDER: u64 = 0b11;

/// The widths in which the two numbers are written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Widths {
    pub(crate) usr: Width,
    pub(crate) sys: Width,
    /// The bits of a sample: one, and its two numbers.
    pub(crate) len: u32,
    /// Not 0 where one of them is not narrow.
    pub(crate) wide: u32,
}

impl Widths {
    /// No bits at all.
    pub(crate) const fn zero() -> Self {
        Self {
            usr: Width::zero(),
            sys: Width::zero(),
            len: 1,
            wide: 0,
        }
    }

    /// These widths.
    pub(crate) fn new(usr: Width, sys: Width) -> Self {
        let wide = !(usr.is_narrow() && sys.is_narrow());
        Self {
            usr,
            sys,
            len: 1 + usr.bits() + sys.bits(),
            wide: wide.into(),
        }
    }

    /// 0 where both widths are narrow and hold the numbers.
    #[inline(always)]
    pub(crate) fn excess(&self, delta: Sample) -> u64 {
        u64::from(self.wide) | self.usr.excess(delta.usr) | self.sys.excess(delta.sys)
    }

    /// Those that `delta` takes, if that is more than these.
    pub(crate) fn widened(&self, delta: Sample) -> Self {
        Self::new(self.usr.widened(delta.usr), self.sys.widened(delta.sys))
    }

    /// Takes note of a sample.
    #[inline(always)]
    pub(crate) fn note(&mut self, delta: Sample) {
        self.usr.note(delta.usr);
        self.sys.note(delta.sys);
    }

    /// Renews both, where that is due after a sample from `before` to `after`.
    #[inline(always)]
    pub(crate) fn renew(&mut self, before: u32, after: u32) {
        if Width::is_due(before, after) {
            *self = Self::new(self.usr.renewed(), self.sys.renewed());
        }
    }
}

/// What a decoder starts from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Base {
    /// The first sample.
    pub(crate) sample: Sample,
    usr_bits: u8,
    sys_bits: u8,
}

impl Base {
    /// To go on from `sample` in those widths.
    pub(crate) fn new(sample: Sample, widths: &Widths) -> Self {
        Self {
            sample,
            // A width is 64 at most.
            usr_bits: widths.usr.bits() as u8,
            sys_bits: widths.sys.bits() as u8,
        }
    }

    /// The widths of the first sample behind it.
    pub(crate) fn widths(&self) -> Widths {
        Widths::new(
            Width::of(self.usr_bits.into()),
            Width::of(self.sys_bits.into()),
        )
    }
}

/// How much has been coded behind a [`Base`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Bits written.
    pub(crate) bits: u32,
    /// How often the last sample is repeated behind them.
    pub(crate) run: u64,
}
