// SPDX-License-Identifier: GPL-2.0

//! Removing targets and freeing their samples.
//!
//! A target is first removed from the registry, under the registry's lock. Then its samples are
//! freed in steps, without that lock. No spinlock may be held by the callers of these functions.

use super::{registry::Search, Target, Targets};
use crate::{
    abstractions::{
        signal,
        slab::{Object, Ref},
        upid,
    },
    sample_cache::{Reason, SampleCache},
};
use kernel::{pid_namespace::PidNamespace, prelude::*};

impl Targets {
    /// Removes the targets that have `pid` in `namespace`: more than one if the PID has been used
    /// again.
    ///
    /// Fails with `ESRCH` if there is none.
    pub(crate) fn remove(
        &self,
        pid: i32,
        namespace: &PidNamespace,
        samples: &SampleCache<Target>,
    ) -> Result {
        let mut is_found = false;
        if upid::is_initial(namespace) {
            loop {
                let mut registry = self.lock();
                let Some(target) = registry.find(pid) else {
                    break;
                };
                registry.remove(&target);
                drop(registry);
                free(&target, Reason::Removed, samples);
                is_found = true;
            }
        } else {
            self.for_each(|target| {
                if target.pids().in_namespace(namespace) == Some(pid) {
                    is_found |= self.remove_target(target, samples);
                }
            });
        }
        is_found.then_some(()).ok_or(ESRCH)
    }

    /// Removes the trees whose root has `pid` in `namespace`: all of their targets. Those that were
    /// watched before the `tree:` command stay, unless they are a root; they are not followed any
    /// more.
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
            let mut registry = self.lock();
            let mut store = samples.lock();
            // Dropped after the locks have been released.
            let tree = target.state(&store).tree.clone();
            let tree = tree.filter(|tree| tree.root().in_namespace(namespace) == Some(pid));
            let mut is_owned = false;
            if let Some(tree) = &tree {
                is_found = true;
                tree.dissolve();
                is_owned = tree.owns(target.order(), target.pids());
                if !is_owned {
                    registry.unfollow(&target, &mut store);
                }
            }
            drop(store);
            drop(registry);
            // After the tree has been dissolved: a fork that was followed until then is found.
            // Before the removal: the search is slow after `target` has been removed.
            at = self.next(&target);
            if is_owned {
                self.remove_target(&target, samples);
            }
        }
        is_found.then_some(()).ok_or(ESRCH)
    }

    /// Removes the target with the [order](Target::order) `id`.
    ///
    /// Fails with `ESRCH` if there is none.
    pub(crate) fn remove_id(&self, id: u64, samples: &SampleCache<Target>) -> Result {
        let mut from = None;
        loop {
            let mut registry = self.lock();
            match registry.find_id(id, from.as_deref()) {
                Search::Continue(position) => from = Some(position),
                Search::Done(None) => return Err(ESRCH),
                Search::Done(Some(target)) => {
                    registry.remove_by_id(&target);
                    drop(registry);
                    free(&target, Reason::Removed, samples);
                    return Ok(());
                }
            }
        }
    }

    /// Removes all targets that have ended by now.
    ///
    /// Fails with `EINTR` if the current process is being killed.
    pub(crate) fn remove_ended(&self, samples: &SampleCache<Target>) -> Result {
        let count = self.lock().ended_len();
        for _ in 0..count {
            signal::yield_unless_killed()?;
            let ended = self.lock().first_ended().map(Ref::from);
            match ended {
                Some(ended) => self.remove_target(&ended, samples),
                None => break,
            };
        }
        Ok(())
    }

    /// Removes all targets.
    pub(crate) fn remove_all(&self, samples: &SampleCache<Target>) {
        while let Some(target) = self.first() {
            self.remove_target(&target, samples);
        }
    }

    /// Removes `target` and frees its samples. Returns whether it was in the registry.
    fn remove_target(&self, target: &Object<Target>, samples: &SampleCache<Target>) -> bool {
        let is_removed = self.lock().remove(target);
        if is_removed {
            free(target, Reason::Removed, samples);
        }
        is_removed
    }

    /// Frees the targets that were displaced by followed forks, and their samples.
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

/// Frees the samples of a target that was removed from the registry, and drops the references to
/// its task.
fn free(target: &Object<Target>, reason: Reason, samples: &SampleCache<Target>) {
    let reader = target.state_mut(&mut samples.lock()).take_reader();
    drop(reader);
    samples.clear(target, reason);
}
