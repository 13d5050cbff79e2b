// SPDX-License-Identifier: GPL-2.0

//! Samples as lines of text: pure functions.
//!
//! [`Lines`] formats samples into a buffer, one line each:
//!
//! ```text
//! pid:267 num:1 : usr 9000 sys 3000 wait 350 time 884783420 exit
//! ```
//!
//! Formatting numbers is the larger part of the cost of reading a history, so numbers are not
//! formatted by `core::fmt`. (C has `seq_put_decimal_ull()` for the same reason.) Eight digits are
//! computed at once, in the lanes of one 64-bit register, and stored at once; the next store
//! overwrites those bytes that are not part of the number. The digits of a number that is the same
//! as in the line before are not computed again, nor are those of a sample number that is greater
//! by one, unless there is a carry.
//!
//! [`TaskLine`] (task_line.rs) is the line that identifies a task.

mod digits;
mod task_line;

pub(crate) use task_line::TaskLine;

use crate::codec::TimedSample;
use digits::{digits, KnownDigits, HUNDRED_MILLION, LAST_DIGIT, ZEROES};

/// More than the length of the longest line: seven words, five numbers of 20 digits and one of ten.
const LONGEST: usize = 256;
/// The bytes that must be free to append a line, including the excess bytes of the last store.
pub(crate) const LINE_SPACE: usize = LONGEST + 8;

/// A buffer of `SIZE` bytes for complete lines. If all of its bytes are zero, it is empty.
#[cfg_attr(CONFIG_RUST, derive(kernel::prelude::Zeroable))]
pub(crate) struct Lines<const SIZE: usize> {
    text: [u8; SIZE],
    len: usize,
    /// The numbers of the last line, in the order in which they appear.
    pid: KnownDigits,
    number: KnownDigits,
    usr: KnownDigits,
    sys: KnownDigits,
    wait: KnownDigits,
    time: KnownDigits,
}

impl<const SIZE: usize> Lines<SIZE> {
    /// An empty buffer.
    pub(crate) const fn new() -> Self {
        Self {
            text: [0; SIZE],
            len: 0,
            pid: KnownDigits::zero(),
            number: KnownDigits::zero(),
            usr: KnownDigits::zero(),
            sys: KnownDigits::zero(),
            wait: KnownDigits::zero(),
            time: KnownDigits::zero(),
        }
    }

    /// Returns the lines.
    pub(crate) fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Removes all lines.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Returns whether a line of any length fits.
    #[inline(always)]
    pub(crate) fn can_take_line(&self) -> bool {
        SIZE - self.len >= LINE_SPACE
    }

    /// Appends the line for `sample`, a sample of the task with that `pid`. Does nothing unless
    /// [`can_take_line`](Self::can_take_line).
    #[inline(always)]
    pub(crate) fn push(&mut self, pid: i32, sample: &TimedSample) {
        let rest = self.text.get_mut(self.len..).unwrap_or_default();
        let Some(place) = rest.first_chunk_mut::<LINE_SPACE>() else {
            return;
        };
        let mut line = Line { place, len: 0 };
        line.put(b"pid:");
        line.put_number(&mut self.pid, pid.unsigned_abs().into());
        line.put(b" num:");
        self.number.low.increment_to(sample.number);
        line.put_number(&mut self.number, sample.number);
        line.put(b" : usr ");
        line.put_number(&mut self.usr, sample.sample.usr);
        line.put(b" sys ");
        line.put_number(&mut self.sys, sample.sample.sys);
        line.put(b" wait ");
        line.put_number(&mut self.wait, sample.sample.wait);
        line.put(b" time ");
        line.put_any_number(&mut self.time, sample.time_us);
        if sample.is_exit {
            line.put(b" exit");
        }
        line.put(b"\n");
        self.len += line.len;
    }
}

/// The line that is being written.
struct Line<'a> {
    place: &'a mut [u8; LINE_SPACE],
    len: usize,
}

