// SPDX-License-Identifier: GPL-2.0

//! The samples of many objects, kept in slab objects of fixed size and given back oldest first.
//!
//! Nothing here knows what is sampled. The objects are of a type `T` that [has a history](HasHistory).
//!
//! - [`SampleCache`] is the whole: slab caches (memory.rs), and the [`Store`] with its spinlock.
//! - [`History`] holds the samples of one object, as a queue of [segments](segment::Segment).
//! - [`Timeline`] holds the timestamps of passes, once for all histories, in segments too.
//!
//! The way of a sample in: [`StoreGuard::append`] (append.rs) puts it into the open segment of the
//! history, or begins a new segment. The way out: [`HistoryReader`] (reader.rs) copies one segment after
//! the other and decodes the copy without the lock; time_cursor.rs finds the timestamp of each sample.
//! eviction.rs detaches segments from their histories, and detached.rs frees them.
//!
//! The lock is held for a few instructions at a time, for a chunk of a pass, or while at most
//! [`DETACH_MAX`](detached::DETACH_MAX) segments are detached. Under it nothing allocates, sleeps or
//! takes another lock.

mod append;
mod detached;
mod eviction;
mod history;
mod memory;
mod pass;
mod reader;
mod segment;
mod segment_copy;
mod time_cursor;
mod timeline;

pub(crate) use detached::Detached;
pub(crate) use eviction::Reason;
pub(crate) use history::History;
pub(crate) use memory::SpareSegment;
pub(crate) use reader::HistoryReader;

use crate::abstractions::list::List;
use core::{
    convert::Infallible,
    ops::{Deref, DerefMut},
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{SpinLock, SpinLockGuard},
};
use memory::Memory;
use segment::Segment;
use timeline::Timeline;

/// How many segments [`Store::check`] looks at under the lock.
const CHECK_MAX: usize = 4096;

/// A slab object that has a history.
pub(crate) trait HasHistory: Sized + Send + Sync + 'static {
    /// Returns the history of the object.
    fn history<'a>(&'a self, store: &'a Store<Self>) -> &'a History<Self>;

    /// Returns the history of the object, to change it.
    fn history_mut<'a>(&'a self, store: &'a mut Store<Self>) -> &'a mut History<Self>;
}

/// The samples of all objects of a type, and the memory that they are in.
#[pin_data]
pub(crate) struct SampleCache<T: HasHistory> {
    #[pin]
    store: SpinLock<Store<T>>,
    memory: Memory<T>,
}

impl<T: HasHistory> SampleCache<T> {
    /// An empty cache. `max_samples` as for [`Store::set_max_samples`].
    ///
    /// May sleep. Fails with `ENOMEM`.
    pub(crate) fn new(max_samples: u64) -> Result<impl PinInit<Self>> {
        let memory = Memory::new()?;
        Ok(pin_init!(Self {
            store <- new_spinlock!(Store::new(max_samples), "taskmonitor store"),
            memory,
        }))
    }

    /// Locks the store. No other lock of this module is taken after it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> StoreGuard<'_, T> {
        StoreGuard(self.store.lock())
    }

    /// Returns the lock of the store, for a [`LockedBy`](kernel::sync::LockedBy).
    pub(crate) fn store(&self) -> &SpinLock<Store<T>> {
        &self.store
    }

    /// Calls `f` under the lock, and frees what it detached after the lock has been released, until `f`
    /// returns false.
    ///
    /// Must not be called with a spinlock held.
    fn in_steps(&self, f: impl Fn(&mut Store<T>, &mut Detached<T>) -> bool) {
        loop {
            let mut detached = Detached::new();
            let is_incomplete = f(&mut self.lock(), &mut detached);
            detached.free();
            if !is_incomplete {
                return;
            }
        }
    }
}

/// What the lock of a [`SampleCache`] protects.
pub(crate) struct Store<T: HasHistory> {
    /// The segments of all histories, in the order in which they were begun.
    by_age: List<Segment<T>, 0>,
    /// The timestamps of passes.
    timeline: Timeline<T>,
    /// Whether a pass is under way. Its timestamp is kept even if no sample needs it yet.
    is_in_pass: bool,
    /// How many histories have an open segment.
    open: usize,
    /// How many samples of each history are kept at most.
    max_samples: u64,
    counts: Counts,
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

impl<T: HasHistory> Store<T> {
    /// An empty store. Initialised in place, because it is large.
    fn new(max_samples: u64) -> impl Init<Self, Infallible> {
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
pub(crate) struct StoreGuard<'a, T: HasHistory>(SpinLockGuard<'a, Store<T>>);

impl<T: HasHistory> Deref for StoreGuard<'_, T> {
    type Target = Store<T>;

    #[inline(always)]
    fn deref(&self) -> &Store<T> {
        &self.0
    }
}

impl<T: HasHistory> DerefMut for StoreGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Store<T> {
        &mut self.0
    }
}
