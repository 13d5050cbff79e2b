// SPDX-License-Identifier: GPL-2.0

//! A segment: the fixed-size slab object that holds samples of one history, or timestamps of
//! passes.
//!
//! A segment is a small header, followed by 64-bit words of coded data. The last segment of a
//! history or of the timeline can be open. Data is appended to an open segment, under the lock of
//! the store. Each word is stored when it is full, and does not change afterwards; until then it is
//! in the encoder. When the segment is sealed, its last word and its length are stored, and its
//! data does not change any more.
//!
//! So code that has read under the lock how much a segment holds may read these words without the
//! lock.

use crate::{
    abstractions::{
        list::ListLinks,
        read_once::store_relaxed,
        slab::{Object, Ref},
    },
    codec::{Extent, SampleBase, TimestampBase},
    impl_list_links,
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::{atomic::Atomic, LockedBy, SpinLock},
};

/// How many samples a segment holds at most, unless it is a run (runs.rs), which may hold several
/// spans. Samples of one span are evicted together. The timeline relies on the limit too.
pub(super) const SPAN: u16 = 4096;
/// How many words of data a segment has: with the header it takes 512 bytes.
///
/// With smaller segments each sample would take more memory. With larger ones fewer slab pages
/// would be freed when the oldest half of all segments is evicted, because open segments stay, and
/// tasks with few samples would take more memory.
pub(super) const WORDS: u16 = 49;
/// How many words of data a small segment has. The first segment of a history is a small one,
/// because many tasks live for a few samples only. With a target it takes 512 bytes.
pub(super) const SMALL_WORDS: u16 = 5;

/// How many segments [`seek`] passes in one call, that is, under the lock.
const SEEK_MAX: usize = 64;

/// A segment in a slab cache. `T` is the type that has histories, `S` the type of the store whose
/// lock protects the state of the segment.
pub(crate) struct Segment<T, S> {
    /// The place in the list of all segments by age, in the timeline, or in a list of detached
    /// segments.
    links: ListLinks<Segment<T, S>>,
    kind: Kind<T>,
    /// The number of its first sample, or of the pass of its first timestamp.
    first: u64,
    state: LockedBy<State<T, S>, S>,
}

impl_list_links!(impl{T, S} Segment<T, S>, 0, links);

/// What a segment holds.
pub(super) enum Kind<T> {
    /// Samples of one history.
    Samples {
        /// The object that has the history.
        owner: Ref<T>,
        /// The first sample.
        base: SampleBase,
    },
    /// Timestamps of passes.
    Timestamps {
        /// The first timestamp.
        base: TimestampBase,
        /// How many sealed segments of samples need a timestamp in this one; see timeline.rs.
        users: Atomic<u32>,
    },
}

/// How much a segment holds.
#[derive(Clone, Copy)]
pub(super) struct Contents {
    /// The length of the coded data.
    pub(super) extent: Extent,
    /// The last, incomplete word of the data, if the segment is open. It is not stored in the
    /// segment.
    pub(super) tail: Option<u64>,
    /// The number of samples or timestamps.
    pub(super) count: u16,
}

/// The part of a segment that the lock of the [`Store`](super::Store) protects.
pub(super) struct State<T, S> {
    /// The length of the data in bits; 0 until the segment is sealed.
    bits: u16,
    /// How often the last sample is repeated after the last bit; 0 until the segment is sealed.
    run: u16,
    /// The number of samples or timestamps; 0 until the segment is sealed.
    count: u16,
    /// How many spans at its front have been given up.
    cut: u8,
    is_detached: bool,
    /// [`NONE`](References::NONE) once the segment is detached.
    references: References<T, S>,
}

/// The references of a segment of samples to other segments.
pub(super) struct References<T, S> {
    /// The next segment of the same history.
    pub(super) next: Option<Ref<Segment<T, S>>>,
    /// The first segment of the timeline of which this segment is a user.
    pub(super) timestamps: Option<Ref<Segment<T, S>>>,
}

impl<T, S> References<T, S> {
    const NONE: Self = Self {
        next: None,
        timestamps: None,
    };
}

impl<T, S> State<T, S> {
    const fn new() -> Self {
        Self {
            bits: 0,
            run: 0,
            count: 0,
            cut: 0,
            is_detached: false,
            references: References::NONE,
        }
    }

    /// Sets the next segment of the same history.
    pub(super) fn set_next(&mut self, next: Ref<Segment<T, S>>) {
        self.references.next = Some(next);
    }

    /// Notes that this segment has become a user of the timeline from `timestamps` on, after what
    /// it uses already.
    pub(super) fn add_timestamps(&mut self, timestamps: Option<Ref<Segment<T, S>>>) {
        let first = self.references.timestamps.take();
        self.references.timestamps = first.or(timestamps);
    }

