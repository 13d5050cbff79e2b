// SPDX-License-Identifier: GPL-2.0

//! How the moments of sampling passes are coded in a segment: pure functions, no kernel in them.
//!
//! A segment begins with a moment in full and the step that is expected between two, which is about
//! the period. Each further moment is by how much its step is off, in microseconds: 0, -1, 1, -2, …
//! as 0, 1, 2, 3, … That is a 0 bit and the number, or, where it takes more bits than the last few
//! did, a 1 bit, the width in 7 bits, and the number.

use crate::{
    bits::{Reader, Words, Writer},
    width::Width,
};
use kernel::prelude::*;

/// What a decoder starts from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Base {
    /// The first moment, microseconds since boot.
    pub(crate) moment: u64,
    /// Microseconds; the longest period, an hour, fits.
    step: u32,
    bits: u8,
}

/// Codes moments, one after the other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Encoder {
    last: u64,
    step: u64,
    width: Width,
    writer: Writer,
}

impl Encoder {
    /// An encoder that expects little.
    pub(crate) const fn new() -> Self {
        Self {
            last: 0,
            step: 0,
            width: Width::zero(),
            writer: Writer::new(),
        }
    }

    /// The last moment.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Bits written since [`rebase`](Self::rebase).
    pub(crate) fn bits(&self) -> u32 {
        self.writer.len()
    }

    /// Those of them that have not been stored.
    pub(crate) fn tail(&self) -> u64 {
        self.writer.tail()
    }

    /// Begins a segment with `moment`. Others are expected to follow every `step` microseconds.
    pub(crate) fn rebase(&mut self, moment: u64, step: u32) -> Base {
        let bits = self.width.bits();
        *self = Self {
            last: moment,
            step: step.into(),
            width: Width::of(bits),
            ..Self::new()
        };
        // A width is 64 at most.
        let bits = bits as u8;
        Base { moment, step, bits }
    }

    /// Appends `moment`, handing each word that is full to `store`; or does nothing and returns
    /// false where the bits would be more than `capacity`.
    pub(crate) fn append(
        &mut self,
        moment: u64,
        capacity: u32,
        mut store: impl FnMut(usize, u64),
    ) -> bool {
        let off = moment.wrapping_sub(self.last).wrapping_sub(self.step) as i64;
        let number = ((off << 1) ^ (off >> 63)) as u64;
        let width = self.width.widened(number);
        let is_wider = width != self.width;
        let head = if is_wider { 1 + Width::FIELD } else { 1 };
        if self.writer.len() + head + width.bits() > capacity {
            return false;
        }
        let head_bits = if is_wider {
            1 | u64::from(width.bits()) << 1
        } else {
            0
        };
        let before = self.writer.len();
        self.writer.put(head_bits, head, &mut store);
        self.writer.put(number, width.bits(), &mut store);
        self.width = width;
        self.width.note(number);
        if Width::is_due(before, self.writer.len()) {
            self.width = self.width.renewed();
        }
        self.last = moment;
        true
    }
}

/// Reads back what an [`Encoder`] wrote.
#[derive(Clone, Copy, Default)]
pub(crate) struct Decoder {
    next: Option<u64>,
    step: u64,
    width: Width,
    reader: Reader,
}

impl Decoder {
    /// A decoder that gives nothing.
    pub(crate) const fn empty() -> Self {
        Self {
            next: None,
            step: 0,
            width: Width::zero(),
            reader: Reader::new(0),
        }
    }

    /// A decoder for a segment of this base, with that many bits behind it.
    pub(crate) fn new(base: Base, bits: u32) -> Self {
        Self {
            next: Some(base.moment),
            step: base.step.into(),
            width: Width::of(base.bits.into()),
            reader: Reader::new(bits),
        }
    }

    /// The next moment; `None` behind the last. `words` are those of the segment, at each call.
    #[inline(always)]
    pub(crate) fn next<W: Words + ?Sized>(&mut self, words: &W) -> Option<u64> {
        let moment = self.next?;
        if self.reader.is_empty() {
            self.next = None;
            return Some(moment);
        }
        let before = self.reader.at();
        let bits = self.reader.peek(words);
        let number = if bits & 1 == 0 && self.width.is_narrow() {
            self.reader.pass(1 + self.width.bits());
            self.width.cut(bits >> 1)
        } else {
            self.take_in_parts(words)
        };
        self.width.note(number);
        if Width::is_due(before, self.reader.at()) {
            self.width = self.width.renewed();
        }
        let off = (number >> 1) ^ (number & 1).wrapping_neg();
        self.next = Some(moment.wrapping_add(self.step).wrapping_add(off));
        Some(moment)
    }

    /// Reads what is not read at once.
    #[inline(never)]
    fn take_in_parts<W: Words + ?Sized>(&mut self, words: &W) -> u64 {
        if self.reader.take(words, 1) == 1 {
            let bits = self.reader.take(words, Width::FIELD);
            self.width = self.width.with_bits(bits as u32);
        }
        self.reader.take(words, self.width.bits())
    }
}

#[kunit_tests(taskmonitor_moments)]
mod tests {
    use super::*;
    use crate::abstractions::random;

    #[test]
    fn what_was_coded_is_decoded() {
        let mut encoder = Encoder::new();
        for round in 0..2000 {
            let mut words = [0_u64; 32];
            let mut moments = [0_u64; 128];
            let mut now = random::next_u64() >> (round % 64);
            let base = encoder.rebase(now, 1000);
            let mut coded = 0;
            for moment in &mut moments {
                // Near the step, and now and then far from it, backwards too.
                let jitter = random::next_u64() >> (random::next_u64() % 64);
                now = now
                    .wrapping_add(1000)
                    .wrapping_add(jitter)
                    .wrapping_sub(jitter / 2);
                *moment = now;
                if !encoder.append(now, 32 * 64, |index, word| words[index] = word) {
                    break;
                }
                coded += 1;
            }
            if let Some(word) = words.get_mut((encoder.bits() / 64) as usize) {
                *word = encoder.tail();
            }
            let mut decoder = Decoder::new(base, encoder.bits());
            assert_eq!(decoder.next(&words[..]), Some(base.moment));
            for moment in &moments[..coded] {
                assert_eq!(decoder.next(&words[..]), Some(*moment));
            }
            assert_eq!(decoder.next(&words[..]), None);
        }
    }
}
