// SPDX-License-Identifier: GPL-2.0

//! One sample as a line of text. Pure functions.
//!
//! Numbers are written by hand, as `seq_put_decimal_ull()` does in C for files with many of them:
//! formatting is the larger part of what reading a history costs.

use crate::reader::Row;
use kernel::prelude::*;

/// A line of text, to be written again and again.
///
/// The longest has six numbers of up to 20 digits and some words, far less than the place for it.
pub(crate) struct Line {
    /// Filled from its end, as digits come from the lowest on. As many bytes as an `u8` can name, so
    /// that no index is out of bounds.
    text: [u8; 256],
    /// Where the text begins; 0 where it is empty.
    begin: u8,
}

/// The decimal numbers from 00 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

impl Line {
    /// An empty line.
    pub(crate) const fn new() -> Self {
        Self {
            text: [0; 256],
            begin: 0,
        }
    }

    /// Writes the line for `row` of the task that the reader knows by `pid`.
    pub(crate) fn write(&mut self, pid: i32, row: &Row) -> &[u8] {
        // The byte at 255 is the last.
        self.begin = 0;
        self.prepend(b"\n");
        if row.is_end {
            self.prepend(b" exit");
        }
        self.prepend_number(row.time_us);
        self.prepend(b" time ");
        self.prepend_number(row.sample.sys);
        self.prepend(b" sys ");
        self.prepend_number(row.sample.usr);
        self.prepend(b" : usr ");
        self.prepend_number(row.number);
        self.prepend(b" num:");
        self.prepend_number(pid.unsigned_abs().into());
        self.prepend(b"pid:");
        self.text.get(self.begin.into()..).unwrap_or_default()
    }

    #[inline(always)]
    fn prepend_byte(&mut self, byte: u8) {
        self.begin = self.begin.wrapping_sub(1);
        self.text[usize::from(self.begin)] = byte;
    }

    #[inline(always)]
    fn prepend<const LEN: usize>(&mut self, text: &[u8; LEN]) {
        for byte in text.iter().rev() {
            self.prepend_byte(*byte);
        }
    }

    #[inline(always)]
    fn prepend_number(&mut self, mut number: u64) {
        while number >= 100 {
            let [tens, ones] = PAIRS[(number % 100) as usize];
            number /= 100;
            self.prepend_byte(ones);
            self.prepend_byte(tens);
        }
        let [tens, ones] = PAIRS[(number % 100) as usize];
        self.prepend_byte(ones);
        if number >= 10 {
            self.prepend_byte(tens);
        }
    }
}

#[kunit_tests(taskmonitor_line)]
mod tests {
    use super::*;
    use crate::delta::Sample;

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
    fn a_line_is_as_documented() {
        let mut line = Line::new();
        assert_eq!(
            line.write(267, &row(0, 1000, 3000, 884683417, false)),
            b"pid:267 num:0 : usr 1000 sys 3000 time 884683417\n"
        );
        assert_eq!(
            line.write(5, &row(10, 99, 100, 884783420, true)),
            b"pid:5 num:10 : usr 99 sys 100 time 884783420 exit\n"
        );
    }

    #[test]
    fn the_longest_line_fits() {
        let mut line = Line::new();
        let text = line.write(i32::MIN, &row(u64::MAX, u64::MAX, u64::MAX, u64::MAX, true));
        assert!(text.starts_with(b"pid:2147483648 num:18446744073709551615 : usr 1844"));
        assert!(text.ends_with(b"time 18446744073709551615 exit\n"));
    }
}
