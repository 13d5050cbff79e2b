// SPDX-License-Identifier: GPL-2.0

//! Finding targets in the registry: by PID, by order, by ID.

use super::Registry;
use crate::{
    abstractions::{
        pid::Pid,
        slab::{Object, Ref},
        upid::Upids,
    },
    sample_cache::SampleCache,
    targets::{target::Target, tree::Tree},
};
use kernel::{sync::Arc, task::Task};

/// How many targets [`Registry::find_next`] passes at a time.
const STRIDE: usize = 100;

/// The result of [`Registry::find_next`].
pub(crate) enum Search {
    /// The search has ended with this result.
    Done(Option<Ref<Target>>),
    /// The search must be continued from this position, after the lock has been released.
    Continue(Ref<Target>),
}

impl Registry {
    /// Searches for the target that was added next after `target`, even if `target` has been
    /// removed.
    ///
    /// Passes [`STRIDE`] targets at most. `from` is the position that the last call returned, if
    /// any.
    pub(crate) fn find_next(
        &self,
        target: &Object<Target>,
        from: Option<&Object<Target>>,
    ) -> Search {
        if self.in_order.contains(target) {
            return Search::Done(self.in_order.next(target).map(Ref::from));
        }
        // If that target has been removed since, the search begins again.
        let from = from.filter(|from| self.in_order.contains(from));
        let mut at = from.or(self.in_order.first());
        for _ in 0..STRIDE {
            match at {
                Some(passed) if passed.order() <= target.order() => {
                    at = self.in_order.next(passed);
                }
                found => return Search::Done(found.map(Ref::from)),
            }
        }
        match at {
            Some(position) => Search::Continue(Ref::from(position)),
            None => Search::Done(None),
        }
    }

    /// Searches for the target with the [order](Target::order) `id`.
    ///
    /// Passes [`STRIDE`] targets at most. `from` is the position that the last call returned, if
    /// any.
    pub(crate) fn find_id(&self, id: u64, from: Option<&Object<Target>>) -> Search {
        let is_before = |target: &&Object<Target>| target.order() <= id;
        let near = self.id_position.as_deref().filter(is_before);
        let from = from.filter(|from| self.in_order.contains(from));
        let mut at = from.or(near).or(self.in_order.first());
        for _ in 0..STRIDE {
            match at {
                Some(passed) if passed.order() < id => at = self.in_order.next(passed),
                found => return Search::Done(found.filter(is_before).map(Ref::from)),
            }
        }
        match at {
            Some(position) => Search::Continue(Ref::from(position)),
            None => Search::Done(None),
        }
    }

    /// Returns the living target of `pid`.
    fn find_living(&self, pid: &Pid) -> Option<&Object<Target>> {
        self.bucket(pid.global())?
            .iter()
            .find(|target| target.pids().is_of(pid) && self.living.contains(target))
    }

    /// Returns the tree of the process with that `pid`, if its forks are followed. Takes the lock
    /// of the store.
    pub(crate) fn tree_of(&self, pid: &Pid, samples: &SampleCache<Target>) -> Option<Arc<Tree>> {
        let target = self
            .find_living(pid)
            .filter(|target| target.is_followed())?;
        let store = samples.lock();
        target.state(&store).tree.clone()
    }

    /// Adds `thread`, which is exiting, to what the ended threads of its process have waited. Does
    /// nothing unless the forks of that process, which has `pid`, are followed. Takes the lock of
    /// the store.
    pub(in crate::targets) fn add_ended_thread(
        &self,
        pid: &Pid,
        thread: &Task,
        samples: &SampleCache<Target>,
    ) {
        let target = self.find_living(pid);
        if let Some(target) = target.filter(|target| target.is_followed()) {
            let mut store = samples.lock();
            target.state_mut(&mut store).ended_threads.add(thread);
        }
    }

    /// Returns the target of the task with these PIDs.
    pub(crate) fn find_same(&self, pids: &Upids) -> Option<&Object<Target>> {
        self.bucket(pids.global())?
            .iter()
            .find(|target| target.pids().is_same(pids))
    }

    /// Returns a target that has `pid` in the initial PID namespace.
    pub(crate) fn find(&self, pid: i32) -> Option<Ref<Target>> {
        let has_pid = |target: &&Object<Target>| target.pids().global() == pid;
        self.bucket(pid)?.iter().find(has_pid).map(Ref::from)
    }
}
