// SPDX-License-Identifier: GPL-2.0

//! One target's samples: its segments, and what is needed to append to the last of them.

use crate::{
    abstractions::slab::Ref,
    delta::{Base, Sample},
    encoder::Encoder,
    segment::{Held, Queue, Segment},
};

/// How many samples a segment holds at most, so that an idle target's history has an age too.
const SPAN: u16 = 4096;

/// One target's samples.
pub(crate) struct History {
    /// Its segments.
    pub(crate) queue: Queue,
    /// Whether the last segment is being filled.
    open: bool,
    /// How many more samples the last segment may hold; 0 where it is not open.
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

    /// The last sample, also where it has been evicted.
    pub(crate) fn last(&self) -> Sample {
        self.encoder.last()
    }

    /// What is in `segment`, one of this history's, where it is still being filled.
    pub(crate) fn held_open(&self, segment: &Segment) -> Option<Held> {
        let held = self.held()?;
        core::ptr::eq(&***self.queue.last()?, segment).then_some(held)
    }

    /// Whether the last segment may take another sample, and no more than `max_samples` are alive then.
    #[inline(always)]
    pub(crate) fn has_room(&self, max_samples: u64) -> bool {
        self.room != 0 && self.next.wrapping_sub(self.oldest) < max_samples
    }

    /// Appends the last sample once more. Only where there [is room](Self::has_room).
    #[inline(always)]
    pub(crate) fn repeat(&mut self) {
        self.encoder.repeat();
        self.count();
    }

    /// Appends `sample`; false where its bits do not fit the last segment. Only where there
    /// [is room](Self::has_room).
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

    /// Counts a sample as appended to the last segment, which has room.
    #[inline(always)]
    fn count(&mut self) {
        // Not below 0, as there was room.
        self.room = self.room.wrapping_sub(1);
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
        self.room = SPAN;
        self.capacity = capacity;
        self.count();
        (sealed, base)
    }

    /// Drops the oldest segment, which leads to `next`. Returns what it holds, if it was open.
    pub(crate) fn cut(&mut self, next: Option<Ref<Segment>>) -> Option<Held> {
        let sealed = self.held().filter(|_| next.is_none());
        if next.is_none() {
            self.open = false;
            self.room = 0;
        }
        self.queue.cut(next);
        sealed
    }

    fn held(&self) -> Option<Held> {
        self.open.then(|| Held {
            extent: self.encoder.extent(),
            tail: Some(self.encoder.tail()),
            count: SPAN - self.room,
        })
    }
}
