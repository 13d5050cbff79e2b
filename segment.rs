// SPDX-License-Identifier: GPL-2.0

//! A segment: the block of fixed size in which samples, or the moments of passes, are kept.

use crate::{
    abstractions::{
        list::Links,
        slab::{Batch, Last, Object, Ref},
    },
    bits::Words,
    delta::{self, Extent},
    impl_linked, moments,
    sample_cache::Store,
    target::Target,
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::{atomic::Relaxed, LockedBy, SpinLock},
};

/// The bytes of a segment's payload, in words of 64 bits: 512 bytes with what is before it. Smaller
/// ones take more for each sample; larger ones give fewer pages back when half of them are evicted,
/// as those that are being filled stay, and are dear for a task of few samples.
pub(crate) const WORDS: u16 = 51;
/// The same for the first segment of a target, as many a task's life is short.
pub(crate) const BRIEF_WORDS: u16 = 7;

/// How many segments of a queue a reader passes by before others get the lock.
const STRIDE: usize = 64;

/// A segment in the cache.
///
/// Only the sampler writes into it, and only while it is the last of its queue: words behind those
/// that are full. So whoever has been told, under the lock, what it holds may read it without.
pub(crate) struct Segment {
    by_age: Links<Segment>,
    content: Content,
    /// The number of its first sample, or of its first pass.
    first: u64,
    end: LockedBy<End, Store>,
}

impl_linked!(Segment, 0, by_age);

/// What is in a segment.
pub(crate) enum Content {
    /// Samples of one target.
    Samples {
        /// Whose.
        owner: Ref<Target>,
        /// The first.
        base: delta::Base,
    },
    /// Moments of passes.
    Moments {
        /// The first.
        base: moments::Base,
    },
}

/// What a segment holds.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    /// What has been coded in it.
    pub(crate) extent: Extent,
    /// The last bits of that, where it is still being filled: those that do not fill a word.
    pub(crate) tail: Option<u64>,
    /// How many samples or moments that is.
    pub(crate) count: u16,
}

/// The end of a segment.
#[derive(Default)]
pub(crate) struct End {
    /// The bits in use, once it is sealed.
    bits: u16,
    /// How often the last sample is repeated behind them, once it is sealed.
    run: u16,
    /// How many samples or moments it holds, once it is sealed.
    count: u16,
    /// Whether it has left its queue.
    gone: bool,
    /// The segment after it in its queue. Outlives its own place there, so that a reader who stands
    /// in a segment that was evicted finds the way.
    next: Option<Ref<Segment>>,
}

impl End {
    /// Has the segment lead to `next`.
    pub(crate) fn lead_to(&mut self, next: Ref<Segment>) {
        self.next = Some(next);
    }

    /// Has the segment be gone from its queue.
    pub(crate) fn go(&mut self) {
        self.gone = true;
    }

    /// Has the segment lead nowhere. Returns the one to which it led.
    pub(crate) fn lead_nowhere(&mut self) -> Option<Ref<Segment>> {
        self.next.take()
    }

    /// The segment after it.
    pub(crate) fn next(&self) -> Option<&Ref<Segment>> {
        self.next.as_ref()
    }

    /// Whether the segment has left its queue.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// What the segment holds, once it is sealed.
    pub(crate) fn held(&self) -> Held {
        Held {
            extent: Extent {
                bits: self.bits.into(),
                run: self.run.into(),
            },
            tail: None,
            count: self.count,
        }
    }
}

