// SPDX-License-Identifier: GPL-2.0

//! The store: all segments and counts, which one spinlock protects.

use super::{
    counts::Counts,
    detached, history,
    segment::{self, SMALL_WORDS, WORDS},
    timeline,
};
use crate::abstractions::{list::List, slab::Object};
use core::{
    convert::Infallible,
    ops::{Deref, DerefMut},
};
use kernel::{
    prelude::*,
    sync::{SpinLock, SpinLockGuard},
};

/// A segment whose state the lock of a [`Store`] protects.
pub(crate) type Segment<T> = segment::Segment<T, Store<T>>;

/// A history in a [`Store`].
pub(crate) type History<T> = history::History<T, Store<T>>;

/// Segments that were detached from a [`Store`].
pub(crate) type Detached<T> = detached::Detached<T, Store<T>>;

/// The timeline of a [`Store`].
type Timeline<T> = timeline::Timeline<T, Store<T>>;

/// What the lock of a [`SampleCache`](super::SampleCache) protects.
pub(crate) struct Store<T> {
    /// The segments of all histories, in the order in which the last span of each was begun. A run
    /// that has been spared ([`evict`](Self::evict)) counts as begun then.
    pub(super) by_age: List<Segment<T>, 0>,
    /// The timestamps of passes.
    pub(super) timeline: Timeline<T>,
    /// Whether a pass is under way. Its timestamp is kept even if no sample needs it yet.
    pub(super) is_in_pass: bool,
    /// How many histories have an open segment.
    pub(super) open: usize,
    /// How many segments in `by_age` are small ones.
    pub(super) small: usize,
    /// How many samples of each history are kept at most.
    pub(super) max_samples: u64,
    /// How many bytes all segments take at most.
    max_bytes: u64,
    pub(super) counts: Counts,
}

impl<T: Send + Sync> Store<T> {
    /// An empty store. Initialised in place, because it is large. The limits are as for
    /// [`set_max_samples`](Self::set_max_samples) and [`set_max_kib`](Self::set_max_kib).
    pub(super) fn new(max_samples: u64, max_kib: u64) -> impl Init<Self, Infallible> {
        init!(Self {
            by_age: List::new(),
            timeline: Timeline::new(),
            is_in_pass: false,
            open: 0,
            small: 0,
            max_samples: limit_of(max_samples),
            max_bytes: limit_of(max_kib * KIB),
            counts: Counts::default(),
        })
    }

    /// Returns how many segments there are, those of the timeline included.
    pub(crate) fn segments(&self) -> usize {
        self.by_age.len() + self.timeline.segments()
    }

    /// Sets how many samples of each history are kept from now on; 0: no limit.
    pub(crate) fn set_max_samples(&mut self, max_samples: u64) {
        self.max_samples = limit_of(max_samples);
    }

    /// Sets how many KiB the segments of all histories and of the timeline take at most from now
    /// on; 0: no limit.
    pub(crate) fn set_max_kib(&mut self, max_kib: u64) {
        self.max_bytes = limit_of(max_kib * KIB);
    }

    /// Returns how many segments are above the limit of [`set_max_kib`](Self::set_max_kib).
    pub(super) fn excess_segments(&self) -> usize {
        let full = Object::<Segment<T>>::size_with(WORDS.into());
        let small = Object::<Segment<T>>::size_with(SMALL_WORDS.into());
        let bytes = (self.segments() * full - self.small * (full - small)) as u64;
        bytes.saturating_sub(self.max_bytes).div_ceil(full as u64) as usize
    }

    /// Returns the number of the next pass.
    pub(crate) fn next_pass(&self) -> u64 {
        self.timeline.next_pass()
    }

    /// Returns the number of the last pass that has ended; 0 if there was none.
    pub(crate) fn last_ended_pass(&self) -> u64 {
        self.timeline.next_pass() - 1 - u64::from(self.is_in_pass)
    }

    /// Returns when the latest pass began, microseconds since boot; 0 if there was none.
    pub(crate) fn latest_pass_us(&self) -> u64 {
        self.timeline.last_us()
    }
}

/// Bytes in a KiB.
const KIB: u64 = 1024;

/// Returns the limit that a module parameter sets; 0: no limit.
fn limit_of(parameter: u64) -> u64 {
    match parameter {
        0 => u64::MAX,
        limit => limit,
    }
}

/// The locked store.
pub(crate) struct StoreGuard<'a, T>(SpinLockGuard<'a, Store<T>>);

impl<'a, T> StoreGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(guard: SpinLockGuard<'a, Store<T>>) -> Self {
        Self(guard)
    }

    /// Returns the lock, for a [`LockedBy`](kernel::sync::LockedBy).
    pub(super) fn lock_ref(&self) -> &'a SpinLock<Store<T>> {
        self.0.lock_ref()
    }
}

impl<T> Deref for StoreGuard<'_, T> {
    type Target = Store<T>;

    #[inline(always)]
    fn deref(&self) -> &Store<T> {
        &self.0
    }
}

impl<T> DerefMut for StoreGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Store<T> {
        &mut self.0
    }
}
