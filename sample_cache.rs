// SPDX-License-Identifier: GPL-2.0

//! The samples of many objects, kept in slab objects of fixed size and freed oldest first.
//!
//! Nothing here depends on what is sampled. The objects are of a type `T` that [has a
//! history](HasHistory).
//!
//! - [`SampleCache`] consists of the slab caches, and of the [`Store`] with its spinlock. memory.rs
//!   allocates segments, also if the slab allocator has no memory.
//! - [`History`] is the samples of one object, as a queue of segments (segment.rs).
//! - The timeline (timeline.rs) is the timestamps of passes, in segments too. It is shared by all
//!   histories.
//!
//! [`StoreGuard::append`] (append.rs) appends a sample to the open segment of a history, or begins
//! a new segment. Those of an idle task share one segment for longer (runs.rs). [`HistoryReader`]
//! (reader.rs) copies one segment after the other and decodes the copy without the lock;
//! time_cursor.rs finds the timestamp of each sample. eviction.rs detaches segments from their
//! histories, and detached.rs frees them.
//!
//! The lock is held for a few instructions at a time, for a chunk of a pass, or while [some
//! dozens](detached::DETACH_MAX) of segments are detached. While it is held, nothing sleeps, no
//! memory is allocated or freed, and no other lock of this module is taken.

mod append;
mod check;
mod counts;
mod detached;
mod eviction;
mod has_history;
mod history;
mod memory;
mod pass;
mod reader;
mod runs;
mod segment;
mod segment_copy;
mod slab_caches;
mod store;
mod time_cursor;
mod timeline;

pub(crate) use eviction::Reason;
pub(crate) use has_history::HasHistory;
pub(crate) use reader::HistoryReader;
pub(crate) use slab_caches::SpareSegment;
pub(crate) use store::{Detached, History, Store, StoreGuard};

use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use slab_caches::SlabCaches;

/// The samples of all objects of a type, and the slab caches for them.
#[pin_data]
pub(crate) struct SampleCache<T> {
    #[pin]
    store: SpinLock<Store<T>>,
    slab_caches: SlabCaches<T>,
}

impl<T: Send + Sync> SampleCache<T> {
    /// An empty cache. The limits are as for [`Store::set_max_samples`] and [`Store::set_max_kib`].
    ///
    /// May sleep. Fails with `ENOMEM`.
    pub(crate) fn new(max_samples: u64, max_kib: u64) -> Result<impl PinInit<Self>> {
        let slab_caches = SlabCaches::new()?;
        Ok(pin_init!(Self {
            store <- new_spinlock!(Store::new(max_samples, max_kib), "taskmonitor store"),
            slab_caches,
        }))
    }

    /// Locks the store. No other lock of this module is taken after it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> StoreGuard<'_, T> {
        StoreGuard::new(self.store.lock())
    }

    /// Returns the lock of the store, for a [`LockedBy`](kernel::sync::LockedBy).
    pub(crate) fn store(&self) -> &SpinLock<Store<T>> {
        &self.store
    }
}
