// SPDX-License-Identifier: GPL-2.0

//! Coding the samples of a segment. Pure functions; delta.rs tells how they are coded.

use crate::{
    bits::Writer,
    delta::{Base, Extent, Sample, Widths, SAMPLE, WIDER},
    run,
    width::Width,
};
use kernel::prelude::*;

/// Codes samples, one after the other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Encoder {
    last: Sample,
    widths: Widths,
    writer: Writer,
    run: u64,
}

impl Encoder {
    /// An encoder that has seen a sample of zeroes.
    pub(crate) const fn new() -> Self {
        Self {
            last: Sample { usr: 0, sys: 0 },
            widths: Widths::zero(),
            writer: Writer::new(),
            run: 0,
        }
    }

    /// The last sample.
    pub(crate) fn last(&self) -> Sample {
        self.last
    }

    /// How much has been coded since [`rebase`](Self::rebase).
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            bits: self.writer.len(),
            run: self.run,
        }
    }

    /// The bits of that which have not been stored.
    pub(crate) fn tail(&self) -> u64 {
        self.writer.tail()
    }

    /// Begins a segment with `sample`.
    pub(crate) fn rebase(&mut self, sample: Sample) -> Base {
        let base = Base::new(sample, &self.widths);
        *self = Self {
            last: sample,
            widths: base.widths(),
            ..Self::new()
        };
        base
    }

    /// Appends the last sample once more. It takes no room; to [`append`](Self::append) it would.
    #[inline(always)]
    pub(crate) fn repeat(&mut self) {
        self.run = self.run.wrapping_add(1);
    }

    /// Appends `sample`, handing each word that is full to `store`; or does nothing and returns
    /// false where the bits would not be less than `capacity`, a whole number of words, which spares
    /// looking within a word.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        sample: Sample,
        capacity: u32,
        store: impl FnMut(usize, u64),
    ) -> bool {
        let delta = sample.since(self.last);
        if self.run | self.widths.excess(delta) == 0 {
            let before = self.writer.len();
            let sys = delta.sys.wrapping_shl(self.widths.usr.bits());
            let bits = SAMPLE | (delta.usr | sys) << 1;
            self.widths.note(delta);
            match self
                .writer
                .put_within(capacity, bits, self.widths.len, store)
            {
                None => return false,
                Some(false) => {}
                Some(true) => self.widths.renew(before, self.writer.len()),
            }
        } else if !self.append_in_parts(delta, capacity, store) {
            return false;
        }
        self.last = sample;
        true
    }

    /// Writes the run, if there is one, and the two numbers, in other widths where they need them.
    #[inline(never)]
    fn append_in_parts(
        &mut self,
        delta: Sample,
        capacity: u32,
        mut store: impl FnMut(usize, u64),
    ) -> bool {
        let widths = self.widths.widened(delta);
        let is_wider = widths != self.widths;
        let mut cost = widths.len + run::cost(self.run);
        if is_wider {
            cost += 1 + 2 * Width::FIELD;
        }
        if self.writer.len() + cost >= capacity {
            return false;
        }
        let mut put = |bits, count| {
            self.writer.put(bits, count, &mut store);
            self.writer.len()
        };
        let before = run::put(core::mem::take(&mut self.run), &mut put);
        if is_wider {
            put(WIDER, 2);
            put(widths.usr.bits().into(), Width::FIELD);
            put(widths.sys.bits().into(), Width::FIELD);
        } else {
            put(SAMPLE, 1);
        }
        put(delta.usr, widths.usr.bits());
        let after = put(delta.sys, widths.sys.bits());
        self.widths = widths;
        self.widths.note(delta);
        self.widths.renew(before, after);
        true
    }
}

#[kunit_tests(taskmonitor_encoder)]
mod tests {
    use super::*;
    use crate::{abstractions::random, decoder::Decoder};

    const WORDS: usize = 64;

