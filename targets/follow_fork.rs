// SPDX-License-Identifier: GPL-2.0

//! Following forks: deciding whether the child of a fork becomes a target, and adding it.
//!
//! Runs in the task that forks, so it must be quick and must not sleep. Work that takes longer is left
//! to the caller: see [`Followed`].

use super::{
    add::{self, FirstSample},
    reading::Reading,
    Target, Targets, TaskReader,
};
use crate::{
    abstractions::{clock, pid::Pid, upid::Upids},
    sample_cache::SampleCache,
};
use kernel::{current, prelude::*, task::Task};

/// What following a fork leaves to its caller.
#[derive(Default)]
pub(crate) struct Followed {
    /// The child is the only target to be sampled, so the sampler must be woken.
    pub(crate) is_only: bool,
    /// A target was displaced to make room: [`Targets::free_displaced`] must be called.
    pub(crate) has_displaced: bool,
}

impl Targets {
    /// Makes `child`, a new process, a target if its parent, the current process, is one whose forks are
    /// followed.
    ///
    /// A child that cannot be followed, because there is no memory or because there are `max_targets`
    /// targets that live, is counted in `lost`. Does not sleep. `child` has not run yet.
    pub(crate) fn follow_fork(&self, child: &Task, samples: &SampleCache<Target>) -> Followed {
        let time_us = clock::boottime_us();
        // Neither has been reaped: the parent is running, and the child has not run yet.
        let (Some(parent), Some(pid)) = (Pid::of_process(current!()), Pid::of_process(child))
        else {
            return Followed::default();
        };
        let registry = self.lock();
        let parent = registry.find_living(&parent);
        let tree = parent.and_then(|parent| parent.tree().cloned());
        drop(registry);
        let Some(tree) = tree else {
            return Followed::default();
        };
        let pids = Upids::new(&pid, GFP_NOWAIT);
        let reader = TaskReader::new_process(child, pid);
        let memory = self.memory.alloc_now();
        let mut spare = samples.alloc_first_nowait();
        let (Ok(pids), Ok(reader), Some(memory), true) = (pids, reader, memory, spare.is_some())
        else {
            self.lock().lost += 1;
            return Followed::default();
        };
        let target = memory.init(Target::new(
            pids,
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
        if tree.is_dissolved() || registry.contains(target.pids()) {
            return Followed::default();
        }
        let has_displaced = registry.make_room();
        let is_only = if registry.is_full() {
            registry.lost += 1;
            false
        } else {
            // The child has not ended, so nothing is left to drop.
            add::insert(&mut registry, &target, first, samples, &mut spare).is_only
        };
        Followed {
            is_only,
            has_displaced,
        }
    }
}
