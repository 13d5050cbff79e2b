// SPDX-License-Identifier: GPL-2.0

//! Reading a history while samples are appended and evicted.
//!
//! A reader holds a reference to one segment, and decodes a copy of it without a lock. It reaches
//! the next segment in O(1). If its segment has been detached meanwhile, so have all older ones,
//! and the reader continues with the oldest segment of the history. If its segment has been cut
//! (runs.rs), the reader continues with the oldest sample that is left in it. So a reader that
//! pauses keeps no more than one detached segment in memory.

use super::{
    has_history::HasHistory,
    segment::{seek, Kind},
    segment_copy::SegmentCopy,
    store::{History, Segment},
    time_cursor::TimeCursor,
    SampleCache,
};
use crate::{
    abstractions::slab::Ref,
    codec::{SampleDecoder, TimedSample},
};
use core::convert::Infallible;
use kernel::prelude::*;

/// The value of [`HistoryReader::exit`] if there is no exit sample. No sample has this number.
const NO_EXIT: (u64, u64) = (u64::MAX, 0);

/// A position in the history of one object, or of none.
pub(crate) struct HistoryReader<T> {
    owner: Option<Ref<T>>,
    segment: Option<Ref<Segment<T>>>,
    copy: SegmentCopy,
    decoder: SampleDecoder,
    /// The number of the sample that the decoder returns next.
    next: u64,
    /// The number of the first sample that is not read.
    end: u64,
    /// The pass to which sample 0 belongs.
    first_pass: u64,
    /// When sample 0 was taken, microseconds since boot, if that was not in a pass.
    first_time_us: Option<u64>,
    /// The number and the time of the exit sample, or [`NO_EXIT`].
    exit: (u64, u64),
    times: TimeCursor,
}

impl<T: HasHistory> HistoryReader<T> {
    /// A reader of nothing. Initialised in place, because it is large.
    pub(crate) fn new() -> impl Init<Self, Infallible> {
        init!(Self {
            owner: None,
            segment: None,
            copy <- SegmentCopy::new(),
            decoder: SampleDecoder::empty(),
            next: 0,
            end: 0,
            first_pass: 0,
            first_time_us: None,
            exit: NO_EXIT,
            times <- TimeCursor::new(),
        })
    }

    /// Returns the object whose history is read.
    pub(crate) fn owner(&self) -> Option<&Ref<T>> {
        self.owner.as_ref()
    }

    /// Begins to read the history of `owner`: its samples after the pass `after` (`None`: all),
    /// up to the one of the pass `last`. Takes the lock of the store.
    ///
    /// A first sample that was not taken in a pass counts as before all passes.
    pub(crate) fn enter(
        &mut self,
        samples: &SampleCache<T>,
        owner: Ref<T>,
        after: Option<u64>,
        last: u64,
    ) {
        let from = |history: &History<T>| after.map_or(0, |after| history.number_after(after));
        self.begin(samples, owner, from, last);
    }

    /// Begins to read the newest `count` samples of the history of `owner`. Takes the lock of the
    /// store.
    pub(crate) fn enter_newest(&mut self, samples: &SampleCache<T>, owner: Ref<T>, count: u64) {
        let from = |history: &History<T>| history.next().saturating_sub(count);
        self.begin(samples, owner, from, u64::MAX - 1);
    }

    fn begin(
        &mut self,
        samples: &SampleCache<T>,
        owner: Ref<T>,
        from: impl FnOnce(&History<T>) -> u64,
        last_pass: u64,
    ) {
        self.segment = None;
        self.decoder = SampleDecoder::empty();
        let store = samples.lock();
        let history = owner.history(&store);
        self.first_pass = history.first_pass();
        self.next = from(history).max(history.oldest());
        self.end = history.next().min(history.number_after(last_pass));
        self.first_time_us = history.first_time_us();
        self.exit = match history.last_time_us() {
            Some(time_us) => (history.next() - 1, time_us),
            None => NO_EXIT,
        };
        drop(store);
        self.owner = Some(owner);
    }

    /// Returns the next sample; `None` after the last one. No spinlock may be held.
    #[inline(always)]
    pub(crate) fn next(&mut self, samples: &SampleCache<T>) -> Option<TimedSample> {
        while self.next < self.end {
            let Some(sample) = self.decoder.next(&self.copy) else {
                self.advance(samples)?;
                continue;
            };
            let number = self.next;
            let is_exit = number == self.exit.0;
            let time = if is_exit {
                Some(self.exit.1)
            } else if number == 0 {
                self.first_time_us.or_else(|| self.time_of(samples, 0))
            } else {
                self.time_of(samples, number)
            };
            let Some(time_us) = time else {
                // The sample has been evicted. The rest of the history begins later.
                self.decoder = SampleDecoder::empty();
                self.next += 1;
                continue;
            };
            self.next += 1;
            return Some(TimedSample {
                number,
                sample,
                time_us,
                is_exit,
            });
        }
        None
    }

    /// Returns when the pass of the sample `number` began, microseconds since boot. Returns `None`
    /// if the timestamp has been freed.
    #[inline(always)]
    fn time_of(&mut self, samples: &SampleCache<T>, number: u64) -> Option<u64> {
        let pass = self.first_pass + number;
        self.times.time_of(samples, self.segment.as_ref(), pass)
    }

    /// Copies the segment that holds the next sample, or the oldest one after it that is left.
    /// Returns `None` if there is no such segment.
    #[inline(never)]
    fn advance(&mut self, samples: &SampleCache<T>) -> Option<()> {
        let (segment, contents) = loop {
            let store = samples.lock();
            let history = self.owner.as_ref()?.history(&store);
            self.next = self.next.max(history.oldest());
            let own = self.segment.as_ref();
            let own = own.filter(|segment| !segment.state(&store).is_detached());
            let (segment, is_found) = seek(own.or(history.first_segment())?, self.next, &store);
            if !is_found {
                let passed = segment.clone();
                drop(store);
                self.segment = Some(passed);
                continue;
            }
            // Samples before the segment have been evicted: skip them.
            self.next = self.next.max(segment.first());
            let contents = store.contents_of(segment);
            if self.next - segment.first() >= contents.count.into() {
                return None;
            }
            break (segment.clone(), contents);
        };
        if let Kind::Samples { base, .. } = segment.kind() {
            self.copy.fill(&segment, &contents);
            self.decoder = SampleDecoder::new(*base, contents.extent);
            self.decoder.skip(self.next - segment.first(), &self.copy);
        }
        self.segment = Some(segment);
        Some(())
    }

    /// Ends reading: drops the references to the object and to its segment. No spinlock may be
    /// held.
    pub(crate) fn leave(&mut self) {
        self.segment = None;
        self.decoder = SampleDecoder::empty();
        self.owner = None;
    }
}