impl Line<'_> {
    /// Appends the first `len` of the eight bytes in `bytes`. The first one is the least
    /// significant.
    #[inline(always)]
    fn put_bytes(&mut self, bytes: u64, len: usize) {
        // A line is never that long. The remainder shows the compiler that no bounds check is
        // needed.
        let at = self.len % LONGEST;
        if let Some(place) = self.place.get_mut(at..at + 8) {
            place.copy_from_slice(&bytes.to_le_bytes());
        }
        // `LONGEST` at most.
        self.len = self.len.wrapping_add(len);
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

    /// Appends `number`. `known` are the digits of the number in this place of the line before.
    #[inline(always)]
    fn put_any_number(&mut self, known: &mut KnownDigits, number: u64) {
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

    /// Appends a number that usually has no more than eight digits.
    #[inline(always)]
    fn put_number(&mut self, known: &mut KnownDigits, number: u64) {
        if number < HUNDRED_MILLION {
            self.put_first_digits(known.low.digits_of(number));
        } else {
            self.put_long_number(known, number);
        }
    }

    #[cold]
    fn put_long_number(&mut self, known: &mut KnownDigits, number: u64) {
        self.put_any_number(known, number);
    }

    /// Appends eight digits without leading zeroes.
    #[inline(always)]
    fn put_first_digits(&mut self, digits: u64) {
        // The last digit is kept even if it is a zero.
        let zeroes = (digits | LAST_DIGIT).trailing_zeros() / 8;
        self.put_bytes((digits | ZEROES) >> (8 * zeroes), 8 - zeroes as usize);
    }
}

#[cfg_attr(
    CONFIG_TASKMONITOR_KUNIT_TEST,
    kernel::prelude::kunit_tests(taskmonitor_text)
)]
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
mod tests {
    use super::*;
    use crate::codec::{random::Random, Sample};
    use core::fmt::Write;

    fn timed(number: u64, [usr, sys, wait]: [u64; 3], time_us: u64, is_exit: bool) -> TimedSample {
        TimedSample {
            number,
            sample: Sample { usr, sys, wait },
            time_us,
            is_exit,
        }
    }

    /// Text as `core::fmt` formats it.
    struct Expected {
        text: [u8; LINE_SPACE],
        len: usize,
    }

    impl Write for Expected {
        fn write_str(&mut self, part: &str) -> core::fmt::Result {
            let free = self.text.iter_mut().skip(self.len);
            for (place, byte) in free.zip(part.bytes()) {
                *place = byte;
            }
            self.len += part.len();
            Ok(())
        }
    }

    #[test]
    fn lines_have_the_documented_format() {
        let mut lines = Lines::<{ 2 * LINE_SPACE }>::new();
        lines.push(267, &timed(0, [1000, 3000, 0], 884683417, false));
        lines.push(5, &timed(10, [99, 100, 350], 884783420, true));
        assert_eq!(
            lines.text(),
            b"pid:267 num:0 : usr 1000 sys 3000 wait 0 time 884683417\n\
              pid:5 num:10 : usr 99 sys 100 wait 350 time 884783420 exit\n"
        );
    }

    #[test]
    fn the_longest_line_fits_and_a_line_that_does_not_fit_is_left_out() {
        let mut lines = Lines::<{ LINE_SPACE + 1 }>::new();
        let longest = timed(u64::MAX, [u64::MAX; 3], u64::MAX, true);
        assert!(lines.can_take_line());
        lines.push(i32::MIN, &longest);
        lines.push(i32::MIN, &longest);
        assert!(!lines.can_take_line());
        let text = lines.text();
        assert!(text.starts_with(b"pid:2147483648 num:18446744073709551615 : usr 1844"));
        assert!(text.ends_with(b"time 18446744073709551615 exit\n"));
        assert_eq!(text.len(), 149);
    }

    #[test]
    fn numbers_are_formatted_as_by_core_fmt() {
        let mut random = Random::new(1);
        let mut lines = Lines::<LINE_SPACE>::new();
        for number in 0..20_000 {
            // Small numbers in sequence, and random ones of all lengths.
            let (usr, sys) = (random.next_of_any_length(), random.next_of_any_length());
            let (wait, time) = (random.next_of_any_length(), usr ^ sys);
            lines.clear();
            lines.push(1, &timed(number, [usr, sys, wait], time, false));
            let mut expected = Expected {
                text: [0; LINE_SPACE],
                len: 0,
            };
            let written = expected.write_fmt(format_args!(
                "pid:1 num:{number} : usr {usr} sys {sys} wait {wait} time {time}\n"
            ));
            assert!(written.is_ok());
            assert_eq!(lines.text(), &expected.text[..expected.len]);
        }
    }
}
