// SPDX-License-Identifier: GPL-2.0

//! When each pass began. All targets are sampled in each pass, so its moment is kept once, for all.
//!
//! Passes are numbered from 1. A segment of the timeline goes when the samples of all passes in it
//! are gone.

use crate::{
    abstractions::slab::{Ref, Vacant},
    delta::Extent,
    moments,
    queue::Queue,
    recorder::Recorder,
    sample_cache::Store,
    segment::{Content, Copy, Held, Segment},
};
use kernel::sync::SpinLock;

/// The moments of the passes.
pub(crate) struct Timeline {
    queue: Queue,
    /// Whether the last segment is being filled.
    open: bool,
    encoder: moments::Encoder,
    /// Moments in the last segment.
    held: u16,
    segments: usize,
    /// The number of the next pass.
    next: u64,
}

impl Timeline {
    /// No passes yet.
    pub(crate) const fn new() -> Self {
        Self {
            queue: Queue::new(),
            open: false,
            encoder: moments::Encoder::new(),
            held: 0,
            segments: 0,
            next: 1,
        }
    }

    /// The number of the next pass.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// When the last pass began, microseconds since boot; 0: there was none.
    pub(crate) fn last_us(&self) -> u64 {
        self.encoder.last()
    }

    /// How many segments it takes.
    pub(crate) fn segments(&self) -> usize {
        self.segments
    }

    /// The oldest segment.
    pub(crate) fn first(&self) -> Option<&Ref<Segment>> {
        self.queue.first()
    }

    /// Drops the oldest segment, which leads to `next`. Returns what it holds, if it was open.
    pub(crate) fn cut(&mut self, next: Option<Ref<Segment>>) -> Option<Held> {
        let sealed = self.held().filter(|_| next.is_none());
        self.open &= next.is_some();
        self.segments -= 1;
        drop(self.queue.cut(next));
        sealed
    }

    fn held(&self) -> Option<Held> {
        let extent = Extent {
            bits: self.encoder.bits(),
            run: 0,
        };
        self.open.then_some(Held {
            extent,
            tail: Some(self.encoder.tail()),
            count: self.held,
        })
    }

    /// Writes down the next pass where the last segment has room for it.
    fn append(&mut self, moment: u64) -> bool {
        let (true, Some(last)) = (self.open && self.held < u16::MAX, self.queue.last()) else {
            return false;
        };
        let done = self.encoder.append(moment, last.capacity(), |index, word| {
            last.set_word(index, word)
        });
        if done {
            self.held += 1;
            self.next += 1;
        }
        done
    }
}

/// Writes down that the next pass begins at `moment`, microseconds since boot, which is kept until
/// [`Store::end_pass`] at least; `step` are expected until the pass after it. False: it takes a new
/// segment, and `spare` is none.
pub(crate) fn begin_pass(
    store: &mut Store,
    lock: &SpinLock<Store>,
    moment: u64,
    step: u64,
    spare: &mut Option<Vacant<Segment>>,
) -> bool {
    let begun = store.timeline.append(moment) || begin_segment(store, lock, moment, step, spare);
    store.is_in_pass |= begun;
    begun
}

/// Writes it down as the first one of a new segment; false where `spare` is none.
fn begin_segment(
    store: &mut Store,
    lock: &SpinLock<Store>,
    moment: u64,
    step: u64,
    spare: &mut Option<Vacant<Segment>>,
) -> bool {
    let Some(vacant) = spare.take() else {
        return false;
    };
    let timeline = &mut store.timeline;
    let sealed = timeline.held();
    let base = timeline.encoder.rebase(moment, step);
    let segment = vacant.fill(Segment::new(timeline.next, Content::Moments { base }, lock));
    let last = timeline.queue.push(segment.clone());
    timeline.open = true;
    timeline.held = 1;
    timeline.segments += 1;
    timeline.next += 1;
    store.bytes += segment.size();
    if let Some(last) = last {
        last.end_mut(store).lead_to(segment);
        if let Some(held) = sealed {
            last.seal(store, held);
        }
    }
    true
}

/// A place in the timeline that looks up moments: O(1) where the passes asked for rise one by one.
pub(crate) struct Cursor {
    segment: Option<Ref<Segment>>,
    copy: Copy,
    decoder: moments::Decoder,
    /// The pass whose moment the decoder gives next.
    pass: u64,
    /// The moment before that.
    moment_us: u64,
}

impl Cursor {
    /// A cursor that has looked up nothing.
    pub(crate) const fn new() -> Self {
        Self {
            segment: None,
            copy: Copy::new(),
            decoder: moments::Decoder::empty(),
            pass: 0,
            moment_us: 0,
        }
    }

    /// The moment at which `pass` began; `None` where that has been evicted.
    #[inline(always)]
    pub(crate) fn moment_of(&mut self, recorder: &Recorder, pass: u64) -> Option<u64> {
        if pass == self.pass {
            if let Some(moment) = self.decoder.next(&self.copy) {
                self.pass += 1;
                self.moment_us = moment;
                return Some(moment);
            }
        }
        self.find_moment_of(recorder, pass)
    }

    #[inline(never)]
    fn find_moment_of(&mut self, recorder: &Recorder, pass: u64) -> Option<u64> {
        if pass + 1 == self.pass {
            return Some(self.moment_us);
        }
        if pass < self.pass {
            self.stand_in(recorder, None);
        }
        loop {
            while let Some(moment) = self.decoder.next(&self.copy) {
                self.pass += 1;
                self.moment_us = moment;
                if self.pass > pass {
                    return Some(moment);
                }
            }
            self.load(recorder, pass)?;
        }
    }

    /// Goes to the segment in which `pass` is, which is the present one again where that has grown.
    fn load(&mut self, recorder: &Recorder, pass: u64) -> Option<()> {
        let (segment, held) = loop {
            let store = recorder.store.lock();
            let timeline = &store.timeline;
            let leads_on = |own: &&Ref<Segment>| {
                let end = own.end(&store);
                end.next().is_some() || !end.is_gone()
            };
            // Where its way on was cut, from the beginning again.
            let own = self.segment.as_ref().filter(leads_on);
            let (segment, is_found) = Segment::seek(own.or(timeline.first())?, pass, &store);
            if !is_found {
                let passed = segment.clone();
                drop(store);
                self.stand_in(recorder, Some(passed));
                continue;
            }
            let last = timeline.queue.last();
            let is_last = last.is_some_and(|last| core::ptr::eq(&**last, &**segment));
            let open = timeline.held().filter(|_| is_last);
            let held = open.unwrap_or_else(|| segment.end(&store).held());
            let end = segment.first() + u64::from(held.count);
            if !(segment.first()..end).contains(&pass) {
                return None;
            }
            break (segment.clone(), held);
        };
        let Content::Moments { base } = segment.content() else {
            return None;
        };
        self.copy.fill(&segment, &held);
        self.decoder = moments::Decoder::new(*base, held.extent.bits);
        self.pass = segment.first();
        self.stand_in(recorder, Some(segment));
        Some(())
    }

    /// Goes to another segment, or to none.
    pub(crate) fn stand_in(&mut self, recorder: &Recorder, segment: Option<Ref<Segment>>) {
        if segment.is_none() {
            self.pass = 0;
            self.decoder = moments::Decoder::empty();
        }
        if let Some(left) = core::mem::replace(&mut self.segment, segment) {
            Segment::let_go(left, &recorder.store);
        }
    }
}
