// SPDX-License-Identifier: GPL-2.0

//! Samples as lines of text. Pure functions.
//!
//! Numbers are written by hand, as `seq_put_decimal_ull()` does in C for files with many of them:
//! formatting is the larger part of what reading a history costs. Eight digits are made at once, in
//! the lanes of one register, and eight bytes stored at once, of which the next store overwrites
//! those that are not wanted. From line to line some numbers stay as they are, or rise by one: their
//! digits are known.

use crate::reader::Row;
use core::convert::Infallible;
use kernel::prelude::*;

/// More than the longest line takes: six words, four numbers of up to 20 digits and one of ten.
const LONGEST: usize = 128;
/// The room for a line, with what the last store writes too much.
pub(crate) const ROOM: usize = LONGEST + 8;

/// Whole lines of text, as many as there is room for.
pub(crate) struct Lines<const SIZE: usize> {
    text: [u8; SIZE],
    len: usize,
    /// The numbers of the last line, in their order.
    pid: Known,
    number: Known,
    usr: Known,
    sys: Known,
    time: Known,
}

impl<const SIZE: usize> Lines<SIZE> {
    /// No lines.
    pub(crate) const fn new() -> Self {
        Self {
            text: [0; SIZE],
            len: 0,
            pid: Known::zero(),
            number: Known::zero(),
            usr: Known::zero(),
            sys: Known::zero(),
            time: Known::zero(),
        }
    }

    /// No lines, made in place: for many of them.
    pub(crate) fn in_place() -> impl Init<Self, Infallible> {
        init!(Self {
            text <- pin_init::init_zeroed(),
            len: 0,
            pid: Known::zero(),
            number: Known::zero(),
            usr: Known::zero(),
            sys: Known::zero(),
            time: Known::zero(),
        })
    }

    /// The lines.
    pub(crate) fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Forgets all lines.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Whether there is room for whatever line.
    #[inline(always)]
    pub(crate) fn have_room(&self) -> bool {
        SIZE - self.len >= ROOM
    }

    /// Appends the line for `row` of the task that the reader knows by `pid`, where there is room.
    #[inline(always)]
    pub(crate) fn push(&mut self, pid: i32, row: &Row) {
        let rest = self.text.get_mut(self.len..).unwrap_or_default();
        let Some(place) = rest.first_chunk_mut::<ROOM>() else {
            return;
        };
        let mut line = Line { place, len: 0 };
        line.put(b"pid:");
        line.put_number(&mut self.pid, pid.unsigned_abs().into());
        line.put(b" num:");
        self.number.low.rise_to(row.number);
        line.put_number(&mut self.number, row.number);
        line.put(b" : usr ");
        line.put_number(&mut self.usr, row.sample.usr);
        line.put(b" sys ");
        line.put_number(&mut self.sys, row.sample.sys);
        line.put(b" time ");
        line.put_any_number(&mut self.time, row.time_us);
        if row.is_end {
            line.put(b" exit");
        }
        line.put(b"\n");
        self.len += line.len;
    }
}

/// A line that is being written.
struct Line<'a> {
    place: &'a mut [u8; ROOM],
    len: usize,
}

impl Line<'_> {
    /// Appends the first `len` of eight bytes, the first of which is the lowest.
    #[inline(always)]
    fn put_bytes(&mut self, bytes: u64, len: usize) {
        // Never so far, which spares a comparison here.
        let at = self.len % LONGEST;
        if let Some(place) = self.place.get_mut(at..at + 8) {
            place.copy_from_slice(&bytes.to_le_bytes());
        }
        self.len += len;
    }

    /// Appends up to eight characters.
    #[inline(always)]
    fn put<const LEN: usize>(&mut self, text: &[u8; LEN]) {
        let bytes = text
            .iter()
            .rev()
            .fold(0, |bytes, byte| bytes << 8 | u64::from(*byte));
        self.put_bytes(bytes, LEN);
    }

    /// Appends `number`, given what is known of the one that stood here before.
    #[inline(always)]
    fn put_any_number(&mut self, known: &mut Known, number: u64) {
        if number < HUNDRED_MILLION {
            self.put_first_digits(known.low.digits_of(number));
            return;
        }
        let above = number / HUNDRED_MILLION;
        if above < HUNDRED_MILLION {
            self.put_first_digits(known.high.digits_of(above));
        } else {
            self.put_first_digits(digits(above / HUNDRED_MILLION));
            self.put_bytes(digits(above % HUNDRED_MILLION) | ZEROES, 8);
        }
        self.put_bytes(known.low.digits_of(number % HUNDRED_MILLION) | ZEROES, 8);
    }

    /// Appends a number that as a rule has no more than eight digits.
    #[inline(always)]
    fn put_number(&mut self, known: &mut Known, number: u64) {
        if number < HUNDRED_MILLION {
            self.put_first_digits(known.low.digits_of(number));
        } else {
            self.put_long_number(known, number);
        }
    }

    #[cold]
    fn put_long_number(&mut self, known: &mut Known, number: u64) {
        self.put_any_number(known, number);
    }

    /// Appends eight digits without the zeroes in front of them.
    #[inline(always)]
    fn put_first_digits(&mut self, digits: u64) {
        // The last digit is wanted also where it is a zero.
        let zeroes = (digits | LAST_DIGIT).trailing_zeros() / 8;
        self.put_bytes((digits | ZEROES) >> (8 * zeroes), 8 - zeroes as usize);
    }
}

