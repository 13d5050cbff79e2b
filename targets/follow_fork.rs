// SPDX-License-Identifier: GPL-2.0

//! Forks of followed processes, as they happen.
//!
//! The probe runs in every fork of the machine. One that is of no concern finds that out from one bit,
//! without a lock. It is registered only while somebody is followed. Taking it away takes waiting, and
//! freeing the history of a target that a fork displaced takes long: a work item does both, see
//! reclaim_work.rs.

use crate::{
    abstractions::{
        clock,
        pid::Pid,
        pid_numbers::Numbers,
        slab::Ref,
        tracepoint::{Probes, Watch},
    },
    cputime::{Reading, Subject},
    eviction::Reason,
    marks::Marks,
    recorder::Recorder,
    target::{Target, Tree},
};
use kernel::{current, pid_namespace::PidNamespace, prelude::*, sync::Arc, task::Task};

/// What is there while somebody is followed.
#[derive(Default)]
pub(crate) struct Family {
    pub(crate) probes: Option<Probes<Lookout>>,
    /// The numbers of those who are watched; stays once it has been needed.
    marks: Option<Arc<Marks>>,
}

/// Being able to follow forks. Ends that when it is dropped.
pub(crate) struct Following(pub(crate) Arc<Recorder>);

impl Drop for Following {
    fn drop(&mut self) {
        *self.0.family.lock() = Family::default();
    }
}

impl Recorder {
    /// Watches the process that the current one knows by `number`, and every descendant that is
    /// forked from now on.
    ///
    /// As [`add`](Self::add). Also fails with `EOPNOTSUPP` in a kernel without tracepoints.
    pub(crate) fn add_tree(self: &Arc<Self>, number: i32) -> Result {
        let subject = Subject::find(Pid::find(number).ok_or(ESRCH)?)?;
        if !subject.is_process() {
            return Err(ESRCH);
        }
        let tree = Tree::new(Numbers::new(subject.pid(), GFP_KERNEL)?)?;
        let mut family = self.family.lock();
        self.register_probes(&mut family)?;
        let added = self.add_found(subject, Some(tree));
        drop(family);
        if added.is_err() {
            self.check_probes();
        }
        added
    }

    fn register_probes(self: &Arc<Self>, family: &mut Family) -> Result {
        let marks = match &family.marks {
            Some(marks) => marks.clone(),
            None => Arc::new(Marks::new()?, GFP_KERNEL)?,
        };
        family.marks = Some(marks.clone());
        self.registry.lock().mark_in(&marks);
        if family.probes.is_none() {
            let recorder = self.clone();
            let lookout = Arc::new(Lookout { recorder, marks }, GFP_KERNEL)?;
            family.probes = Some(Probes::register(lookout)?);
            self.registry.lock().is_probed = true;
        }
        Ok(())
    }

    /// Queues the removal of the probe if nobody is followed any more. May be called from any context.
    pub(crate) fn check_probes(&self) {
        if self.registry.lock().has_idle_probes() {
            self.clean_up.queue(0);
        }
    }

    /// Stops watching the process that `namespace` knows by `number`, which was named with `tree:`,
    /// and all that were followed from there, and frees their samples.
    ///
    /// Fails with `ESRCH` where nothing is watched because of it.
    pub(crate) fn remove_tree(&self, number: i32, namespace: &PidNamespace) -> Result {
        let is_of_it = |target: &Target| {
            let tree = target.tree.as_ref();
            tree.filter(|tree| tree.root.in_namespace(namespace) == Some(number))
                .cloned()
        };
        let mut found = false;
        let mut at = self.registry.lock().first().map(Ref::from);
        while let Some(target) = at {
            let tree = is_of_it(&target);
            let mut registry = self.registry.lock();
            if let Some(tree) = &tree {
                tree.dissolve();
            }
            // Before it is removed, as from there on the way would be long.
            at = registry.next(&target, &self.store.lock()).map(Ref::from);
            if tree.is_some() {
                registry.remove(&target);
                drop(registry);
                self.forget(&target, Reason::Removed);
                found = true;
            }
        }
        if found {
            Ok(())
        } else {
            Err(ESRCH)
        }
    }

    /// Follows `child`, which a target that is followed has forked.
    fn adopt(&self, child: &Task) {
        let born_us = clock::boottime_us();
        // Neither has been reaped, as the one runs and the other has not run yet.
        let (Some(parent), Some(pid)) = (Pid::of_process(current!()), Pid::of_process(child))
        else {
            return;
        };
        let registry = self.registry.lock();
        let tree = registry
            .find_living(&parent)
            .and_then(|parent| parent.tree.clone());
        drop(registry);
        let Some(tree) = tree else {
            return;
        };
        let numbers = Numbers::new(&pid, GFP_NOWAIT);
        let subject = Subject::new_process(child, pid);
        let target = self.targets.alloc_now();
        let mut spare = self.segments.brief.alloc_now();
        let (Ok(numbers), Ok(subject), Some(vacant), true) =
            (numbers, subject, target, spare.is_some())
        else {
            self.registry.lock().lost += 1;
            return;
        };
        let target = vacant.fill(Target::new(
            numbers,
            subject,
            Some(tree.clone()),
            &self.store,
        ));
        let first = (born_us, Reading::Same);
        let mut registry = self.registry.lock();
        // Somebody may have named the child before its parent has come here.
        if tree.is_dissolved() || registry.has(&target.numbers) {
            return;
        }
        let has_displaced = registry.make_room();
        let is_first = if registry.is_full() {
            registry.lost += 1;
            false
        } else {
            self.admit(&mut registry, &target, first, &mut spare).1
        };
        drop(registry);
        if has_displaced {
            self.clean_up.queue(0);
        }
        if is_first {
            self.wake_sampler();
        }
    }
}

/// The fork probe: follows the children of followed processes.
pub(crate) struct Lookout {
    recorder: Arc<Recorder>,
    /// The numbers of those who are watched.
    marks: Arc<Marks>,
}

impl Watch for Lookout {
    #[inline(always)]
    fn forked(&self, parent: &Task, child: &Task) {
        let process = parent.tgid();
        if self.marks.has(process) && child.tgid() != process {
            self.recorder.adopt(child);
        }
    }
}
