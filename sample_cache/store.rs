// SPDX-License-Identifier: GPL-2.0

//! The store: all segments and counts, which one spinlock protects.

use super::{has_history::HasHistory, segment::Segment, timeline::Timeline};
use crate::abstractions::list::List;
use core::{
    convert::Infallible,
    ops::{Deref, DerefMut},
};
use kernel::{
    prelude::*,
    sync::{SpinLock, SpinLockGuard},
};

/// How many segments [`Store::counts`] checks under the lock.
const CHECK_MAX: usize = 4096;

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

/// Counts of samples and of segments.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Samples taken since the load.
    pub(crate) created: u64,
    /// Samples kept now: the sum of what each history holds, not computed from the other counts.
    pub(crate) alive: u64,
    /// Samples given up because memory was short, or because of `max_samples`.
    pub(crate) evicted: u64,
    /// Samples freed by commands.
    pub(crate) removed: u64,
    /// Segments allocated from the reserve.
    pub(crate) reserve: u64,
    /// Segments allocated by evicting the oldest.
    pub(crate) recycled: u64,
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
            counts: Counts {
                created: 0,
                alive: 0,
                evicted: 0,
                removed: 0,
                reserve: 0,
                recycled: 0,
            },
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

    /// Returns when the latest pass began, microseconds since boot; 0 if there was none.
    pub(crate) fn latest_pass_us(&self) -> u64 {
        self.timeline.last_us()
    }
}

impl<T: HasHistory> Store<T> {
    /// Returns the counts.
    ///
    /// With debug assertions in the kernel, first checks that the number of samples alive and the number
    /// of open segments are what the segments say, and logs a `BUG:` if not. Not checked if there are
    /// more than [`CHECK_MAX`] segments.
    pub(crate) fn counts(&self) -> Counts {
        if cfg!(CONFIG_RUST_DEBUG_ASSERTIONS) && self.by_age.len() <= CHECK_MAX {
            self.check();
        }
        self.counts
    }

    fn check(&self) {
        let (mut held, mut open) = (0, 0);
        for segment in self.by_age.iter() {
            let Some(history) = segment.owner().map(|owner| owner.history(self)) else {
                continue;
            };
            let open_contents = history.open_contents(segment);
            open += usize::from(open_contents.is_some());
            let contents = open_contents.unwrap_or_else(|| segment.state(self).contents());
            let end = segment.first() + u64::from(contents.count);
            held += end.saturating_sub(segment.first().max(history.oldest()));
        }
        let alive = self.counts.alive;
        if (held, open) != (alive, self.open) {
            pr_err!(
                "BUG: {alive} alive, {} open, but the segments hold {held}, {open} open\n",
                self.open
            );
        }
    }
}

/// Returns how many samples of a history are kept, for a `max_samples` of which 0 means no limit.
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
