// SPDX-License-Identifier: GPL-2.0

//! Reading a target's samples while others are added and evicted.
//!
//! A reader holds a reference to the segment in which it stands, and no lock while it gives samples
//! out. It goes on to the next one in O(1), also where its own has been evicted meanwhile.

use crate::{
    abstractions::slab::Ref,
    decoder::Decoder,
    delta::Sample,
    recorder::Recorder,
    segment::{Content, Copy, Segment},
    target::Target,
    timeline,
};

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
    times: timeline::Cursor,
}

impl Reader {
    /// A reader of nothing.
    pub(crate) const fn new() -> Self {
        Self {
            target: None,
            segment: None,
            copy: Copy::new(),
            decoder: Decoder::empty(),
            next: 0,
            end: 0,
            origin: 0,
            birth_us: None,
            last: NO_LAST,
            times: timeline::Cursor::new(),
        }
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
        self.stand_in(recorder, None);
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
                self.first_moment(recorder)
            } else {
                self.times.moment_of(recorder, self.origin + number)
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

    /// When sample 0 was taken, in a pass or before the first.
    #[cold]
    fn first_moment(&mut self, recorder: &Recorder) -> Option<u64> {
        let Some(birth_us) = self.birth_us else {
            return self.times.moment_of(recorder, self.origin);
        };
        if self.end > 1 {
            // Stands in the timeline from the first sample on, so that it can go on from there
            // whatever is evicted.
            self.times.moment_of(recorder, self.origin + 1)?;
        }
        Some(birth_us)
    }

    /// Goes to the segment in which the next sample is, or the first one after it.
    #[inline(never)]
    fn advance(&mut self, recorder: &Recorder) -> Option<()> {
        let (segment, held) = loop {
            let store = recorder.store.lock();
            let history = &self.target.as_ref()?.state(&store).history;
            let segment = match &self.segment {
                None => history.first()?,
                Some(segment) => {
                    let end = segment.end(&store);
                    match end.next() {
                        Some(next) => next,
                        // Its way on was cut.
                        None if end.is_gone() => history.first()?,
                        None => return None,
                    }
                }
            };
            // Where it begins further on, what is before that is passed over.
            let (segment, is_found) = Segment::seek(segment, self.next, &store);
            if !is_found {
                let passed = segment.clone();
                drop(store);
                self.stand_in(recorder, Some(passed));
                continue;
            }
            self.next = self.next.max(segment.first());
            if self.segment.is_none() {
                self.next = self.next.max(history.oldest);
            }
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
        self.stand_in(recorder, Some(segment));
        Some(())
    }

    fn stand_in(&mut self, recorder: &Recorder, segment: Option<Ref<Segment>>) {
        if let Some(left) = core::mem::replace(&mut self.segment, segment) {
            Segment::let_go(left, &recorder.store);
        }
    }

    /// Lets go of all that is read. To be called before a reader is dropped.
    pub(crate) fn leave(&mut self, recorder: &Recorder) {
        self.stand_in(recorder, None);
        self.times.stand_in(recorder, None);
        self.decoder = Decoder::empty();
        self.target = None;
    }
}
