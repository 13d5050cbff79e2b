// SPDX-License-Identifier: GPL-2.0

//! In how many bits numbers are written: as many as the widest of the last few took. Pure functions.
//!
//! For numbers that are about as large as those before them this takes as little as a Golomb-Rice
//! code, and a mask instead of a search for the end of a unary part.

/// How many bits are written between two looks at how wide the numbers in them are.
const WINDOW: u32 = 256;

/// In how many bits numbers of a kind are written: as many as the widest of the last few took.
///
/// Writer and reader see the same numbers, hence the same widths.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Width {
    bits: u8,
    /// The bits that numbers of this width do not have, where it is narrow.
    beyond: u64,
    /// The numbers since the last look, one over the other.
    seen: u64,
}

impl Width {
    /// The bits that a [`Width`] takes itself.
    pub(crate) const FIELD: u32 = 7;
    /// Two numbers of no more bits, and a bit before them, fit a word, and are handled at once.
    const NARROW: u32 = 31;

    /// No bits: all numbers are 0.
    pub(crate) const fn zero() -> Self {
        Self {
            bits: 0,
            beyond: u64::MAX,
            seen: 0,
        }
    }

    /// That many bits, at most 64, whatever the numbers before.
    pub(crate) fn of(bits: u32) -> Self {
        Self::zero().with_bits(bits)
    }

    /// The bits.
    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        self.bits.into()
    }

    /// The width that `number` takes, if it is more than this one.
    pub(crate) fn widened(self, number: u64) -> Self {
        self.with_bits(self.bits().max(u64::BITS - number.leading_zeros()))
    }

    /// That many bits, at most 64.
    pub(crate) fn with_bits(self, bits: u32) -> Self {
        let beyond = match bits {
            0..=Self::NARROW => u64::MAX << bits,
            _ => u64::MAX,
        };
        Self {
            bits: bits.min(u64::BITS) as u8,
            beyond,
            seen: self.seen,
        }
    }

    /// Of `number`, what a narrow width has no bits for.
    #[inline(always)]
    pub(crate) fn excess(&self, number: u64) -> u64 {
        number & self.beyond
    }

    /// The bits of this width among `bits`, where it is narrow.
    #[inline(always)]
    pub(crate) fn cut(&self, bits: u64) -> u64 {
        bits & !self.beyond
    }

    /// Whether it is narrow.
    #[inline(always)]
    pub(crate) fn is_narrow(&self) -> bool {
        self.bits() <= Self::NARROW
    }

    /// Takes note of `number`, which has been written.
    #[inline(always)]
    pub(crate) fn note(&mut self, number: u64) {
        self.seen |= number;
    }

    /// The width of the numbers noted since this was last asked for.
    #[inline(never)]
    pub(crate) fn renewed(self) -> Self {
        Self::zero().widened(self.seen)
    }

    /// Whether this is to be done, as what is written has just grown from `before` bits to `after`.
    #[inline(always)]
    pub(crate) fn is_due(before: u32, after: u32) -> bool {
        before ^ after >= WINDOW
    }
}
