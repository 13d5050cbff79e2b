// SPDX-License-Identifier: GPL-2.0

//! Encoding and decoding of timestamps: the times at which sampling passes begin, in microseconds.
//!
//! A coded sequence begins with one complete timestamp and a step, the time expected between two
//! passes. For each further timestamp the deviation from that step is coded, in microseconds: the
//! deviations 0, -1, 1, -2, … as the numbers 0, 1, 2, 3, … A number that fits the current width
//! is written as a 0 bit and the number in that width. Any other number is written as a 1 bit, a
//! new width in 7 bits, and the number in the new width.

use super::{
    bits::{BitReader, BitWriter, Words},
    width::Widths,
};

/// How many bits a new width takes.
const WIDTH_BITS: u32 = 7;

/// The beginning of a coded sequence: what a decoder needs besides the bits.
#[derive(Clone, Copy)]
pub(crate) struct TimestampBase {
    /// The first timestamp, microseconds since boot.
    first: u64,
    /// The expected step, microseconds. The longest period, an hour, fits.
    step: u32,
    /// The width of the first number.
    bits: [u8; 1],
}

/// Encodes a sequence of timestamps.
pub(crate) struct TimestampEncoder {
    last: u64,
    step: u64,
    width: Widths<1>,
    writer: BitWriter,
}

impl TimestampEncoder {
    /// An encoder whose last timestamp is 0.
    pub(crate) const fn new() -> Self {
        Self {
            last: 0,
            step: 0,
            width: Widths::zero(),
            writer: BitWriter::new(),
        }
    }

    /// Returns the last timestamp.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Returns how many bits were written since [`begin`](Self::begin).
    pub(crate) fn bits(&self) -> u32 {
        self.writer.len()
    }

    /// Returns the last word of the sequence, which has not been passed to `store` because it is
    /// not full.
    pub(crate) fn tail(&self) -> u64 {
        self.writer.tail()
    }

    /// Begins a new sequence with `first`. Further timestamps are expected `step` microseconds
    /// apart.
    pub(crate) fn begin(&mut self, first: u64, step: u32) -> TimestampBase {
        let bits = self.width.bits();
        *self = Self {
            last: first,
            step: step.into(),
            width: Widths::of(bits),
            ..Self::new()
        };
        TimestampBase { first, step, bits }
    }

    /// Appends `timestamp` and passes each full word to `store`. Appends nothing and returns false
    /// if the length would exceed `capacity` bits.
    pub(crate) fn append(
        &mut self,
        timestamp: u64,
        capacity: u32,
        mut store: impl FnMut(usize, u64),
    ) -> bool {
        let deviation = timestamp.wrapping_sub(self.last).wrapping_sub(self.step) as i64;
        let number = ((deviation << 1) ^ (deviation >> 63)) as u64;
        let width = self.width.widened([number]);
        let [bits] = width.bits();
        let (head_bits, head) = if width.bits() == self.width.bits() {
            (0, 1)
        } else {
            (1 | u64::from(bits) << 1, 1 + WIDTH_BITS)
        };
        let before = self.writer.len();
        if before + head + u32::from(bits) > capacity {
            return false;
        }
        self.writer.put(head_bits, head, &mut store);
        self.writer.put(number, bits.into(), &mut store);
        self.width = width;
        self.width.record([number]);
        self.width.adapt(before, self.writer.len());
        self.last = timestamp;
        true
    }
}

/// Decodes what a [`TimestampEncoder`] wrote.
pub(crate) struct TimestampDecoder {
    next: Option<u64>,
    step: u64,
    width: Widths<1>,
    reader: BitReader,
}

impl TimestampDecoder {
    /// A decoder of no timestamps.
    pub(crate) const fn empty() -> Self {
        Self {
            next: None,
            step: 0,
            width: Widths::zero(),
            reader: BitReader::new(0),
        }
    }

    /// A decoder of the sequence with this base and `bits` bits after it.
    pub(crate) fn new(base: TimestampBase, bits: u32) -> Self {
        Self {
            next: Some(base.first),
            step: base.step.into(),
            width: Widths::of(base.bits),
            reader: BitReader::new(bits),
        }
    }

    /// Returns the next timestamp; `None` after the last one. `words` are the words of the
    /// sequence, the same at each call.
    #[inline(always)]
    pub(crate) fn next<W: Words + ?Sized>(&mut self, words: &W) -> Option<u64> {
        let timestamp = self.next?;
        if self.reader.is_empty() {
            self.next = None;
            return Some(timestamp);
        }
        let before = self.reader.at();
        let bits = self.reader.peek(words);
        let number = if bits & 1 | self.width.wide() == 0 {
            self.reader.skip(self.width.len());
            let [number] = self.width.split(bits >> 1);
            number
        } else {
            self.take_in_parts(words)
        };
        self.width.record([number]);
        self.width.adapt(before, self.reader.at());
        let deviation = (number >> 1) ^ (number & 1).wrapping_neg();
        self.next = Some(timestamp.wrapping_add(self.step).wrapping_add(deviation));
        Some(timestamp)
    }

    /// Reads a number that has a new width, or whose width is wide.
    #[inline(never)]
    fn take_in_parts<W: Words + ?Sized>(&mut self, words: &W) -> u64 {
        if self.reader.take(words, 1) == 1 {
            let bits = self.reader.take(words, WIDTH_BITS) as u8;
            self.width = self.width.with_bits([bits]);
        }
        let [bits] = self.width.bits();
        self.reader.take(words, bits.into())
    }
}

#[cfg_attr(
    CONFIG_TASKMONITOR_KUNIT_TEST,
    kernel::prelude::kunit_tests(taskmonitor_timestamp)
)]
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
mod tests {
    use super::{super::random::Random, *};

    #[test]
    fn what_was_coded_is_decoded() {
        let mut random = Random::new(1);
        let mut encoder = TimestampEncoder::new();
        for round in 0..2000 {
            let mut words = [0_u64; 32];
            let mut timestamps = [0_u64; 128];
            let mut now = random.next() >> (round % 64);
            let base = encoder.begin(now, 1000);
            let mut coded = 0;
            for timestamp in &mut timestamps {
                // Deviations of all lengths.
                let jitter = random.next_of_any_length();
                now = now
                    .wrapping_add(1000)
                    .wrapping_add(jitter)
                    .wrapping_sub(jitter / 2);
                *timestamp = now;
                if !encoder.append(now, 32 * 64, |index, word| words[index] = word) {
                    break;
                }
                coded += 1;
            }
            if let Some(word) = words.get_mut((encoder.bits() / 64) as usize) {
                *word = encoder.tail();
            }
            let mut decoder = TimestampDecoder::new(base, encoder.bits());
            assert_eq!(decoder.next(&words[..]), Some(base.first));
            for timestamp in &timestamps[..coded] {
                assert_eq!(decoder.next(&words[..]), Some(*timestamp));
            }
            assert_eq!(decoder.next(&words[..]), None);
        }
    }
}
