// SPDX-License-Identifier: GPL-2.0

//! Adding a target.

use super::{reading::Reading, registry::Registry, tree::Tree, Target, Targets, TaskReader};
use crate::{
    abstractions::{clock, pid::Pid, slab::Ref, upid::Upids},
    sample_cache::{Detached, SampleCache, SpareSegment},
};
use kernel::{
    prelude::*,
    sync::{rcu, Arc},
};

/// A task that was found by its PID and can be added.
pub(crate) struct Candidate {
    reader: Pin<KBox<TaskReader>>,
    tree: Option<Arc<Tree>>,
}

impl Candidate {
    /// Finds the task with `pid` in the PID namespace of the current process: a process if that is
    /// the PID of a thread group leader, else a thread.
    ///
    /// May sleep. Fails with `ESRCH` if there is no such task, and with `ENOMEM`.
    pub(crate) fn find(pid: i32) -> Result<Self> {
        let reader = TaskReader::find(Pid::find(pid).ok_or(ESRCH)?, GFP_KERNEL)?;
        Ok(Self { reader, tree: None })
    }

    /// Finds a process like [`find`](Self::find). Its forks are followed once it has been added.
    ///
    /// May sleep. Fails like `find`; also with `ESRCH` if `pid` is a thread that is not a thread
    /// group leader.
    pub(crate) fn find_tree(pid: i32) -> Result<Self> {
        let mut found = Self::find(pid)?;
        if !found.reader.is_process() {
            return Err(ESRCH);
        }
        found.tree = Some(Tree::new(Upids::new(found.reader.pid(), GFP_KERNEL)?)?);
        Ok(found)
    }

    /// Returns whether the task is the current process, and nothing but this process itself can
    /// fork a child of it.
    pub(crate) fn is_childless_current(&self) -> bool {
        self.reader.is_childless_current()
    }
}

/// The first sample of a new target.
pub(super) struct FirstSample {
    /// When it was taken, microseconds since boot.
    pub(super) time_us: u64,
    pub(super) reading: Reading,
}

/// What [`insert`] leaves to its caller.
pub(super) struct Inserted {
    /// Whether the target is the only living one, so that the sampler must be woken.
    pub(super) is_only: bool,
    /// The reader, if the task has ended already. It must be dropped with no lock held.
    pub(super) unused: Option<Pin<KBox<TaskReader>>>,
    /// Segments that exceeded `max_kib`. They must be dropped with no lock held.
    pub(super) evicted: Detached<Target>,
}

impl Targets {
    /// Adds a target. Unless sampling is stopped, takes its first sample.
    ///
    /// Returns whether it is the only living target, so that the sampler must be woken.
    ///
    /// If the task is watched already and the candidate is the root of a tree, the target becomes
    /// that root and keeps its history.
    ///
    /// May sleep. Fails with `EEXIST` if the task is watched already, or is followed already;
    /// `ENOSPC` if there are `max_targets`; and `ENOMEM`.
    pub(crate) fn add(&self, candidate: Candidate, samples: &SampleCache<Target>) -> Result<bool> {
        let Candidate { mut reader, tree } = candidate;
        let identity = reader.identity(GFP_KERNEL)?;
        let reading = reader.as_mut().read(&rcu::read_lock());
        let first = FirstSample {
            time_us: clock::boottime_us(),
            reading,
        };
        let mut spare = samples.alloc_first();
        if spare.is_none() {
            return Err(ENOMEM);
        }
        let memory = self.slab_cache.alloc().ok_or(ENOMEM)?;
        let target = memory.init(Target::new(identity, reader, tree.clone(), samples.store()));

        let mut registry = self.lock();
        if let Some(tree) = &tree {
            tree.set_first_order(registry.next_order());
        }
        if let Some(watched) = registry.find_same(target.pids()).map(Ref::from) {
            registry.follow(&watched, tree.ok_or(EEXIST)?, &mut samples.lock())?;
            return Ok(false);
        }
        if registry.is_full() {
            return Err(ENOSPC);
        }
        let inserted = insert(&mut registry, &target, first, samples, &mut spare);
        drop(registry);
        drop((inserted.unused, inserted.evicted));
        Ok(inserted.is_only)
    }
}

/// Inserts `target` into the registry. Unless sampling is stopped, appends `first` to its history,
/// in a segment that is made from `spare`. Takes the lock of the store.
pub(super) fn insert(
    registry: &mut Registry,
    target: &Ref<Target>,
    first: FirstSample,
    samples: &SampleCache<Target>,
    spare: &mut SpareSegment<Target>,
) -> Inserted {
    let FirstSample { time_us, reading } = first;
    let mut store = samples.lock();
    let next_pass = store.next_pass();
    let state = target.state_mut(&mut store);
    let mut unused = None;
    let mut evicted = Detached::new();
    // The caller holds the lock of the registry, so no `stop` command comes in between.
    if registry.schedule().is_running() {
        // Sample 0 belongs to the latest pass, and the next pass takes sample 1.
        state.history.begin(next_pass - 1, Some(time_us));
        if reading.is_end() {
            unused = state.end(time_us);
        }
        store.append(target, reading.sample(), spare, &mut evicted);
        if reading.is_end() {
            store.close(target);
        }
    } else {
        state.history.begin(next_pass, None);
        if let Some(reader) = state.reader() {
            reader.discard_reading();
        }
    }
    drop(store);
    Inserted {
        is_only: registry.insert(target, unused.is_none()),
        unused,
        evicted,
    }
}
