// SPDX-License-Identifier: GPL-2.0

//! Decoding of samples; sample.rs describes the format.

use super::{
    bits::{BitReader, Words},
    run_length,
    sample::{Extent, Sample, SampleBase, SampleWidths, NUMBERS, SAMPLE, WIDTH_BITS},
};

/// Decodes what a [`SampleEncoder`](super::SampleEncoder) wrote.
pub(crate) struct SampleDecoder {
    last: Sample,
    /// How often `last` is returned before more bits are read.
    repeat: u64,
    widths: SampleWidths,
    reader: BitReader,
    /// The run after the last bit.
    run: u64,
}

impl SampleDecoder {
    /// A decoder of no samples.
    pub(crate) const fn empty() -> Self {
        Self {
            last: Sample {
                usr: 0,
                sys: 0,
                wait: 0,
            },
            repeat: 0,
            widths: SampleWidths::zero(),
            reader: BitReader::new(0),
            run: 0,
        }
    }

    /// A decoder of the sequence with this base and extent.
    pub(crate) fn new(base: SampleBase, extent: Extent) -> Self {
        Self {
            last: base.sample,
            repeat: 1,
            widths: SampleWidths::of(base.bits),
            reader: BitReader::new(extent.bits),
            run: extent.run,
        }
    }

    /// Returns the next sample; `None` after the last one. `words` are the words of the sequence,
    /// the same at each call.
    #[inline(always)]
    pub(crate) fn next<W: Words + ?Sized>(&mut self, words: &W) -> Option<Sample> {
        if self.repeat == 0 {
            let at = self.reader.at();
            let bits = self.reader.peek(words);
            let is_quick = bits & 1 | self.widths.wide() == SAMPLE;
            if is_quick && self.reader.skip(self.widths.len()) {
                return Some(self.advance(self.widths.split(bits >> 1), at));
            }
            return self.next_in_parts(words);
        }
        self.repeat -= 1;
        Some(self.last)
    }

    /// Advances to the sample that is `delta` after the last one, and was read from bit `before`
    /// on.
    #[inline(always)]
    fn advance(&mut self, delta: [u64; NUMBERS], before: u32) -> Sample {
        self.widths.record(delta);
        self.widths.adapt(before, self.reader.at());
        let sample = Sample::from_numbers(delta).after(self.last);
        self.last = sample;
        sample
    }

    /// Reads a run, or a sample that needs other widths than the current ones, or has wide ones.
    /// Returns the next sample; `None` after the last one.
    #[inline(never)]
    fn next_in_parts<W: Words + ?Sized>(&mut self, words: &W) -> Option<Sample> {
        let before = self.reader.at();
        if self.reader.is_empty() {
            self.repeat = core::mem::take(&mut self.run);
            self.repeat = self.repeat.checked_sub(1)?;
            return Some(self.last);
        }
        let mut take = |count| self.reader.take(words, count);
        let mut bits = self.widths.bits();
        if take(1) != SAMPLE {
            if take(1) == run_length::BEGIN >> 1 {
                self.repeat = run_length::take(&mut self.reader, words);
                self.repeat = self.repeat.checked_sub(1)?;
                return Some(self.last);
            }
            let mask = take(NUMBERS as u32);
            for (place, bits) in bits.iter_mut().enumerate() {
                if mask >> place & 1 == 1 {
                    *bits = take(WIDTH_BITS) as u8 + 1;
                }
            }
            self.widths = self.widths.with_bits(bits);
        }
        let delta = bits.map(|bits| take(bits.into()));
        Some(self.advance(delta, before))
    }

    /// Skips `count` samples, or all if fewer are left.
    pub(crate) fn skip<W: Words + ?Sized>(&mut self, mut count: u64, words: &W) {
        while count != 0 {
            // A run is skipped in one step.
            let run = count.min(self.repeat);
            self.repeat -= run;
            count -= run;
            if count != 0 {
                if self.next(words).is_none() {
                    return;
                }
                count -= 1;
            }
        }
    }
}