    /// Codes as many of `samples` as fit, reads them back, and counts those that came out right.
    fn round_trip(encoder: &mut Encoder, samples: &[(Sample, u64)], words: &mut [u64]) -> usize {
        let Some((first, rest)) = samples.split_first() else {
            return 0;
        };
        words.fill(0);
        let capacity = words.len() as u32 * 64;
        let base = encoder.rebase(first.0);
        let mut coded = 1;
        for (sample, repeats) in rest {
            let store = |index: usize, word| words[index] = word;
            if !encoder.append(*sample, capacity, store) {
                break;
            }
            encoder.run += repeats;
            coded += 1;
        }
        let extent = encoder.extent();
        assert!(extent.bits <= capacity);
        if let Some(word) = words.get_mut((extent.bits / 64) as usize) {
            *word = encoder.tail();
        }
        let mut decoder = Decoder::new(base, extent);
        assert_eq!(decoder.next(words), Some(first.0));
        for (sample, repeats) in rest.iter().take(coded - 1) {
            assert_eq!(decoder.next(words), Some(*sample));
            decoder.skip(*repeats, words);
        }
        assert_eq!(decoder.next(words), None);
        coded
    }

    /// A number of random length, so that all lengths are met.
    fn number() -> u64 {
        random::next_u64() >> (random::next_u64() % 64)
    }

    #[test]
    fn what_was_coded_is_decoded() {
        let mut encoder = Encoder::new();
        let mut coded = 0;
        for _ in 0..2000 {
            let mut samples = [(Sample::default(), 0); 128];
            let mut last = Sample::default();
            for sample in &mut samples {
                last.usr = last.usr.wrapping_add(number());
                last.sys = last.sys.wrapping_add(number());
                *sample = (last, 0);
            }
            coded += round_trip(&mut encoder, &samples, &mut [0; WORDS]);
        }
        assert!(coded > 2000);
    }

    #[test]
    fn extremes_and_falling_times_are_decoded() {
        let edges = [
            0,
            1,
            (1 << 28) - 1,
            1 << 28,
            u64::MAX >> 1,
            u64::MAX - 1,
            u64::MAX,
        ];
        let mut samples = [(Sample::default(), 0); 49];
        for (index, sample) in samples.iter_mut().enumerate() {
            let (usr, sys) = (edges[index % 7], edges[index / 7]);
            *sample = (Sample { usr, sys }, 0);
        }
        let mut words = [0; 256];
        assert_eq!(
            round_trip(&mut Encoder::new(), &samples, &mut words),
            samples.len()
        );
        samples.reverse();
        assert_eq!(
            round_trip(&mut Encoder::new(), &samples, &mut words),
            samples.len()
        );
    }

    #[test]
    fn runs_are_decoded() {
        let mut samples = [(Sample::default(), 0); 48];
        for (index, sample) in samples.iter_mut().enumerate() {
            let usr = index as u64;
            *sample = (Sample { usr, sys: 0 }, (1 << index) - 1);
        }
        // Runs of 1 to 2^40, each ended by a different sample.
        let coded = round_trip(&mut Encoder::new(), &samples[..42], &mut [0; WORDS]);
        assert_eq!(coded, 42);
    }

    #[test]
    fn runs_fill_a_segment_to_its_last_bit() {
        let mut encoder = Encoder::new();
        for _ in 0..500 {
            let mut samples = [(Sample::default(), 0); 128];
            let mut last = Sample::default();
            for sample in &mut samples {
                last.usr = last.usr.wrapping_add(1 + random::next_u64() % 1000);
                *sample = (last, random::next_u64() % 100);
            }
            // Some end just where the segment does, and none past that.
            let coded = round_trip(&mut encoder, &samples, &mut [0; 8]);
            assert!(coded < samples.len());
        }
    }

    #[test]
    fn idle_samples_take_no_room() {
        let mut encoder = Encoder::new();
        encoder.rebase(Sample { usr: 5, sys: 7 });
        for _ in 0..1000 {
            encoder.repeat();
        }
        assert_eq!((encoder.extent().bits, encoder.extent().run), (0, 1000));
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        // All ones behind the end would be taken for numbers.
        let words = [u64::MAX; 4];
        for bits in 0..200 {
            let mut decoder = Decoder::new(Base::default(), Extent { bits, run: 0 });
            let mut count = 0;
            while decoder.next(&words[..bits.div_ceil(64) as usize]).is_some() && count < 1000 {
                count += 1;
            }
        }
    }
}
