// SPDX-License-Identifier: GPL-2.0

//! How the moments of sampling passes are coded in a segment: pure functions, no kernel in them.
//!
//! A segment begins with a moment in full and the step that is expected between two, which is about
//! the period. Each further moment is by how much its step is off, in microseconds: 0, -1, 1, -2, …
//! as 0, 1, 2, 3, …

use crate::bits::{Mean, Reader, Words, Writer};
use kernel::prelude::*;

/// What a decoder starts from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Base {
    /// The first moment, microseconds since boot.
    pub(crate) moment: u64,
    step: u64,
    mean: Mean,
}

/// Codes moments, one after the other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Encoder {
    last: u64,
    step: u64,
    mean: Mean,
    writer: Writer,
}

impl Encoder {
    /// An encoder that expects little.
    pub(crate) const fn new() -> Self {
        Self {
            last: 0,
            step: 0,
            mean: Mean::of(0),
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

    /// Begins a segment with `moment`. Others are expected to follow every `step` microseconds.
    pub(crate) fn rebase(&mut self, moment: u64, step: u64) -> Base {
        self.last = moment;
        self.step = step;
        self.writer = Writer::default();
        Base {
            moment,
            step,
            mean: self.mean,
        }
    }

    /// Appends `moment`, handing each word that changes to `store`; or does nothing and returns
    /// false where the bits would be more than `capacity`.
    pub(crate) fn append(
        &mut self,
        moment: u64,
        capacity: u32,
        store: impl FnMut(usize, u64),
    ) -> bool {
        let off = moment.wrapping_sub(self.last).wrapping_sub(self.step) as i64;
        let code = ((off << 1) ^ (off >> 63)) as u64;
        if self.writer.len() + self.mean.cost(code) > capacity {
            return false;
        }
        self.mean.put(code, &mut self.writer, store);
        self.last = moment;
        true
    }
}

/// Reads back what an [`Encoder`] wrote.
#[derive(Clone, Copy, Default)]
pub(crate) struct Decoder {
    next: Option<u64>,
    step: u64,
    mean: Mean,
    reader: Reader,
}

impl Decoder {
    /// A decoder that gives nothing.
    pub(crate) const fn empty() -> Self {
        Self {
            next: None,
            step: 0,
            mean: Mean::of(0),
            reader: Reader::new(0),
        }
    }

    /// A decoder for a segment of this base, with that many bits behind it.
    pub(crate) fn new(base: Base, bits: u32) -> Self {
        Self {
            next: Some(base.moment),
            step: base.step,
            mean: base.mean,
            reader: Reader::new(bits),
        }
    }

    /// The next moment; `None` behind the last. `words` are those of the segment, at each call.
    #[inline(always)]
    pub(crate) fn next<W: Words + ?Sized>(&mut self, words: &W) -> Option<u64> {
        let moment = self.next?;
        self.next = (!self.reader.is_empty()).then(|| {
            let code = self.mean.take(&mut self.reader, words);
            let off = (code >> 1) ^ (code & 1).wrapping_neg();
            moment.wrapping_add(self.step).wrapping_add(off)
        });
        Some(moment)
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
            let mut decoder = Decoder::new(base, encoder.bits());
            assert_eq!(decoder.next(&words[..]), Some(base.moment));
            for moment in &moments[..coded] {
                assert_eq!(decoder.next(&words[..]), Some(*moment));
            }
            assert_eq!(decoder.next(&words[..]), None);
        }
    }
}
