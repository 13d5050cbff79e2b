// SPDX-License-Identifier: GPL-2.0

//! Encoding of samples; sample.rs describes the format.

use super::{
    bits::BitWriter,
    run_length,
    sample::{
        Extent, Sample, SampleBase, SampleWidths, NUMBERS, SAMPLE, WIDER, WIDER_LEN, WIDTH_BITS,
    },
};

/// Encodes a sequence of samples.
pub(crate) struct SampleEncoder {
    last: Sample,
    widths: SampleWidths,
    writer: BitWriter,
    /// How often `last` is repeated after what has been written.
    run: u64,
}

impl SampleEncoder {
    /// An encoder whose last sample is zero.
    pub(crate) const fn new() -> Self {
        Self {
            last: Sample {
                usr: 0,
                sys: 0,
                wait: 0,
            },
            widths: SampleWidths::zero(),
            writer: BitWriter::new(),
            run: 0,
        }
    }

    /// Returns the last sample.
    pub(crate) fn last(&self) -> Sample {
        self.last
    }

    /// Returns the length of the sequence so far.
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            bits: self.writer.len(),
            run: self.run,
        }
    }

    /// Returns the last word of the sequence, which has not been passed to `store` because it is
    /// not full.
    pub(crate) fn tail(&self) -> u64 {
        self.writer.tail()
    }

    /// Begins a new sequence with `sample`. The widths continue from the sequence before.
    pub(crate) fn begin(&mut self, sample: Sample) -> SampleBase {
        let bits = self.widths.bits();
        let base = SampleBase { sample, bits };
        *self = Self {
            last: sample,
            widths: SampleWidths::of(bits),
            ..Self::new()
        };
        base
    }

    /// Appends the last sample once more. Takes no bits now.
    #[inline(always)]
    pub(crate) fn repeat(&mut self) {
        self.run = self.run.wrapping_add(1);
    }

    /// Appends `sample` and passes each full word to `store`.
    ///
    /// `capacity` is a multiple of 64. Appends nothing and returns false unless the length in bits
    /// stays less than `capacity`.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        sample: Sample,
        capacity: u32,
        store: impl FnMut(usize, u64),
    ) -> bool {
        let delta = sample.since(self.last).numbers();
        if self.run | self.widths.wide() | self.widths.excess(delta) == 0 {
            let before = self.writer.len();
            let bits = SAMPLE | self.widths.join(delta) << 1;
            self.widths.record(delta);
            match self
                .writer
                .put_within(capacity, bits, self.widths.len(), store)
            {
                None => return false,
                Some(false) => {}
                Some(true) => self.widths.adapt(before, self.writer.len()),
            }
            self.last = sample;
            return true;
        }
        let [usr, sys, wait] = sample.numbers();
        self.append_in_parts(usr, sys, wait, capacity, store)
    }

    /// Appends a sample that ends a run, needs other widths, or has wide ones. Returns false, and
    /// appends nothing, if it does not fit.
    // The numbers are three arguments, because the address of a `Sample` would be passed, so that
    // `append` would write it to memory in any case.
    #[inline(never)]
    fn append_in_parts(
        &mut self,
        usr: u64,
        sys: u64,
        wait: u64,
        capacity: u32,
        mut store: impl FnMut(usize, u64),
    ) -> bool {
        let sample = Sample { usr, sys, wait };
        let delta = sample.since(self.last).numbers();
        let widths = self.widths.widened(delta);
        let (head, head_len) = head(self.widths.bits(), widths.bits());
        let cost = head_len + widths.len() - 1;
        if self.writer.len() + run_length::cost(self.run) + cost >= capacity {
            return false;
        }
        let mut put = |bits, count| self.writer.put(bits, count, &mut store);
        run_length::put(core::mem::take(&mut self.run), &mut put);
        put(head, head_len);
        if widths.wide() == 0 {
            put(widths.join(delta), widths.len() - 1);
        } else {
            for (number, bits) in delta.into_iter().zip(widths.bits()) {
                put(number, bits.into());
            }
        }
        let after = self.writer.len();
        self.widths = widths;
        self.widths.record(delta);
        self.widths.adapt(after - cost, after);
        self.last = sample;
        true
    }
}

