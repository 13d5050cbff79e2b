// SPDX-License-Identifier: GPL-2.0

//! One target's samples: its segments, and what is needed to append to the last of them.

use crate::{
    abstractions::slab::Ref,
    delta::{Base, Sample},
    encoder::Encoder,
    queue::Queue,
    segment::{Held, Segment},
};

/// How many samples a segment holds at most, so that an idle target's history has an age too.
pub(crate) const SPAN: u16 = 4096;

/// One target's samples.
pub(crate) struct History {
    /// Its segments.
    pub(crate) queue: Queue,
    /// Whether the last segment is being filled.
    open: bool,
    /// How many more samples may be appended before the limits are looked at: that of the last segment,
    /// which is open then, and that on how many are kept.
    room: u16,
    /// How many bits the last segment may hold.
    capacity: u32,
    encoder: Encoder,
    /// The number of the oldest sample that counts as alive.
    pub(crate) oldest: u64,
    /// The number of the next sample.
    pub(crate) next: u64,
    /// The number of the pass to which sample 0 belongs.
    pub(crate) origin: u64,
}

impl History {
    /// No samples.
    pub(crate) const fn new() -> Self {
        Self {
            queue: Queue::new(),
            open: false,
            room: 0,
            capacity: 0,
            encoder: Encoder::new(),
            oldest: 0,
            next: 0,
            origin: 0,
        }
    }

    /// The oldest segment.
    pub(crate) fn first(&self) -> Option<&Ref<Segment>> {
        self.queue.first()
    }

    /// How many samples count as alive.
    #[inline(always)]
    pub(crate) fn alive(&self) -> u64 {
        self.next.wrapping_sub(self.oldest)
    }

    /// The last sample, also where it has been evicted.
    pub(crate) fn last(&self) -> Sample {
        self.encoder.last()
    }

    /// What is in `segment`, one of this history's, where it is still being filled.
    pub(crate) fn held_open(&self, segment: &Segment) -> Option<Held> {
        let held = self.held()?;
        core::ptr::eq(&***self.queue.last()?, segment).then_some(held)
    }

    /// Whether another sample may be appended with no look at the limits. Takes it as appended.
    #[inline(always)]
    pub(crate) fn take_room(&mut self) -> bool {
        let (left, is_none) = self.room.overflowing_sub(1);
        if !is_none {
            self.room = left;
        }
        !is_none
    }

    /// Looks at the limits: no more than `max_samples` are kept.
    pub(crate) fn renew_room(&mut self, max_samples: u64) {
        let kept = self.next.saturating_sub(self.oldest);
        let span = self.span_left();
        // No more than `SPAN`.
        self.room = max_samples.saturating_sub(kept).min(span.into()) as u16;
    }

    /// How many more samples the last segment may hold, if their bits fit; 0 where it is not open.
    pub(crate) fn span_left(&self) -> u16 {
        self.held()
            .map_or(0, |held| SPAN.saturating_sub(held.count))
    }

    /// Appends the last sample once more, where the last segment [may hold it](Self::span_left).
    #[inline(always)]
    pub(crate) fn repeat(&mut self) {
        self.encoder.repeat();
        self.count();
    }

    /// Appends `sample`, where the last segment [may hold it](Self::span_left); false where its bits do
    /// not fit.
    #[inline(always)]
    pub(crate) fn append(&mut self, sample: Sample) -> bool {
        let queue = &self.queue;
        let store = |index, word| {
            if let Some(last) = queue.last() {
                last.set_word(index, word);
            }
        };
        let fits = self.encoder.append(sample, self.capacity, store);
        if fits {
            self.count();
        }
        fits
    }

    /// Counts a sample as appended.
    #[inline(always)]
    fn count(&mut self) {
        // 64 bits do not run out.
        self.next = self.next.wrapping_add(1);
    }

    /// Counts `sample` (`None`: the last one again) as the first one of a segment for that many bits,
    /// which is to be pushed to the queue. Returns what the one before it holds, if it was open, and the base of
    /// the new one.
    pub(crate) fn begin(&mut self, sample: Option<Sample>, capacity: u32) -> (Option<Held>, Base) {
        let sealed = self.held();
        let base = self.encoder.rebase(sample.unwrap_or(self.last()));
        self.open = true;
        self.capacity = capacity;
        self.count();
        (sealed, base)
    }

    /// Closes the last segment. Returns it, and what it holds, if it was open.
    pub(crate) fn close(&mut self) -> Option<(Ref<Segment>, Held)> {
        let held = self.held()?;
        self.open = false;
        self.room = 0;
        Some((self.queue.last()?.clone(), held))
    }

    /// Takes the oldest segment out, which leads to `next`; none if it is the last, which has been
    /// [closed](Self::close). Returns it.
    pub(crate) fn cut(&mut self, next: Option<Ref<Segment>>) -> Option<Ref<Segment>> {
        self.queue.cut(next)
    }

    fn held(&self) -> Option<Held> {
        let last = self.queue.last().filter(|_| self.open)?;
        Some(Held {
            extent: self.encoder.extent(),
            tail: Some(self.encoder.tail()),
            // No more than `SPAN`.
            count: self.next.wrapping_sub(last.first()) as u16,
        })
    }
}
