// SPDX-License-Identifier: GPL-2.0

//! A segment: the block of fixed size in which samples, or the moments of passes, are kept.

use crate::{
    abstractions::{
        list::ListLinks,
        slab::{Object, Ref},
    },
    bits::Words,
    delta::{self, Extent},
    impl_list_links, moments,
    sample_cache::Store,
    target::Target,
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        LockedBy, SpinLock,
    },
};

/// The bytes of a segment's payload, in words of 64 bits: 512 bytes with what is before it. Smaller
/// ones take more for each sample; larger ones give fewer pages back when half of them are evicted,
/// as those that are being filled stay, and are dear for a task of few samples.
pub(crate) const WORDS: u16 = 50;
/// The same for the first segment of a target, as many a task's life is short.
pub(crate) const BRIEF_WORDS: u16 = 6;

/// How many segments of a queue a reader passes by before others get the lock.
const STRIDE: usize = 64;

/// A segment in the cache.
///
/// Only the sampler writes into it, and only while it is the last of its queue: words behind those
/// that are full. So whoever has been told, under the lock, what it holds may read it without.
pub(crate) struct Segment {
    /// The place among the segments of all targets, or in the timeline.
    by_age: ListLinks<Segment>,
    content: Content,
    /// The number of its first sample, or of its first pass.
    first: u64,
    end: LockedBy<End, Store>,
}

impl_list_links!(Segment, 0, by_age);

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
        /// How many sealed segments of samples need one of them; see timeline.rs.
        users: Atomic<u32>,
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
    /// Whether it has been detached.
    detached: bool,
    /// The segment after it in its queue, until it is detached.
    next: Option<Ref<Segment>>,
    /// The first segment of the timeline that it needs, from when it is sealed until it is detached.
    moments: Option<Ref<Segment>>,
}

impl End {
    /// Has the segment lead to `next`.
    pub(crate) fn lead_to(&mut self, next: Ref<Segment>) {
        self.next = Some(next);
    }

    /// Has the segment need the moments from there on.
    pub(crate) fn need(&mut self, moments: Option<Ref<Segment>>) {
        self.moments = moments;
    }

    /// The first segment of the timeline that it needs, where it is sealed.
    pub(crate) fn moments(&self) -> Option<&Object<Segment>> {
        self.moments.as_deref()
    }

    /// Has the segment be detached: it refers to no other any more, whoever still refers to it. Returns
    /// the one to which it led, and the first one of the timeline that it needed.
    pub(crate) fn detach(&mut self) -> (Option<Ref<Segment>>, Option<Ref<Segment>>) {
        self.detached = true;
        (self.next.take(), self.moments.take())
    }

    /// The segment after it.
    pub(crate) fn next(&self) -> Option<&Ref<Segment>> {
        self.next.as_ref()
    }

    /// Whether the segment has been detached.
    pub(crate) fn is_detached(&self) -> bool {
        self.detached
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
            by_age: ListLinks::new(),
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
    /// No words. Made in place, being large.
    pub(crate) fn new() -> impl Init<Self, Infallible> {
        init!(Self {
            words <- pin_init::init_zeroed(),
        })
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
