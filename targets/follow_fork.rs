// SPDX-License-Identifier: GPL-2.0

//! Following forks: deciding whether the child of a fork becomes a target, and adding it.
//!
//! This runs in the task that forks, so it must be quick and must not sleep. [`Followed`] says what
//! the caller must do afterwards.

use super::{
    add::{self, FirstSample},
    identity::Identity,
    reading::Reading,
    registry::Displaced,
    Target, Targets, TaskReader,
};
use crate::{
    abstractions::{clock, pid::Pid},
    sample_cache::SampleCache,
};
use kernel::{current, prelude::*, task::Task};

/// What following a fork leaves to its caller.
#[derive(Default)]
pub(crate) struct Followed {
    /// Whether the child is the only living target, so that the sampler must be woken.
    pub(crate) is_only: bool,
    /// Whether ended targets were displaced.
    pub(crate) displaced: Displaced,
}

impl Targets {
    /// Makes `child` a target, if the forks of the current process, which forked it, are followed.
    /// `child` is the leader of a new process and has not run yet.
    ///
    /// Counts the child in `lost` if there is no memory, or if there are `max_targets` targets and
    /// no ended one can be displaced. Does not sleep. Takes the locks of the registry and of the
    /// store.
    pub(crate) fn follow_fork(&self, child: &Task, samples: &SampleCache<Target>) -> Followed {
        let time_us = clock::boottime_us();
        // Neither has been reaped: the parent is running, and the child has not run yet.
        let (Some(parent), Some(pid)) = (Pid::of_process(current!()), Pid::of_process(child))
        else {
            return Followed::default();
        };
        let registry = self.lock();
        let tree = registry.tree_of(&parent, samples);
        drop(registry);
        let Some(tree) = tree else {
            return Followed::default();
        };
        let identity = Identity::of(child, &pid, GFP_NOWAIT);
        let reader = TaskReader::new_process(child, pid);
        let memory = self.slab_cache.alloc_now();
        let mut spare = samples.alloc_first_nowait();
        let (Ok(identity), Ok(reader), Some(memory), true) =
            (identity, reader, memory, spare.is_some())
        else {
            self.lock().lost += 1;
            return Followed::default();
        };
        let target = memory.init(Target::new(
            identity,
            reader,
            Some(tree.clone()),
            samples.store(),
        ));
        let first = FirstSample {
            time_us,
            reading: Reading::Same,
        };
        let mut registry = self.lock();
        // A command may have added the child, or removed the tree, since the lock was released.
        if tree.is_dissolved() || registry.find_same(target.pids()).is_some() {
            return Followed::default();
        }
        let displaced = registry.displace_ended();
        if registry.is_full() {
            registry.lost += 1;
            return Followed {
                is_only: false,
                displaced,
            };
        }
        let inserted = add::insert(&mut registry, &target, first, samples, &mut spare);
        drop(registry);
        // The child has not ended, so its reader is in use.
        drop(inserted.evicted);
        Followed {
            is_only: inserted.is_only,
            displaced,
        }
    }
}
