// SPDX-License-Identifier: GPL-2.0

//! How the samples of a task are coded in a segment: pure functions, no kernel in them.
//!
//! A segment begins with a sample in full, its base. Each further sample is what was consumed since
//! the one before: a 0 bit and two numbers, microseconds in user mode and in the kernel. A sample
//! equal to the one before adds nothing but a count, the run, which is written down as a 1 bit and
//! its length when a different sample ends it. When samples were taken is not told here: it is the
//! same for all tasks, see timeline.rs.

use crate::bits::{Mean, Reader, Words, Writer};
use kernel::prelude::*;

/// CPU time consumed since a task began, in microseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    /// In user mode.
    pub(crate) usr: u64,
    /// In the kernel.
    pub(crate) sys: u64,
}

/// The lengths of runs are coded for these.
const RUN: Mean = Mean::of(8);

/// What a decoder starts from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Base {
    /// The first sample.
    pub(crate) sample: Sample,
    usr: Mean,
    sys: Mean,
}

/// How much has been coded behind a [`Base`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Bits written.
    pub(crate) bits: u32,
    /// How often the last sample is repeated behind them.
    pub(crate) run: u64,
}

/// Codes samples, one after the other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Encoder {
    last: Sample,
    usr: Mean,
    sys: Mean,
    writer: Writer,
    run: u64,
}

impl Encoder {
    /// An encoder that has seen a sample of zeroes.
    pub(crate) const fn new() -> Self {
        Self {
            last: Sample { usr: 0, sys: 0 },
            usr: Mean::of(0),
            sys: Mean::of(0),
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

    /// Begins a segment with `sample`.
    pub(crate) fn rebase(&mut self, sample: Sample) -> Base {
        self.last = sample;
        self.writer = Writer::default();
        self.run = 0;
        Base {
            sample,
            usr: self.usr,
            sys: self.sys,
        }
    }

    /// Appends the last sample once more. It takes no room.
    #[inline(always)]
    pub(crate) fn repeat(&mut self) {
        self.run = self.run.wrapping_add(1);
    }

    /// Appends `sample`, handing each word that changes to `store`; or does nothing and returns
    /// false where the bits would be more than `capacity`.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        sample: Sample,
        capacity: u32,
        store: impl FnMut(usize, u64),
    ) -> bool {
        if sample == self.last {
            self.repeat();
            return true;
        }
        let usr = sample.usr.wrapping_sub(self.last.usr);
        let sys = sample.sys.wrapping_sub(self.last.sys);
        let appended = match (self.usr.code(usr), self.sys.code(sys)) {
            // As a rule all of it fits a word, and is written at once.
            (Some(usr), Some(sys)) if self.run == 0 && usr.len + sys.len < 64 => {
                let len = 1 + usr.len + sys.len;
                let fits = self.writer.len() + len <= capacity;
                if fits {
                    let bits = usr.bits << 1 | sys.bits << (1 + usr.len);
                    self.writer.put(bits, len, store);
                }
                fits
            }
            _ => self.append_in_parts(usr, sys, capacity, store),
        };
        if appended {
            self.usr.follow(usr);
            self.sys.follow(sys);
            self.last = sample;
        }
        appended
    }

    /// Writes the run, if there is one, and the two numbers.
    #[cold]
    fn append_in_parts(
        &mut self,
        usr: u64,
        sys: u64,
        capacity: u32,
        mut store: impl FnMut(usize, u64),
    ) -> bool {
        let mut cost = 1 + self.usr.cost(usr) + self.sys.cost(sys);
        if self.run != 0 {
            cost += 1 + RUN.cost(self.run);
        }
        if self.writer.len() + cost > capacity {
            return false;
        }
        if self.run != 0 {
            self.writer.put(1, 1, &mut store);
            { RUN }.put(self.run, &mut self.writer, &mut store);
            self.run = 0;
        }
        self.writer.put(0, 1, &mut store);
        { self.usr }.put(usr, &mut self.writer, &mut store);
        { self.sys }.put(sys, &mut self.writer, &mut store);
        true
    }
}

/// Reads back what an [`Encoder`] wrote.
#[derive(Clone, Copy, Default)]
pub(crate) struct Decoder {
    last: Sample,
    usr: Mean,
    sys: Mean,
    reader: Reader,
    /// The base has not been given out yet.
    fresh: bool,
    /// How often `last` is still to come, from a run in the midst.
    repeat: u64,
    /// The run behind the bits.
    run: u64,
}

impl Decoder {
    /// A decoder that gives nothing.
    pub(crate) const fn empty() -> Self {
        Self {
            last: Sample { usr: 0, sys: 0 },
            usr: Mean::of(0),
            sys: Mean::of(0),
            reader: Reader::new(0),
            fresh: false,
            repeat: 0,
            run: 0,
        }
    }

    /// A decoder for a segment of this base and extent.
    pub(crate) fn new(base: Base, extent: Extent) -> Self {
        Self {
            last: base.sample,
            usr: base.usr,
            sys: base.sys,
            reader: Reader::new(extent.bits),
            fresh: true,
            repeat: 0,
            run: extent.run,
        }
    }

    /// The next sample; `None` behind the last. `words` are those of the segment, at each call.
    #[inline(always)]
    pub(crate) fn next<W: Words + ?Sized>(&mut self, words: &W) -> Option<Sample> {
        if self.fresh {
            self.fresh = false;
            return Some(self.last);
        }
        if self.repeat == 0 && !self.reader.is_empty() && self.reader.take(words, 1) == 1 {
            self.repeat = { RUN }.take(&mut self.reader, words);
        }
        if self.repeat != 0 {
            self.repeat -= 1;
            return Some(self.last);
        }
        if !self.reader.is_empty() {
            let usr = self.usr.take(&mut self.reader, words);
            let sys = self.sys.take(&mut self.reader, words);
            self.last.usr = self.last.usr.wrapping_add(usr);
            self.last.sys = self.last.sys.wrapping_add(sys);
            return Some(self.last);
        }
        self.run = self.run.checked_sub(1)?;
        Some(self.last)
    }

    /// Passes over the next `count` samples, or fewer where fewer are left.
    pub(crate) fn skip<W: Words + ?Sized>(&mut self, mut count: u64, words: &W) {
        while count != 0 && self.next(words).is_some() {
            count -= 1;
            // Runs are passed over at once.
            let run = if self.repeat == 0 && self.reader.is_empty() {
                &mut self.run
            } else {
                &mut self.repeat
            };
            let skipped = count.min(*run);
            *run -= skipped;
            count -= skipped;
        }
    }
}

#[kunit_tests(taskmonitor_delta)]
mod tests {
    use super::*;
    use crate::abstractions::random;

    const WORDS: usize = 64;

    /// Codes as many of `samples` as fit, reads them back, and counts those that came out right.
    fn round_trip(encoder: &mut Encoder, samples: &[(Sample, u64)], words: &mut [u64]) -> usize {
        let Some((first, rest)) = samples.split_first() else {
            return 0;
        };
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
    fn idle_samples_take_no_room() {
        let mut encoder = Encoder::new();
        encoder.rebase(Sample { usr: 5, sys: 7 });
        for _ in 0..1000 {
            let fits = encoder.append(Sample { usr: 5, sys: 7 }, 0, |_, _| assert!(false));
            assert!(fits);
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