impl Segment {
    /// An empty segment.
    pub(crate) fn new(
        first: u64,
        content: Content,
        store: &SpinLock<Store>,
    ) -> impl Init<Self, Infallible> + '_ {
        init!(Self {
            by_age: Links::new(),
            content,
            first,
            end: LockedBy::new(store, End::default()),
        })
    }

    /// The number of its first sample, or of its first pass.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// What is in it.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// The target whose samples are in it.
    pub(crate) fn owner(&self) -> Option<&Ref<Target>> {
        match &self.content {
            Content::Samples { owner, .. } => Some(owner),
            Content::Moments { .. } => None,
        }
    }

    /// Its end.
    pub(crate) fn end<'a>(&'a self, store: &'a Store) -> &'a End {
        self.end.access(store)
    }

    /// Its end.
    pub(crate) fn end_mut<'a>(&'a self, store: &'a mut Store) -> &'a mut End {
        self.end.access_mut(store)
    }

    /// Goes from `segment` along its queue to the one in which `number` is, if that is in none before
    /// it, but no further than a stride. Returns where that leads, and whether it is the one.
    pub(crate) fn seek<'a>(
        mut segment: &'a Ref<Segment>,
        number: u64,
        store: &'a Store,
    ) -> (&'a Ref<Segment>, bool) {
        for _ in 0..STRIDE {
            match segment.end(store).next() {
                Some(next) if next.first() <= number => segment = next,
                _ => return (segment, true),
            }
        }
        (segment, false)
    }

    /// Lets go of a segment that may be gone.
    ///
    /// One that is gone holds the one after it, and that may be gone too, and so on. Where nobody
    /// else stands in them they go one by one, not each within the other's end on a kernel stack.
    pub(crate) fn let_go(mut segment: Ref<Segment>, lock: &SpinLock<Store>) {
        loop {
            let store = lock.lock();
            let end = segment.end(&store);
            let next = end.next.clone().filter(|_| end.gone);
            let Some(next) = next else {
                // Under the lock, so that one that is not gone stays until we are out of it.
                drop(segment);
                return;
            };
            drop(store);
            segment = next;
        }
    }
}

/// A segment that has left its queue, to be let go of with no lock held.
#[must_use]
pub(crate) enum Gone {
    /// Nobody stands in it or before it, and it leads nowhere.
    Alone(Last<Segment>),
    /// Somebody may.
    Held(Ref<Segment>),
}

impl Gone {
    /// Lets go of it.
    pub(crate) fn let_go(self, lock: &SpinLock<Store>) {
        self.let_go_in(&mut Batch::new(), lock);
    }

    /// Lets go of it; where nobody stands in it, its memory goes back with the batch.
    pub(crate) fn let_go_in(self, batch: &mut Batch<Segment>, lock: &SpinLock<Store>) {
        match self {
            Self::Alone(segment) => batch.free(segment),
            Self::Held(segment) => Segment::let_go(segment, lock),
        }
    }
}

impl Object<Segment> {
    /// How many bits of payload it takes.
    #[inline(always)]
    pub(crate) fn capacity(&self) -> u32 {
        self.words().len() as u32 * u64::BITS
    }

    /// Writes one word.
    pub(crate) fn set_word(&self, index: usize, word: u64) {
        if let Some(place) = self.words().get(index) {
            place.store(word, Relaxed);
        }
    }

    /// Has the segment, which was open until now, hold `held` for ever.
    pub(crate) fn seal(&self, store: &mut Store, held: Held) {
        let Held {
            extent,
            tail,
            count,
        } = held;
        if let Some(tail) = tail {
            self.set_word((extent.bits / u64::BITS) as usize, tail);
        }
        let end = self.end_mut(store);
        // Each is bounded by the size of a segment, or by `count`.
        (end.bits, end.run, end.count) = (extent.bits as u16, extent.run as u16, count);
    }
}

/// As many words as a copy has places for: a power of two, which spares a comparison at each.
const PLACES: usize = (WORDS as usize + 1).next_power_of_two();

/// A copy of the words of a segment.
#[derive(Clone, Copy)]
pub(crate) struct Copy {
    words: [u64; PLACES],
}

impl Copy {
    /// No words.
    pub(crate) const fn new() -> Self {
        Self { words: [0; PLACES] }
    }

    /// Copies what `segment` holds.
    pub(crate) fn fill(&mut self, segment: &Object<Segment>, held: &Held) {
        let bits = held.extent.bits;
        let stored = bits.div_ceil(u64::BITS) as usize;
        for (word, source) in self.words.iter_mut().zip(segment.words()).take(stored) {
            *word = source.load(Relaxed);
        }
        let last = self.words.get_mut((bits / u64::BITS) as usize);
        if let (Some(tail), Some(last)) = (held.tail, last) {
            *last = tail;
        }
    }
}

impl Words for Copy {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self.words[index % PLACES]
    }
}
