// SPDX-License-Identifier: GPL-2.0

//! Reading a target's samples while others are added and evicted.
//!
//! A reader holds a reference to the segment in which it stands, and no lock while it gives samples
//! out. It goes on to the next one in O(1). Where its own has been detached meanwhile, everything older
//! has been too, and it goes on at the target's oldest. So a reader who stands still keeps one segment
//! from being freed, whatever goes on behind it.

use crate::{
    abstractions::slab::Ref,
    cursor::Cursor,
    decoder::Decoder,
    delta::Sample,
    recorder::Recorder,
    segment::{Content, Copy, Segment},
    target::Target,
};
use core::convert::Infallible;
use kernel::prelude::*;

/// A sample as it is shown.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Which of the target's it is, from 0.
    pub(crate) number: u64,
    /// CPU time consumed.
    pub(crate) sample: Sample,
    /// When it was taken, microseconds since boot.
    pub(crate) time_us: u64,
    /// Whether it is the last one of a task that has ended.
    pub(crate) is_end: bool,
}

const NO_LAST: (u64, u64) = (u64::MAX, 0);

/// A place in the history of one target, or of none.
pub(crate) struct Reader {
    target: Option<Ref<Target>>,
    segment: Option<Ref<Segment>>,
    copy: Copy,
    decoder: Decoder,
    /// The number of the sample that the decoder gives next.
    next: u64,
    /// The number of the first sample that is not to be shown.
    end: u64,
    /// What to add to a sample's number for that of its pass.
    origin: u64,
    birth_us: Option<u64>,
    /// The number and the moment of the last sample of a target that has ended; else a number that
    /// no sample has.
    last: (u64, u64),
    times: Cursor,
}

impl Reader {
    /// A reader of nothing. Made in place, being large.
    pub(crate) fn new() -> impl Init<Self, Infallible> {
        init!(Self {
            target: None,
            segment: None,
            copy <- Copy::new(),
            decoder: Decoder::empty(),
            next: 0,
            end: 0,
            origin: 0,
            birth_us: None,
            last: NO_LAST,
            times <- Cursor::new(),
        })
    }

    /// The target that is read.
    pub(crate) fn target(&self) -> Option<&Ref<Target>> {
        self.target.as_ref()
    }

    /// Begins to read `target`: its samples from the number `from` on, of passes up to `until`.
    pub(crate) fn enter(
        &mut self,
        recorder: &Recorder,
        target: Ref<Target>,
        from: u64,
        until: u64,
    ) {
        self.segment = None;
        self.decoder = Decoder::empty();
        let store = recorder.store.lock();
        let state = target.state(&store);
        let history = &state.history;
        self.next = from.max(history.oldest);
        self.end = history.next.min((until + 1).saturating_sub(history.origin));
        self.origin = history.origin;
        self.birth_us = state.birth_us;
        self.last = match state.end_us {
            Some(end_us) => (history.next - 1, end_us),
            None => NO_LAST,
        };
        drop(store);
        self.target = Some(target);
    }

    /// The next sample; `None` behind the last.
    #[inline(always)]
    pub(crate) fn next(&mut self, recorder: &Recorder) -> Option<Row> {
        while self.next < self.end {
            let Some(sample) = self.decoder.next(&self.copy) else {
                self.advance(recorder)?;
                continue;
            };
            let number = self.next;
            let is_end = number == self.last.0;
            let time = if is_end {
                Some(self.last.1)
            } else if number == 0 {
                self.birth_us.or_else(|| self.moment_of(recorder, 0))
            } else {
                self.moment_of(recorder, number)
            };
            let Some(time_us) = time else {
                // Evicted, and so is its pass. What is left begins elsewhere.
                self.decoder = Decoder::empty();
                continue;
            };
            self.next += 1;
            return Some(Row {
                number,
                sample,
                time_us,
                is_end,
            });
        }
        None
    }

    /// When the pass of that sample began.
    #[inline(always)]
    fn moment_of(&mut self, recorder: &Recorder, number: u64) -> Option<u64> {
        let pass = self.origin + number;
        self.times.moment_of(recorder, self.segment.as_ref(), pass)
    }

    /// Loads the segment that holds the next sample, or the first one after it.
    #[inline(never)]
    fn advance(&mut self, recorder: &Recorder) -> Option<()> {
        let (segment, held) = loop {
            let store = recorder.store.lock();
            let history = &self.target.as_ref()?.state(&store).history;
            let own = self.segment.as_ref().map(|segment| segment.end(&store));
            let segment = match own.filter(|end| !end.is_detached()) {
                Some(end) => end.next()?,
                None => {
                    self.next = self.next.max(history.oldest);
                    history.first()?
                }
            };
            // Where it begins further on, what is before that is passed over.
            let (segment, is_found) = Segment::seek(segment, self.next, &store);
            if !is_found {
                let passed = segment.clone();
                drop(store);
                self.segment = Some(passed);
                continue;
            }
            self.next = self.next.max(segment.first());
            let held = history
                .held_open(segment)
                .unwrap_or_else(|| segment.end(&store).held());
            break (segment.clone(), held);
        };
        if let Content::Samples { base, .. } = segment.content() {
            self.copy.fill(&segment, &held);
            self.decoder = Decoder::new(*base, held.extent);
            self.decoder.skip(self.next - segment.first(), &self.copy);
        }
        self.segment = Some(segment);
        Some(())
    }

    /// Drops the references to what is read.
    pub(crate) fn leave(&mut self) {
        self.segment = None;
        self.decoder = Decoder::empty();
        self.target = None;
    }
}
