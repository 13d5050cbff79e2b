// SPDX-License-Identifier: GPL-2.0

//! The decimal digits of numbers, eight at once.

/// Numbers less than this one have up to eight digits.
pub(super) const HUNDRED_MILLION: u64 = 100_000_000;
/// The character `0` in each of eight bytes. Eight digits OR this are their characters.
pub(super) const ZEROES: u64 = 0x3030_3030_3030_3030;
/// A 1 in the last of eight digits.
pub(super) const LAST_DIGIT: u64 = 1 << 56;

/// The digits of the number that was last formatted in one place, up to sixteen of them.
#[cfg_attr(CONFIG_RUST, derive(kernel::prelude::Zeroable))]
pub(super) struct KnownDigits {
    /// The digits before the last eight.
    pub(super) high: Digits,
    /// The last eight digits.
    pub(super) low: Digits,
}

impl KnownDigits {
    /// The digits of the number 0.
    pub(super) const fn zero() -> Self {
        Self {
            high: Digits::zero(),
            low: Digits::zero(),
        }
    }
}

/// A number less than [`HUNDRED_MILLION`], and its [`digits`].
#[cfg_attr(CONFIG_RUST, derive(kernel::prelude::Zeroable))]
pub(super) struct Digits {
    number: u64,
    digits: u64,
}

impl Digits {
    const fn zero() -> Self {
        Self {
            number: 0,
            digits: 0,
        }
    }

    /// Returns the digits of `number`, which is less than [`HUNDRED_MILLION`].
    #[inline(always)]
    pub(super) fn digits_of(&mut self, number: u64) -> u64 {
        if number != self.number {
            self.number = number;
            self.digits = digits(number);
        }
        self.digits
    }

    /// Makes the next call of [`digits_of`](Self::digits_of) for `number` cheap, if `number` is one
    /// more than the known number and differs from it in the last digit only.
    #[inline(always)]
    pub(super) fn increment_to(&mut self, number: u64) {
        if number.wrapping_sub(self.number) == 1 && self.digits < 9 * LAST_DIGIT {
            self.number = number;
            self.digits += LAST_DIGIT;
        }
    }
}

/// Returns the eight digits of `number`, one in each byte, the first digit in the lowest byte.
/// `number` is less than [`HUNDRED_MILLION`].
///
/// The digits are split in halves three times, the last two times in all lanes at once. Divisions
/// there are multiplications by the inverse, which are exact for the numbers in a lane: up to 9999
/// divided by 100, and up to 99 divided by 10. Nothing overflows, and no subtraction borrows from
/// the next lane. The operations are wrapping ones because checks of that, here and in text.rs,
/// cost 55 of 567 instructions for a line.
#[inline(always)]
pub(super) fn digits(number: u64) -> u64 {
    let number = number as u32;
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = fours.wrapping_mul(10_486) >> 20 & 0x7f_0000_007f;
    let twos = hundreds | fours.wrapping_sub(hundreds.wrapping_mul(100)) << 16;
    let tens = twos.wrapping_mul(103) >> 10 & 0x000f_000f_000f_000f;
    tens | twos.wrapping_sub(tens.wrapping_mul(10)) << 8
}
