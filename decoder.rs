// SPDX-License-Identifier: GPL-2.0

//! Reading the samples of a segment back. Pure functions; delta.rs tells how they are coded.

use crate::{
    bits::{Reader, Words},
    delta::{Base, Extent, Sample, Widths, SAMPLE},
    run,
    width::Width,
};

/// Reads back what an [`Encoder`](crate::encoder::Encoder) wrote.
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
            widths: base.widths(),
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
            if bits & 1 | u64::from(self.widths.wide) == SAMPLE && self.reader.pass(self.widths.len)
            {
                let bits = bits >> 1;
                let delta = Sample {
                    usr: self.widths.usr.cut(bits),
                    sys: self
                        .widths
                        .sys
                        .cut(bits.wrapping_shr(self.widths.usr.bits())),
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
        } else if self.reader.take(words, 1) == run::BEGIN >> 1 {
            self.repeat = run::take(&mut self.reader, words);
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
