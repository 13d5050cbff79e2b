// SPDX-License-Identifier: GPL-2.0

//! Which tasks are watched, and how their CPU time is read.
//!
//! - A [`Target`] (target.rs) is one watched task with its history. Its [`TaskReader`]
//!   (task_reader.rs) reads the CPU time of the task and finds out when the task has ended.
//!   reading.rs has the results.
//! - The [`Registry`] (registry.rs) is the set of all targets, in the order in which they were
//!   added and by PID; registry/search.rs finds one. It also holds the schedule, because its lock
//!   orders `stop` with everything that takes samples.
//! - add.rs and remove.rs add and remove targets. follow_fork.rs decides whether the child of a
//!   fork becomes a target, and descendants.rs follows the descendants that a process has when a
//!   `tree:` command is executed. With the [`PidBitmap`] (pid_bitmap.rs) most forks are ruled out
//!   without a lock.
//! - An `Identity` (identity.rs) identifies a task, also after its end.
//! - A [`Tree`](tree::Tree) (tree.rs) is what one `tree:` command watches: a process and its
//!   descendants.
//!
//! The samples are kept in the [`SampleCache`](crate::sample_cache::SampleCache) that is an
//! argument of each call that adds or removes some.

mod add;
mod descendants;
mod ended_threads;
mod follow_fork;
mod identity;
mod pid_bitmap;
mod reading;
mod registry;
mod remove;
mod target;
mod task_reader;
mod tree;

pub(crate) use add::Candidate;
pub(crate) use follow_fork::Followed;
pub(crate) use pid_bitmap::PidBitmap;
pub(crate) use reading::Reading;
pub(crate) use registry::{Displaced, Registry};
pub(crate) use target::Target;
pub(crate) use task_reader::TaskReader;

use crate::abstractions::slab::{Cache, Object, Ref};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{Arc, SpinLock, SpinLockGuard},
};
use registry::Search;

/// All targets.
#[pin_data]
pub(crate) struct Targets {
    #[pin]
    registry: SpinLock<Registry>,
    slab_cache: Cache<Target>,
}

impl Targets {
    /// An empty set. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<impl PinInit<Self>> {
        let slab_cache = Cache::new(c"taskmonitor_target", 0, 0)?;
        let registry = Registry::new()?;
        Ok(pin_init!(Self {
            registry <- new_spinlock!(registry, "taskmonitor registry"),
            slab_cache,
        }))
    }

    /// Locks the registry. Of this module's locks only that of the sample cache may be taken inside
    /// it.
    pub(crate) fn lock(&self) -> SpinLockGuard<'_, Registry> {
        self.registry.lock()
    }

    /// Returns the target that was added first. Takes the lock of the registry.
    pub(crate) fn first(&self) -> Option<Ref<Target>> {
        self.lock().first().map(Ref::from)
    }

    /// Returns the target that was added next after `target`, even if `target` has been removed.
    /// Takes the lock of the registry.
    pub(crate) fn next(&self, target: &Object<Target>) -> Option<Ref<Target>> {
        let mut from = None;
        loop {
            let search = self.lock().find_next(target, from.as_deref());
            match search {
                Search::Done(next) => return next,
                Search::Continue(position) => from = Some(position),
            }
        }
    }

    /// Keeps the PIDs of all living targets in `pid_bitmap` from now on. Does nothing if another
    /// bitmap has been set. Takes the lock of the registry.
    pub(crate) fn set_pid_bitmap(&self, pid_bitmap: &Arc<PidBitmap>) {
        if self.lock().set_pid_bitmap(pid_bitmap) {
            self.for_each(|target| self.lock().add_to_pid_bitmap(target));
        }
    }

    /// Calls `f` for each target in the order in which they were added, with no lock held. `f` may
    /// remove the target. Targets that are added meanwhile may be left out.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Object<Target>)) {
        let mut at = self.first();
        while let Some(target) = at {
            // Found before the call, because the search is slow after `target` has been removed.
            let next = self.next(&target);
            f(&target);
            at = next;
        }
    }
}
