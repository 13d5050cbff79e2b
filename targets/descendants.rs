// SPDX-License-Identifier: GPL-2.0

//! Following the descendants that a process has already when a `tree:` command is executed.
//!
//! A process is *followed* if it is a living target that belongs to a tree. It is a *member* if it
//! is followed, or if its chain of parents leads to a process that is. The tree is complete when
//! all living members are followed.
//!
//! Walks over all processes follow the members that they find, until a walk finds no new one. A
//! child of a followed process is followed by the fork probe. So a member that is not followed has
//! a parent that was not followed when it forked:
//!
//! - If a walk came past the parent while it lived, the parent has been followed since, and the
//!   next walk finds the child by the parent.
//! - If the parent has ended, its children have another parent, and their chain is broken. So the
//!   exit probe follows them before that: `do_exit()` calls the probe before `exit_notify()`
//!   reparents the children. For the same reason the exit probe follows a member that exits before
//!   any walk comes to it.
//!
//! A walk that finds nobody new proves that the tree is complete, if it sees all that was forked by
//! processes that were not followed yet. The forking task first makes the child visible, and then
//! tests the PID bitmap in the fork probe. The walk does the opposite: first the bit is set, and
//! then the next walk looks for children. For this to be safe, each of the two must have a memory
//! barrier in between. `synchronize_rcu()` before each walk is one for all CPUs, so the fork probe,
//! which runs in each fork of the machine, has none.

use super::{
    add::{self, FirstSample},
    follow_fork::Followed,
    pid_bitmap::PidBitmap,
    tree::Tree,
    Target, Targets, TaskReader,
};
use crate::{
    abstractions::{
        clock,
        compat::{synchronize_rcu, tgid},
        exit,
        pid::Pid,
        process_tree, signal,
        slab::Ref,
    },
    sample_cache::SampleCache,
};
use kernel::{
    prelude::*,
    sync::{aref::ARef, rcu, Arc},
    task::Task,
};

/// How many PIDs are passed in one RCU read-side critical section.
const CHUNK: usize = 100;

/// A process that is to join a tree.
struct Newcomer {
    pid: ARef<Pid>,
    tree: Arc<Tree>,
}

/// What a walk has done.
#[derive(Default)]
struct Walked {
    followed: Followed,
    /// How many processes did not fit `max_targets` or memory.
    unfit: u64,
}

impl Targets {
    /// Follows the living descendants of all followed processes. Calls `after_step` with no lock
    /// held, after each process that was followed.
    ///
    /// The fork probe and the exit probe are registered. Those that do not fit `max_targets`, or
    /// for which there is no memory, are counted in `lost`.
    ///
    /// May sleep. Fails with `EINTR` if the current process is being killed. Then those that were
    /// found until then are followed.
    pub(crate) fn follow_descendants(
        &self,
        samples: &SampleCache<Target>,
        after_step: impl Fn(Followed),
    ) -> Result {
        loop {
            synchronize_rcu();
            let before = self.lock().joined;
            let mut unfit = 0;
            let mut from = Some(1);
            while let Some(start) = from {
                signal::yield_unless_killed()?;
                let newcomer;
                (newcomer, from) = self.find_newcomer(start, samples);
                let Some(newcomer) = newcomer else {
                    continue;
                };
                let joined = self.join(newcomer, samples, true);
                unfit += joined.unfit;
                after_step(joined.followed);
            }
            let mut registry = self.lock();
            if registry.joined == before {
                registry.lost += unfit;
                return Ok(());
            }
        }
    }

    /// Finds a member that is not followed, among the processes with a PID of `from` or greater.
    ///
    /// Returns it, and the PID to continue from.
    fn find_newcomer(
        &self,
        from: i32,
        samples: &SampleCache<Target>,
    ) -> (Option<Newcomer>, Option<i32>) {
        let Some(pid_bitmap) = self.lock().pid_bitmap().cloned() else {
            return (None, None);
        };
        let rcu = rcu::read_lock();
        process_tree::find_process(from, CHUNK, &rcu, |process| {
            // The exit probe has seen a process that has no live thread any more.
            if !exit::has_live_thread(process)
                || self.tree_of(process, &pid_bitmap, samples).is_some()
            {
                return None;
            }
            Some(Newcomer {
                tree: self.tree_above(process, &pid_bitmap, samples, &rcu)?,
                pid: Pid::of_process(process)?,
            })
        })
    }

    /// Returns the tree to which the process of `task` belongs, if that is followed.
    fn tree_of(
        &self,
        task: &Task,
        pid_bitmap: &PidBitmap,
        samples: &SampleCache<Target>,
    ) -> Option<Arc<Tree>> {
        if !pid_bitmap.contains(tgid(task)) {
            return None;
        }
        self.lock().tree_of(&*Pid::of_process(task)?, samples)
    }

    /// Returns the tree of the nearest followed ancestor of `task`.
    fn tree_above(
        &self,
        task: &Task,
        pid_bitmap: &PidBitmap,
        samples: &SampleCache<Target>,
        rcu: &rcu::Guard,
    ) -> Option<Arc<Tree>> {
        let mut at = task;
        loop {
            at = process_tree::parent(at, rcu)?;
            let tree = self.tree_of(at, pid_bitmap, samples);
            if tree.is_some() {
                return tree;
            }
        }
    }

