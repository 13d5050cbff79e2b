// SPDX-License-Identifier: GPL-2.0

//! Ceasing to watch tasks, and freeing their samples.
//!
//! A target is first removed from the registry, under its lock. Then its samples are freed in steps, with
//! no lock of the registry held. None of this may be called with a spinlock held.

use super::{Target, Targets};
use crate::{
    abstractions::slab::{Object, Ref},
    sample_cache::{Reason, SampleCache},
};
use kernel::{pid_namespace::PidNamespace, prelude::*};

impl Targets {
    /// Removes the targets that have `pid` in `namespace`: more than one if the PID has been used again.
    ///
    /// Fails with `ESRCH` if there is none.
    pub(crate) fn remove(
        &self,
        pid: i32,
        namespace: &PidNamespace,
        samples: &SampleCache<Target>,
    ) -> Result {
        let mut is_found = false;
        loop {
            let mut registry = self.lock();
            let Some(target) = registry.find(pid, namespace) else {
                return if is_found { Ok(()) } else { Err(ESRCH) };
            };
            registry.remove(&target);
            drop(registry);
            is_found = true;
            free(&target, Reason::Removed, samples);
        }
    }

    /// Removes the tree whose root has `pid` in `namespace`: all targets that are watched because of it.
    ///
    /// Fails with `ESRCH` if there is none.
    pub(crate) fn remove_tree(
        &self,
        pid: i32,
        namespace: &PidNamespace,
        samples: &SampleCache<Target>,
    ) -> Result {
        let mut is_found = false;
        let mut at = self.first();
        while let Some(target) = at {
            let tree = target.tree();
            let tree = tree.filter(|tree| tree.root().in_namespace(namespace) == Some(pid));
            let mut registry = self.lock();
            if let Some(tree) = tree {
                tree.dissolve();
            }
            // Before the removal: finding the target after a removed one takes long.
            at = registry.next(&target).map(Ref::from);
            if tree.is_some() {
                registry.remove(&target);
                drop(registry);
                free(&target, Reason::Removed, samples);
                is_found = true;
            }
        }
        if is_found {
            Ok(())
        } else {
            Err(ESRCH)
        }
    }

    /// Removes all targets.
    pub(crate) fn remove_all(&self, samples: &SampleCache<Target>) {
        loop {
            let mut registry = self.lock();
            let Some(target) = registry.first().map(Ref::from) else {
                return;
            };
            registry.remove(&target);
            drop(registry);
            free(&target, Reason::Removed, samples);
        }
    }

    /// Frees the targets that were displaced to follow forks, and their samples.
    pub(crate) fn free_displaced(&self, samples: &SampleCache<Target>) {
        loop {
            let displaced = self.lock().take_displaced();
            let Some(displaced) = displaced else {
                return;
            };
            free(&displaced, Reason::Evicted, samples);
        }
    }
}

/// Frees the samples of a target that is in the registry no more, and the references to its task.
fn free(target: &Object<Target>, reason: Reason, samples: &SampleCache<Target>) {
    let reader = target.state_mut(&mut samples.lock()).reader.take();
    drop(reader);
    samples.clear(target, reason);
}
