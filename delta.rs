// SPDX-License-Identifier: GPL-2.0

//! How the samples of a task are coded in a segment: pure functions, no kernel in them.
//!
//! A segment begins with a sample in full, its base. Each further sample is what was consumed since
//! the one before, two numbers, microseconds in user mode and in the kernel, each in as many bits as
//! the widest of the last few of its kind took:
//!
//! | bits | |
//! | --- | --- |
//! | `0` user, system | a sample |
//! | `11` width, width, user, system | a sample that takes more; two widths of 7 bits each |
//! | `10` length | the sample before is repeated so often; groups of 3 bits, a 1 before each but the last |
//!
//! A repeated sample takes no room, only a count, the run, which is written down when a different
//! sample ends it. When samples were taken is not told here: it is the same for all tasks, see
//! timeline.rs.

use crate::{
    bits::{low_bits, Reader, Words, Writer},
    width::Width,
};
use kernel::prelude::*;

/// CPU time consumed since a task began, in microseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    /// In user mode.
    pub(crate) usr: u64,
    /// In the kernel.
    pub(crate) sys: u64,
}

impl Sample {
    #[inline(always)]
    fn since(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_sub(before.usr),
            sys: self.sys.wrapping_sub(before.sys),
        }
    }

    #[inline(always)]
    fn after(self, before: Sample) -> Sample {
        Sample {
            usr: self.usr.wrapping_add(before.usr),
            sys: self.sys.wrapping_add(before.sys),
        }
    }
}

/// What begins a sample.
const SAMPLE: u64 = 0b0;
/// What begins a sample in other widths.
const WIDER: u64 = 0b11;
/// What begins a run.
const RUN: u64 = 0b01;
/// The bits of a run's length in one group.
const RUN_GROUP: u32 = 3;

/// The widths in which the two numbers are written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Widths {
    usr: Width,
    sys: Width,
    /// Not 0 where one of them is not narrow.
    wide: u64,
}

impl Widths {
    const fn zero() -> Self {
        Self {
            usr: Width::zero(),
            sys: Width::zero(),
            wide: 0,
        }
    }

    fn new(usr: Width, sys: Width) -> Self {
        let wide = !(usr.is_narrow() && sys.is_narrow());
        Self {
            usr,
            sys,
            wide: wide.into(),
        }
    }

    /// 0 where both widths are narrow and hold the numbers.
    #[inline(always)]
    fn excess(&self, delta: Sample) -> u64 {
        self.wide | self.usr.excess(delta.usr) | self.sys.excess(delta.sys)
    }

    fn widened(&self, delta: Sample) -> Self {
        Self::new(self.usr.widened(delta.usr), self.sys.widened(delta.sys))
    }

    fn bits(&self) -> u32 {
        self.usr.bits() + self.sys.bits()
    }

    /// Takes note of a sample.
    #[inline(always)]
    fn note(&mut self, delta: Sample) {
        self.usr.note(delta.usr);
        self.sys.note(delta.sys);
    }

    /// Renews both, where that is due after a sample from `before` to `after`.
    #[inline(always)]
    fn renew(&mut self, before: u32, after: u32) {
        if Width::is_due(before, after) {
            *self = Self::new(self.usr.renewed(), self.sys.renewed());
        }
    }
}