    /// Follows what a walk would miss because `thread`, the current task, exits: the process, if
    /// `is_last` of its threads, and the children of `thread`.
    ///
    /// Called by the exit probe. Does not sleep. Takes time in proportion to the number of
    /// processes if `thread` is a member and has children, and if not, in proportion to the length
    /// of its chain of parents.
    pub(crate) fn follow_exiting(
        &self,
        thread: &Task,
        is_last: bool,
        samples: &SampleCache<Target>,
    ) -> Followed {
        let Some(pid_bitmap) = self.lock().pid_bitmap().cloned() else {
            return Followed::default();
        };
        let own = self.tree_of(thread, &pid_bitmap, samples);
        let is_followed = own.is_some();
        let tree = own.or_else(|| self.tree_above(thread, &pid_bitmap, samples, &rcu::read_lock()));
        let Some(tree) = tree else {
            return Followed::default();
        };
        let mut walked = Walked::default();
        if let Some(pid) = Pid::of_process(thread).filter(|_| is_last && !is_followed) {
            let tree = tree.clone();
            walked.add(self.join(Newcomer { pid, tree }, samples, false));
        }
        if process_tree::has_children(thread) {
            walked.add(self.follow_children(thread, &tree, &pid_bitmap, samples));
        }
        self.lock().lost += walked.unfit;
        walked.followed
    }

    /// Makes the children of `thread` part of `tree`, unless they are followed. Does not sleep.
    fn follow_children(
        &self,
        thread: &Task,
        tree: &Arc<Tree>,
        pid_bitmap: &PidBitmap,
        samples: &SampleCache<Target>,
    ) -> Walked {
        let mut walked = Walked::default();
        loop {
            let before = self.lock().joined;
            walked.unfit = 0;
            let mut from = Some(1);
            while let Some(start) = from {
                let rcu = rcu::read_lock();
                let child;
                (child, from) = process_tree::find_process(start, CHUNK, &rcu, |process| {
                    let parent = process_tree::parent(process, &rcu)?;
                    let is_child = core::ptr::eq(parent, thread);
                    (is_child && self.tree_of(process, pid_bitmap, samples).is_none())
                        .then(|| Pid::of_process(process))
                        .flatten()
                });
                drop(rcu);
                if let Some(pid) = child {
                    let tree = tree.clone();
                    walked.add(self.join(Newcomer { pid, tree }, samples, false));
                }
            }
            // A child of a child can be a child of `thread` too (`CLONE_PARENT`).
            if self.lock().joined == before {
                return walked;
            }
        }
    }

    /// Makes a process part of a tree: follows the target if it is one, else adds it. Sleeps if
    /// `may_sleep`.
    fn join(&self, newcomer: Newcomer, samples: &SampleCache<Target>, may_sleep: bool) -> Walked {
        let mut walked = Walked::default();
        let joined = self.try_join(newcomer, samples, may_sleep, &mut walked.followed);
        // Any other error: it has ended, or belongs to a tree already, or the tree was removed.
        walked.unfit = matches!(joined, Err(error) if error == ENOSPC || error == ENOMEM).into();
        walked
    }

    /// As [`join`](Self::join). Fails with `ENOSPC` if there are `max_targets` and none of them can
    /// be displaced; with `ENOMEM`; and if there is nothing to do.
    fn try_join(
        &self,
        newcomer: Newcomer,
        samples: &SampleCache<Target>,
        may_sleep: bool,
        followed: &mut Followed,
    ) -> Result {
        let Newcomer { pid, tree } = newcomer;
        let flags = if may_sleep { GFP_KERNEL } else { GFP_NOWAIT };
        let mut reader = TaskReader::find(pid, flags)?;
        let identity = reader.identity(flags)?;
        let reading = reader.as_mut().read(&rcu::read_lock());
        let first = FirstSample {
            time_us: clock::boottime_us(),
            reading,
        };
        let (mut spare, memory) = if may_sleep {
            (samples.alloc_first(), self.slab_cache.alloc())
        } else {
            (samples.alloc_first_nowait(), self.slab_cache.alloc_now())
        };
        let memory = memory.filter(|_| spare.is_some()).ok_or(ENOMEM)?;
        let target = memory.init(Target::new(
            identity,
            reader,
            Some(tree.clone()),
            samples.store(),
        ));

        let mut registry = self.lock();
        if tree.is_dissolved() {
            return Err(ESRCH);
        }
        if let Some(watched) = registry.find_same(target.pids()).map(Ref::from) {
            return registry.follow(&watched, tree, &mut samples.lock());
        }
        followed.displaced = registry.displace_ended();
        if registry.is_full() {
            return Err(ENOSPC);
        }
        registry.joined += 1;
        let inserted = add::insert(&mut registry, &target, first, samples, &mut spare);
        drop(registry);
        followed.is_only = inserted.is_only;
        drop((inserted.unused, inserted.evicted));
        Ok(())
    }
}

impl Walked {
    fn add(&mut self, other: Self) {
        self.followed.is_only |= other.followed.is_only;
        self.followed.displaced = self.followed.displaced.max(other.followed.displaced);
        self.unfit += other.unfit;
    }
}