    /// Returns how many samples at the front have been given up, as whole spans.
    pub(super) fn cut(&self) -> u16 {
        u16::from(self.cut).saturating_mul(SPAN)
    }

    /// Gives up the oldest span. `timestamps`: the first segment of the timeline of which this
    /// segment is a user afterwards. Returns the first of which it was one.
    pub(super) fn cut_span(
        &mut self,
        timestamps: Option<Ref<Segment<T, S>>>,
    ) -> Option<Ref<Segment<T, S>>> {
        self.cut = self.cut.saturating_add(1);
        core::mem::replace(&mut self.references.timestamps, timestamps)
    }

    /// Returns the first segment of the timeline of which this segment is a user.
    pub(super) fn timestamps(&self) -> Option<&Object<Segment<T, S>>> {
        self.references.timestamps.as_deref()
    }

    /// Marks the segment as detached. It refers to no other segment from now on. Returns the
    /// references that it had.
    pub(super) fn detach(&mut self) -> References<T, S> {
        self.is_detached = true;
        core::mem::replace(&mut self.references, References::NONE)
    }

    /// Returns the next segment of the same history.
    pub(super) fn next(&self) -> Option<&Ref<Segment<T, S>>> {
        self.references.next.as_ref()
    }

    /// Returns whether the segment has been detached.
    pub(super) fn is_detached(&self) -> bool {
        self.is_detached
    }

    /// Returns how much the segment holds, if it is sealed.
    pub(super) fn contents(&self) -> Contents {
        Contents {
            extent: Extent {
                bits: self.bits.into(),
                run: self.run.into(),
            },
            tail: None,
            count: self.count,
        }
    }
}

impl<T: Send + Sync, S> Segment<T, S> {
    /// An empty, open segment that is in no list. `lock` is the lock of the store.
    pub(super) fn new(
        first: u64,
        kind: Kind<T>,
        lock: &SpinLock<S>,
    ) -> impl Init<Self, Infallible> + use<'_, T, S> {
        init!(Self {
            links: ListLinks::new(),
            kind,
            first,
            state: LockedBy::new(lock, State::new()),
        })
    }

    /// Returns the number of its first sample, or of the pass of its first timestamp.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Returns what kind of data it holds.
    pub(super) fn kind(&self) -> &Kind<T> {
        &self.kind
    }

    /// Returns the object that has the history; `None` for a segment of timestamps.
    pub(super) fn owner(&self) -> Option<&Ref<T>> {
        match &self.kind {
            Kind::Samples { owner, .. } => Some(owner),
            Kind::Timestamps { .. } => None,
        }
    }

    /// Returns the part that the lock protects.
    pub(super) fn state<'a>(&'a self, store: &'a S) -> &'a State<T, S> {
        self.state.access(store)
    }

    /// Returns the part that the lock protects, to change it.
    pub(super) fn state_mut<'a>(&'a self, store: &'a mut S) -> &'a mut State<T, S> {
        self.state.access_mut(store)
    }
}

/// Follows a history from `segment` on to the segment that holds the sample `number`, or would hold
/// it.
///
/// Passes up to [`SEEK_MAX`] segments. Returns the segment reached, and whether it is the right
/// one.
pub(super) fn seek<'a, T: Send + Sync, S>(
    mut segment: &'a Ref<Segment<T, S>>,
    number: u64,
    store: &'a S,
) -> (&'a Ref<Segment<T, S>>, bool) {
    for _ in 0..SEEK_MAX {
        match segment.state(store).next() {
            Some(next) if next.first() <= number => segment = next,
            _ => return (segment, true),
        }
    }
    (segment, false)
}

impl<T: Send + Sync, S> Object<Segment<T, S>> {
    /// Returns how many bits of data the segment can hold.
    #[inline(always)]
    pub(super) fn capacity(&self) -> u32 {
        self.words().len() as u32 * u64::BITS
    }

    /// Returns whether it is a small segment.
    pub(super) fn is_small(&self) -> bool {
        self.words().len() < usize::from(WORDS)
    }

    /// Stores one word of data.
    pub(super) fn set_word(&self, index: usize, word: u64) {
        if let Some(place) = self.words().get(index) {
            store_relaxed(place, word);
        }
    }

    /// Seals the segment, which is open. It holds `contents` from now on.
    pub(super) fn seal(&self, store: &mut S, contents: Contents) {
        let Contents {
            extent,
            tail,
            count,
        } = contents;
        if let Some(tail) = tail {
            self.set_word((extent.bits / u64::BITS) as usize, tail);
        }
        let state = self.state_mut(store);
        // The bits fit the segment, and the run is less than the count, so neither is truncated.
        (state.bits, state.run, state.count) = (extent.bits as u16, extent.run as u16, count);
    }
}