/// What a decoder starts from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Base {
    /// The first sample.
    pub(crate) sample: Sample,
    usr_bits: u8,
    sys_bits: u8,
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
        let (usr, sys) = (self.widths.usr.bits(), self.widths.sys.bits());
        *self = Self {
            last: sample,
            widths: Widths::new(Width::of(usr), Width::of(sys)),
            ..Self::new()
        };
        // A width is 64 at most.
        let (usr_bits, sys_bits) = (usr as u8, sys as u8);
        Base {
            sample,
            usr_bits,
            sys_bits,
        }
    }

    /// Appends the last sample once more. It takes no room.
    #[inline(always)]
    pub(crate) fn repeat(&mut self) {
        self.run = self.run.wrapping_add(1);
    }

    /// Appends `sample`, handing each word that is full to `store`; or does nothing and returns
    /// false where the bits would be more than `capacity`.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        sample: Sample,
        capacity: u32,
        store: impl FnMut(usize, u64),
    ) -> bool {
        let delta = sample.since(self.last);
        if delta.usr | delta.sys == 0 {
            self.repeat();
            return true;
        }
        if self.run | self.widths.excess(delta) == 0 {
            let usr = self.widths.usr.bits();
            let len = 1 + usr + self.widths.sys.bits();
            if self.writer.len().wrapping_add(len) > capacity {
                return false;
            }
            let before = self.writer.len();
            let bits = SAMPLE | delta.usr << 1 | delta.sys << (1 + usr);
            self.widths.note(delta);
            if self.writer.put(bits, len, store) {
                self.widths.renew(before, self.writer.len());
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
        let mut cost = widths.bits();
        cost += if is_wider { 2 + 2 * Width::FIELD } else { 1 };
        cost += run_cost(self.run);
        if self.writer.len() + cost > capacity {
            return false;
        }
        let mut put = |bits, count| {
            self.writer.put(bits, count, &mut store);
            self.writer.len()
        };
        let before = put_run(core::mem::take(&mut self.run), &mut put);
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

/// How many bits a run takes.
fn run_cost(run: u64) -> u32 {
    match run {
        0 => 0,
        _ => 2 + (1 + RUN_GROUP) * (u64::BITS - run.leading_zeros()).div_ceil(RUN_GROUP),
    }
}

/// Writes a run, if it is one. Returns what `put` does: how many bits have been written then.
fn put_run(mut run: u64, mut put: impl FnMut(u64, u32) -> u32) -> u32 {
    let mut len = match run {
        0 => put(0, 0),
        _ => put(RUN, 2),
    };
    while run != 0 {
        let group = run & low_bits(RUN_GROUP);
        run >>= RUN_GROUP;
        len = put(u64::from(run != 0) | group << 1, 1 + RUN_GROUP);
    }
    len
}

/// Reads what [`put_run`] wrote, but for what begins it.
fn take_run<W: Words + ?Sized>(from: &mut Reader, words: &W) -> u64 {
    let mut run = 0;
    let mut shift = 0;
    while shift < u64::BITS {
        let group = from.take(words, 1 + RUN_GROUP);
        run |= group >> 1 << shift;
        shift += RUN_GROUP;
        if group & 1 == 0 {
            break;
        }
    }
    run
}

/// Reads back what an [`Encoder`] wrote.
#[derive(Clone, Copy, Default)]
pub(crate) struct Decoder {
    last: Sample,
    /// How often `last` is to be given out before anything is read.
    repeat: u64,
    widths: Widths,
    reader: Reader,
    /// The run behind the bits.
    run: u64,
}

impl Decoder {
    /// A decoder that gives nothing.
    pub(crate) const fn empty() -> Self {
        Self {
            last: Sample { usr: 0, sys: 0 },
            repeat: 0,
            widths: Widths::zero(),
            reader: Reader::new(0),
            run: 0,
        }
    }

    /// A decoder for a segment of this base and extent.
    pub(crate) fn new(base: Base, extent: Extent) -> Self {
        Self {
            last: base.sample,
            repeat: 1,
            widths: Widths::new(
                Width::of(base.usr_bits.into()),
                Width::of(base.sys_bits.into()),
            ),
            reader: Reader::new(extent.bits),
            run: extent.run,
        }
    }

    /// The next sample; `None` behind the last. `words` are those of the segment, at each call.
    #[inline(always)]
    pub(crate) fn next<W: Words + ?Sized>(&mut self, words: &W) -> Option<Sample> {
        if self.repeat == 0 {
            let at = self.reader.at();
            let bits = self.reader.peek(words);
            let (usr, sys) = (self.widths.usr.bits(), self.widths.sys.bits());
            if bits & 1 | self.widths.wide == SAMPLE && self.reader.pass(1 + usr + sys) {
                let delta = Sample {
                    usr: self.widths.usr.cut(bits >> 1),
                    sys: self.widths.sys.cut(bits >> (1 + usr)),
                };
                return Some(self.follow(delta, at));
            }
            return self.next_in_parts(words);
        }
        self.repeat -= 1;
        Some(self.last)
    }

    /// Goes on to the next sample, which was read from `before` on.
    #[inline(always)]
    fn follow(&mut self, delta: Sample, before: u32) -> Sample {
        self.widths.note(delta);
        self.widths.renew(before, self.reader.at());
        self.last = delta.after(self.last);
        self.last
    }

    /// Reads what is not written at once.
    #[inline(never)]
    fn next_in_parts<W: Words + ?Sized>(&mut self, words: &W) -> Option<Sample> {
        let before = self.reader.at();
        if self.reader.is_empty() {
            self.repeat = core::mem::take(&mut self.run);
        } else if self.reader.take(words, 1) == SAMPLE {
            return Some(self.take_sample(words, before));
        } else if self.reader.take(words, 1) == RUN >> 1 {
            self.repeat = take_run(&mut self.reader, words);
        } else {
            let mut take = |width: Width| {
                let bits = self.reader.take(words, Width::FIELD);
                width.with_bits(bits as u32)
            };
            self.widths = Widths::new(take(self.widths.usr), take(self.widths.sys));
            return Some(self.take_sample(words, before));
        }
        self.repeat = self.repeat.checked_sub(1)?;
        Some(self.last)
    }

    fn take_sample<W: Words + ?Sized>(&mut self, words: &W, before: u32) -> Sample {
        let mut take = |width: Width| self.reader.take(words, width.bits());
        let delta = Sample {
            usr: take(self.widths.usr),
            sys: take(self.widths.sys),
        };
        self.follow(delta, before)
    }

    /// Passes over the next `count` samples, or fewer where fewer are left.
    pub(crate) fn skip<W: Words + ?Sized>(&mut self, mut count: u64, words: &W) {
        while count != 0 {
            // Runs are passed over at once.
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