/// The digits of a number of up to sixteen.
struct Known {
    high: Digits,
    low: Digits,
}

impl Known {
    const fn zero() -> Self {
        Self {
            high: Digits::zero(),
            low: Digits::zero(),
        }
    }
}

/// A number less than [`HUNDRED_MILLION`], and its [`digits`].
struct Digits {
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

    /// Goes on to `number`. Returns its digits.
    #[inline(always)]
    fn digits_of(&mut self, number: u64) -> u64 {
        if number != self.number {
            self.number = number;
            self.digits = digits(number);
        }
        self.digits
    }

    /// Goes on to `number`, where that is the next one and differs in the last digit only.
    #[inline(always)]
    fn rise_to(&mut self, number: u64) {
        if number.wrapping_sub(self.number) == 1 && self.digits < 9 * LAST_DIGIT {
            self.number = number;
            self.digits += LAST_DIGIT;
        }
    }
}

const HUNDRED_MILLION: u64 = 100_000_000;
/// Eight times the character 0.
const ZEROES: u64 = 0x3030_3030_3030_3030;
/// A one as the last of eight digits.
const LAST_DIGIT: u64 = 1 << 56;

/// The eight digits of `number`, a byte each, the first of them the lowest. It is less than
/// [`HUNDRED_MILLION`].
///
/// Halved three times, at each step in all lanes at once. Divisions are by multiplication with the
/// inverse, exact for what is in a lane: up to 9999 by 100, up to 99 by 10.
#[inline(always)]
fn digits(number: u64) -> u64 {
    let number = number as u32;
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = (fours * 10_486) >> 20 & 0x7f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = (twos * 103) >> 10 & 0x000f_000f_000f_000f;
    tens | (twos - tens * 10) << 8
}

#[kunit_tests(taskmonitor_line)]
mod tests {
    use super::*;
    use crate::{abstractions::random, delta::Sample};
    use kernel::{fmt::Write, str::Formatter};

    fn row(number: u64, usr: u64, sys: u64, time_us: u64, is_end: bool) -> Row {
        let sample = Sample { usr, sys };
        Row {
            number,
            sample,
            time_us,
            is_end,
        }
    }

    #[test]
    fn lines_are_as_documented() {
        let mut lines = Lines::<{ 2 * ROOM }>::new();
        lines.push(267, &row(0, 1000, 3000, 884683417, false));
        lines.push(5, &row(10, 99, 100, 884783420, true));
        assert_eq!(
            lines.text(),
            b"pid:267 num:0 : usr 1000 sys 3000 time 884683417\n\
              pid:5 num:10 : usr 99 sys 100 time 884783420 exit\n"
        );
    }

    #[test]
    fn the_longest_line_fits_and_what_does_not_is_left_out() {
        let mut lines = Lines::<{ ROOM + 1 }>::new();
        let longest = row(u64::MAX, u64::MAX, u64::MAX, u64::MAX, true);
        assert!(lines.have_room());
        lines.push(i32::MIN, &longest);
        lines.push(i32::MIN, &longest);
        assert!(!lines.have_room());
        let text = lines.text();
        assert!(text.starts_with(b"pid:2147483648 num:18446744073709551615 : usr 1844"));
        assert!(text.ends_with(b"time 18446744073709551615 exit\n"));
        assert_eq!(text.len(), 123);
    }

    #[test]
    fn numbers_are_written_as_the_kernel_writes_them() {
        let number = || random::next_u64() >> (random::next_u64() % 64);
        let mut lines = Lines::<ROOM>::new();
        for round in 0..20_000 {
            // All small numbers, one after the other, and others of all lengths.
            let (number, usr, sys) = (round, number(), number());
            lines.clear();
            lines.push(1, &row(number, usr, sys, usr ^ sys, false));
            let mut expected = [0; ROOM];
            let mut text = Formatter::new(&mut expected);
            let time = usr ^ sys;
            let written = text.write_fmt(fmt!(
                "pid:1 num:{number} : usr {usr} sys {sys} time {time}\n"
            ));
            assert!(written.is_ok());
            let len = text.bytes_written();
            assert_eq!(lines.text(), &expected[..len]);
        }
    }
}
