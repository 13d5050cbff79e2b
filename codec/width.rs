// SPDX-License-Identifier: GPL-2.0

//! Choice of the number of bits that a number is written in: as many as the widest of the last few
//! numbers needed.
//!
//! For numbers that are about as large as those before them, this takes as few bits as a
//! Golomb-Rice code. Decoding applies a mask, and need not search for the end of a unary part.

/// The length of a window in bits: widths are adapted when the coded length crosses a multiple of
/// this.
const WINDOW: u32 = 256;

/// The number of bits in which numbers of one kind are written.
///
/// Encoder and decoder record the same numbers, so they adapt to the same widths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    bits: u8,
    /// A mask of the bits that do not fit, if the width is narrow; else all ones.
    beyond: u64,
    /// The bitwise OR of all numbers recorded in this window.
    seen: u64,
}

impl Width {
    /// How many bits a width itself takes when it is written.
    pub(super) const FIELD: u32 = 7;
    /// The largest narrow width. Two numbers of this width and a prefix of one bit fit a 64-bit
    /// word, so they are written and read in one step.
    const NARROW: u32 = 31;

    /// A width of 0 bits, which fits the number 0 only.
    pub(super) const fn zero() -> Self {
        Self {
            bits: 0,
            beyond: u64::MAX,
            seen: 0,
        }
    }

    /// A width of `bits` bits, 64 at most, with no numbers recorded.
    pub(super) fn of(bits: u32) -> Self {
        Self::zero().with_bits(bits)
    }

    /// Returns the number of bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.bits.into()
    }

    /// Returns a width in which `number` fits, and which is not smaller than this one.
    pub(super) fn widened(self, number: u64) -> Self {
        self.with_bits(self.bits().max(u64::BITS - number.leading_zeros()))
    }

    /// Returns a width of `bits` bits, 64 at most, with the same numbers recorded.
    pub(super) fn with_bits(self, bits: u32) -> Self {
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

    /// Returns the bits of `number` that do not fit; 0 if it fits. For narrow widths.
    #[inline(always)]
    pub(super) fn excess(&self, number: u64) -> u64 {
        number & self.beyond
    }

    /// Returns the lowest bits of `bits`, as many as this width has. For narrow widths.
    #[inline(always)]
    pub(super) fn cut(&self, bits: u64) -> u64 {
        bits & !self.beyond
    }

    /// Returns whether the width is narrow.
    #[inline(always)]
    pub(super) fn is_narrow(&self) -> bool {
        self.bits() <= Self::NARROW
    }

    /// Records that `number` has been coded.
    #[inline(always)]
    pub(super) fn record(&mut self, number: u64) {
        self.seen |= number;
    }

    /// Returns the width of the widest number recorded, with no numbers recorded.
    #[inline(never)]
    pub(super) fn adapted(self) -> Self {
        Self::zero().widened(self.seen)
    }

    /// Returns whether a window ended while the coded length grew from `before` to `after` bits.
    #[inline(always)]
    pub(super) fn is_window_over(before: u32, after: u32) -> bool {
        before ^ after >= WINDOW
    }
}
