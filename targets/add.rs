// SPDX-License-Identifier: GPL-2.0

//! Beginning and ceasing to watch a task.

use crate::{
    abstractions::{
        clock,
        pid::Pid,
        pid_numbers::Numbers,
        slab::{Object, Ref, Vacant},
    },
    cputime::{Reading, Subject},
    eviction::{Detached, Reason},
    recorder::Recorder,
    registry::Registry,
    sample_cache::Store,
    segment::Segment,
    target::{Target, Tree},
};
use kernel::{
    pid_namespace::PidNamespace,
    prelude::*,
    sync::{rcu, Arc},
};

impl Recorder {
    /// Watches the task that the current process knows by `number`.
    ///
    /// May sleep. Fails with `ESRCH` where there is no such task, `EEXIST` where it is watched
    /// already, `ENOSPC` where `max_targets` are watched, `ENOMEM`.
    pub(crate) fn add(&self, number: i32) -> Result {
        let subject = Subject::find(Pid::find(number).ok_or(ESRCH)?)?;
        self.add_found(subject, None)
    }

    /// Watches the task `subject`; its forks join `tree`. As [`add`](Self::add).
    pub(crate) fn add_found(
        &self,
        mut subject: Pin<KBox<Subject>>,
        tree: Option<Arc<Tree>>,
    ) -> Result {
        let numbers = Numbers::new(subject.pid(), GFP_KERNEL)?;
        let reading = subject.as_mut().read(&rcu::read_lock());
        let first = (clock::boottime_us(), reading);
        let mut spare = Some(self.segments.brief.alloc().ok_or(ENOMEM)?);
        let vacant = self.targets.alloc().ok_or(ENOMEM)?;
        let target = vacant.fill(Target::new(numbers, subject, tree, &self.store));

        let mut registry = self.registry.lock();
        if registry.has(&target.numbers) {
            return Err(EEXIST);
        }
        if registry.is_full() {
            return Err(ENOSPC);
        }
        let (ended, is_first) = self.admit(&mut registry, &target, first, &mut spare);
        drop(registry);
        drop(ended);
        if is_first {
            self.wake_sampler();
        }
        Ok(())
    }

    /// Adds `target` to the registry, with a `first` sample that was taken at that moment, unless
    /// sampling has been stopped. `spare` is for that. Returns the task, where it has ended, and whether
    /// nobody was sampled until now.
    pub(crate) fn admit(
        &self,
        registry: &mut Registry,
        target: &Ref<Target>,
        first: (u64, Reading),
        spare: &mut Option<Vacant<Segment>>,
    ) -> (Option<Pin<KBox<Subject>>>, bool) {
        let mut store = self.store.lock();
        let pass = store.timeline.next();
        let state = target.state_mut(&mut store);
        state.order = registry.last_order() + 1;
        state.history.origin = pass;
        let mut ended = None;
        // The lock of the registry, which is held, is that under which `stop` says so.
        if registry.sampling.is_running {
            let (moment_us, reading) = first;
            // Sample 0 comes before the next pass.
            state.history.origin = pass - 1;
            state.birth_us = Some(moment_us);
            if reading.is_end() {
                ended = state.record_end(moment_us);
            }
            // Nothing goes for one sample.
            let mut detached = Detached::new();
            store.append(&self.store, target, reading.sample(), spare, &mut detached);
            if reading.is_end() {
                store.close(target);
            }
        } else if let Some(subject) = &mut state.subject {
            subject.as_mut().forget_reading();
        }
        drop(store);
        let is_living = ended.is_none();
        registry.insert(target, is_living);
        (ended, is_living && registry.living().len() == 1)
    }

    /// Stops watching what the current process knows by `number`, and frees its samples. Where a
    /// number has been used again, all that bore it.
    ///
    /// Fails with `ESRCH` where nothing of that number is watched.
    pub(crate) fn remove(&self, number: i32, namespace: &PidNamespace) -> Result {
        let mut found = false;
        loop {
            let mut registry = self.registry.lock();
            let Some(target) = registry.find(number, namespace) else {
                return if found { Ok(()) } else { Err(ESRCH) };
            };
            registry.remove(&target);
            drop(registry);
            found = true;
            self.forget(&target, Reason::Removed);
        }
    }

    /// Stops watching anything.
    pub(crate) fn remove_all(&self) {
        loop {
            let mut registry = self.registry.lock();
            let Some(target) = registry.first().map(Ref::from) else {
                return;
            };
            registry.remove(&target);
            drop(registry);
            self.forget(&target, Reason::Removed);
        }
    }

    /// Frees what is kept of a target that is no longer in the registry.
    pub(crate) fn forget(&self, target: &Object<Target>, reason: Reason) {
        let subject = target.state_mut(&mut self.store.lock()).subject.take();
        drop(subject);
        self.clear_target(target, reason);
        self.check_probes();
    }

    fn clear_target(&self, target: &Object<Target>, reason: Reason) {
        self.in_steps(|store, detached| store.detach_all_of(target, reason, detached));
    }

    /// Runs `f` under the lock of the store, and lets go of what it detached without, until it returns
    /// that there is no more to do.
    fn in_steps(&self, f: impl Fn(&mut Store, &mut Detached) -> bool) {
        loop {
            let mut detached = Detached::new();
            let goes_on = f(&mut self.store.lock(), &mut detached);
            detached.free();
            if !goes_on {
                return;
            }
        }
    }

    /// Frees all samples.
    pub(crate) fn clear(&self) {
        self.for_each(|target| self.clear_target(target, Reason::Removed));
    }

    /// Frees what is more than `max_samples`.
    pub(crate) fn trim(&self) {
        self.for_each(|target| self.in_steps(|store, detached| store.trim(target, detached)));
    }

    /// Runs `f` on all targets, with no lock held, in the order in which they were added.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Object<Target>)) {
        let mut at = self.registry.lock().first().map(Ref::from);
        while let Some(target) = at {
            f(&target);
            let registry = self.registry.lock();
            at = registry.next(&target, &self.store.lock()).map(Ref::from);
        }
    }
}
