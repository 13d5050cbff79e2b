// SPDX-License-Identifier: GPL-2.0

//! The store: all segments and counts, which one spinlock protects.

use super::{counts::Counts, detached, history, segment, timeline};
use crate::abstractions::list::List;
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
    /// The segments of all histories, in the order in which they were begun.
    pub(super) by_age: List<Segment<T>, 0>,
    /// The timestamps of passes.
    pub(super) timeline: Timeline<T>,
    /// Whether a pass is under way. Its timestamp is kept even if no sample needs it yet.
    pub(super) is_in_pass: bool,
    /// How many histories have an open segment.
    pub(super) open: usize,
    /// How many samples of each history are kept at most.
    pub(super) max_samples: u64,
    pub(super) counts: Counts,
}

impl<T: Send + Sync> Store<T> {
    /// An empty store. Initialised in place, because it is large.
    pub(super) fn new(max_samples: u64) -> impl Init<Self, Infallible> {
        init!(Self {
            by_age: List::new(),
            timeline: Timeline::new(),
            is_in_pass: false,
            open: 0,
            max_samples: limit_of(max_samples),
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

/// Returns how many samples of a history are kept, for the module parameter `max_samples` (0: no
/// limit).
fn limit_of(max_samples: u64) -> u64 {
    match max_samples {
        0 => u64::MAX,
        max_samples => max_samples,
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
