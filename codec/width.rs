// SPDX-License-Identifier: GPL-2.0

//! Choice of the number of bits that a number is written in: as many as the widest of the last few
//! numbers needed.
//!
//! For numbers that are about as large as those before them, this takes as few bits as a
//! Golomb-Rice code. Decoding applies a mask, and need not search for the end of a unary part.
//!
//! [`Widths`] are the widths of the `N` numbers of one item, which are written one after the other.

/// The length of a window in bits: widths are adapted when the coded length crosses a multiple of
/// this.
const WINDOW: u32 = 256;
/// The largest width that is not wide.
const NARROW: u8 = 31;

/// The widths in which the `N` numbers of an item are written, in bits.
///
/// Encoder and decoder record the same numbers, so they adapt to the same widths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Widths<const N: usize> {
    /// Masks of the bits that do not fit, sign-extended to 64 bits. Not used if `wide` is not 0.
    beyond: [i32; N],
    /// The bitwise OR of the numbers recorded in this window, for each of the `N` places. Only
    /// their lowest 32 bits: after a larger number the width may become too small for the next one,
    /// which is then written with a new width.
    seen: [u32; N],
    bits: [u8; N],
    /// How many bits an item takes, with a prefix of one bit. 193 at most.
    len: u8,
    /// Not 0 if the widths are wide: a number takes more than [`NARROW`] bits, or an item does not
    /// fit a 64-bit word. Then an item cannot be written and read in one step.
    wide: u8,
}

impl<const N: usize> Widths<N> {
    /// Widths of 0 bits, which fit the number 0 only.
    pub(super) const fn zero() -> Self {
        Self {
            beyond: [-1; N],
            seen: [0; N],
            bits: [0; N],
            len: 1,
            wide: 0,
        }
    }

    /// Widths of `bits` bits, 64 at most, with no numbers recorded.
    pub(super) fn of(bits: [u8; N]) -> Self {
        Self::zero().with_bits(bits)
    }

    /// Returns the widths in bits.
    #[inline(always)]
    pub(super) fn bits(&self) -> [u8; N] {
        self.bits
    }

    /// Returns how many bits an item takes, with a prefix of one bit.
    #[inline(always)]
    pub(super) fn len(&self) -> u32 {
        self.len.into()
    }

    /// Returns 0 if an item can be written and read in one step.
    #[inline(always)]
    pub(super) fn wide(&self) -> u64 {
        self.wide.into()
    }

    /// Returns widths in which `numbers` fit, none of them smaller than now.
    pub(super) fn widened(self, numbers: [u64; N]) -> Self {
        let mut bits = self.bits;
        for (bits, number) in bits.iter_mut().zip(numbers) {
            // 64 at most.
            *bits = (*bits).max((u64::BITS - number.leading_zeros()) as u8);
        }
        self.with_bits(bits)
    }

    /// Returns widths of `bits` bits, 64 at most, with the same numbers recorded.
    pub(super) fn with_bits(self, bits: [u8; N]) -> Self {
        let bits = bits.map(|bits| bits.min(64));
        let len = bits.iter().fold(1, |len, bits| len + bits);
        let is_wide = len > 64 || bits.iter().any(|bits| *bits > NARROW);
        Self {
            beyond: bits.map(|bits| -1_i32 << bits.min(NARROW)),
            seen: self.seen,
            bits,
            len,
            wide: is_wide.into(),
        }
    }

    /// Returns 0 if all `numbers` fit. The widths are not wide.
    #[inline(always)]
    pub(super) fn excess(&self, numbers: [u64; N]) -> u64 {
        let beyond = numbers.iter().zip(&self.beyond);
        beyond.fold(0, |excess, (number, beyond)| {
            excess | number & i64::from(*beyond) as u64
        })
    }

    /// Returns the numbers in their widths one after the other, the first one in the lowest bits.
    /// All of them fit, and the widths are not wide.
    #[inline(always)]
    pub(super) fn join(&self, numbers: [u64; N]) -> u64 {
        let from_last = numbers.iter().zip(&self.bits).rev();
        from_last.fold(0, |joined, (number, bits)| {
            joined.wrapping_shl((*bits).into()) | number
        })
    }

    /// Returns the numbers that [`join`](Self::join) has put together. The widths are not wide.
    #[inline(always)]
    pub(super) fn split(&self, mut joined: u64) -> [u64; N] {
        let mut numbers = [0; N];
        let widths = self.beyond.iter().zip(&self.bits);
        for (number, (beyond, bits)) in numbers.iter_mut().zip(widths) {
            *number = joined & !i64::from(*beyond) as u64;
            joined = joined.wrapping_shr((*bits).into());
        }
        numbers
    }

    /// Records that `numbers` have been coded.
    #[inline(always)]
    pub(super) fn record(&mut self, numbers: [u64; N]) {
        for (seen, number) in self.seen.iter_mut().zip(numbers) {
            *seen |= number as u32;
        }
    }

    /// Adapts to the recorded numbers, if a window ended while the coded length grew from `before`
    /// to `after` bits.
    #[inline(always)]
    pub(super) fn adapt(&mut self, before: u32, after: u32) {
        if before ^ after >= WINDOW {
            self.adapt_now();
        }
    }

    /// Changes each width to that of the widest number recorded. No numbers are recorded then.
    #[inline(never)]
    fn adapt_now(&mut self) {
        *self = Self::zero().widened(self.seen.map(u64::from));
    }
}