/// Returns what is written before the numbers of a sample whose widths are `new`, and its length in
/// bits. Those of the sample before are `old`.
fn head(old: [u8; NUMBERS], new: [u8; NUMBERS]) -> (u64, u32) {
    let mut head = WIDER;
    let mut len = WIDER_LEN + NUMBERS as u32;
    for (place, (old, new)) in old.into_iter().zip(new).enumerate() {
        if old != new {
            head |= 1 << (WIDER_LEN + place as u32) | (u64::from(new) - 1) << len;
            len += WIDTH_BITS;
        }
    }
    match head {
        WIDER => (SAMPLE, 1),
        _ => (head, len),
    }
}

#[cfg_attr(
    CONFIG_TASKMONITOR_KUNIT_TEST,
    kernel::prelude::kunit_tests(taskmonitor_sample_encoder)
)]
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
mod tests {
    use super::{
        super::{random::Random, SampleDecoder},
        *,
    };

    const WORDS: usize = 64;

    /// Encodes as many of `samples` as fit, checks that they are decoded again, and returns how
    /// many.
    fn round_trip(
        encoder: &mut SampleEncoder,
        samples: &[(Sample, u64)],
        words: &mut [u64],
    ) -> usize {
        let Some((first, rest)) = samples.split_first() else {
            return 0;
        };
        words.fill(0);
        let capacity = words.len() as u32 * 64;
        let base = encoder.begin(first.0);
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
        let mut decoder = SampleDecoder::new(base, extent);
        assert_eq!(decoder.next(words), Some(first.0));
        for (sample, repeats) in rest.iter().take(coded - 1) {
            assert_eq!(decoder.next(words), Some(*sample));
            decoder.skip(*repeats, words);
        }
        assert_eq!(decoder.next(words), None);
        coded
    }

    #[test]
    fn what_was_coded_is_decoded() {
        let mut random = Random::new(1);
        let mut encoder = SampleEncoder::new();
        let mut coded = 0;
        for _ in 0..2000 {
            let mut samples = [(Sample::default(), 0); 128];
            let mut last = Sample::default();
            for sample in &mut samples {
                last.usr = last.usr.wrapping_add(random.next_of_any_length());
                last.sys = last.sys.wrapping_add(random.next_of_any_length());
                // Half of them have not waited.
                let wait = random.next_of_any_length() * (random.next() % 2);
                last.wait = last.wait.wrapping_add(wait);
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
            let wait = edges[(index + index / 7) % 7];
            *sample = (Sample { usr, sys, wait }, 0);
        }
        let mut words = [0; 256];
        assert_eq!(
            round_trip(&mut SampleEncoder::new(), &samples, &mut words),
            samples.len()
        );
        samples.reverse();
        assert_eq!(
            round_trip(&mut SampleEncoder::new(), &samples, &mut words),
            samples.len()
        );
    }

    #[test]
    fn runs_are_decoded() {
        let mut samples = [(Sample::default(), 0); 48];
        for (index, sample) in samples.iter_mut().enumerate() {
            let usr = index as u64;
            let repeated = Sample {
                usr,
                ..Sample::default()
            };
            *sample = (repeated, (1 << index) - 1);
        }
        // Runs of 1 to 2^40, each ended by a different sample.
        let coded = round_trip(&mut SampleEncoder::new(), &samples[..42], &mut [0; WORDS]);
        assert_eq!(coded, 42);
    }

    #[test]
    fn runs_fill_a_segment_to_its_last_bit() {
        let mut random = Random::new(2);
        let mut encoder = SampleEncoder::new();
        for _ in 0..500 {
            let mut samples = [(Sample::default(), 0); 128];
            let mut last = Sample::default();
            for sample in &mut samples {
                last.usr = last.usr.wrapping_add(1 + random.next() % 1000);
                *sample = (last, random.next() % 100);
            }
            // Some end just where the segment does, and none past that.
            let coded = round_trip(&mut encoder, &samples, &mut [0; 8]);
            assert!(coded < samples.len());
        }
    }

    #[test]
    fn idle_samples_take_no_space() {
        let mut encoder = SampleEncoder::new();
        encoder.begin(Sample {
            usr: 5,
            sys: 7,
            wait: 9,
        });
        for _ in 0..1000 {
            encoder.repeat();
        }
        assert_eq!((encoder.extent().bits, encoder.extent().run), (0, 1000));
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        // If bits after the end were read, these ones would be numbers.
        let words = [u64::MAX; 4];
        for bits in 0..200 {
            let mut decoder = SampleDecoder::new(SampleBase::default(), Extent { bits, run: 0 });
            let mut count = 0;
            while decoder.next(&words[..bits.div_ceil(64) as usize]).is_some() && count < 1000 {
                count += 1;
            }
        }
    }
}
