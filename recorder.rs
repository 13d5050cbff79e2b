// SPDX-License-Identifier: GPL-2.0

//! The recorder: the targets, their samples, and what wakes the sampler, joined.
//!
//! [`Recorder`] is what the layers above are given. Its methods are what the commands and the sampler
//! do. They call [`Targets`] and [`SampleCache`], and then take care of what concerns both or neither:
//! waking the sampler (scheduling.rs), the fork probe (fork_probe.rs), and work for a worker thread
//! (deferred_work.rs).
//!
//! # Lock order
//!
//! 1. the lock of the module parameters, or the mutex of an open file;
//! 2. [`Recorder::fork_tracking`], a mutex;
//! 3. the registry of targets, a spinlock: [`Targets::lock`];
//! 4. the store of samples, a spinlock: [`SampleCache::lock`].
//!
//! The spinlocks are never taken in interrupts. While one of them is held nothing sleeps, and no memory
//! is allocated or freed. Therefore the shrinker, which runs in any allocation, may take the lock of the
//! store, and a fork may take the lock of the registry. Kernel locks taken inside (that of a
//! `prev_cputime`, `stats_lock`) are leaves. The callback of an exit notice takes none of these locks.

mod deferred_work;
mod fork_probe;
mod scheduling;

pub(crate) use deferred_work::{CleanUp, GiveBack};
pub(crate) use fork_probe::ForkTrackingGuard;

use crate::{
    abstractions::{delayed_work::Work, wait_queue::WaitQueue},
    params,
    sample_cache::{Reason, SampleCache},
    targets::{Candidate, Target, Targets},
};
use fork_probe::ForkTracking;
use kernel::{
    new_mutex,
    pid_namespace::PidNamespace,
    prelude::*,
    static_lock_class,
    sync::{Arc, Mutex},
};

/// The work item that gives slab pages back.
///
/// The slab allocator keeps freed objects for each CPU, some dozens, and each of them keeps a slab page
/// from being freed. If whole pages were freed by evicting the oldest segments, these objects hold back a
/// good part of the memory that was asked for.
const GIVE_BACK: u64 = 0;

/// The work item that frees displaced targets, and removes the fork probe when it is not needed.
const CLEAN_UP: u64 = 1;

/// The recorder.
#[pin_data]
pub(crate) struct Recorder {
    #[pin]
    targets: Targets,
    #[pin]
    samples: SampleCache<Target>,
    /// The fork probe, while forks are followed.
    #[pin]
    fork_tracking: Mutex<ForkTracking>,
    /// The sampler waits here for the next pass.
    #[pin]
    sampler_wait: WaitQueue,
    /// A `stop` command waits here for the end of a pass.
    #[pin]
    pass_ended: WaitQueue,
    give_back: Work<Recorder, GIVE_BACK>,
    clean_up: Work<Recorder, CLEAN_UP>,
}

impl Recorder {
    /// A recorder without targets. May sleep. Fails with `ENOMEM`.
    // Not inlined, so that the temporary values are not in the stack frame of the caller.
    #[inline(never)]
    pub(crate) fn new() -> Result<Arc<Self>> {
        let targets = Targets::new()?;
        let samples = SampleCache::new(params::MAX_SAMPLES.get())?;
        let (give_back, clean_up) = (Work::new()?, Work::new()?);
        Arc::pin_init(
            pin_init!(Self {
                targets <- targets,
                samples <- samples,
                fork_tracking <- new_mutex!(ForkTracking::default(), "taskmonitor fork tracking"),
                sampler_wait <- WaitQueue::new(c"taskmonitor sampler", static_lock_class!()),
                pass_ended <- WaitQueue::new(c"taskmonitor pass", static_lock_class!()),
                give_back,
                clean_up,
            }),
            GFP_KERNEL,
        )
    }

    /// Returns the targets.
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Returns the samples.
    pub(crate) fn samples(&self) -> &SampleCache<Target> {
        &self.samples
    }

    /// Adds the task that the current process knows by `pid` as a target.
    ///
    /// May sleep. Fails with `ESRCH` if there is no such task, `EEXIST` if it is watched already,
    /// `ENOSPC` if there are `max_targets`, and `ENOMEM`.
    pub(crate) fn add(&self, pid: i32) -> Result {
        self.add_candidate(Candidate::find(pid)?)
    }

    fn add_candidate(&self, candidate: Candidate) -> Result {
        if self.targets.add(candidate, &self.samples)? {
            self.wake_sampler();
        }
        Ok(())
    }

    /// Removes the targets that have `pid` in `namespace`, and frees their samples.
    ///
    /// May sleep. Fails with `ESRCH` if there is none.
    pub(crate) fn remove(&self, pid: i32, namespace: &PidNamespace) -> Result {
        let removed = self.targets.remove(pid, namespace, &self.samples);
        self.check_fork_probe();
        removed
    }

    /// Removes the targets that were added by the command `tree:` for `pid` in `namespace` or because of
    /// it, and frees their samples.
    ///
    /// May sleep. Fails with `ESRCH` if there is none.
    pub(crate) fn remove_tree(&self, pid: i32, namespace: &PidNamespace) -> Result {
        let removed = self.targets.remove_tree(pid, namespace, &self.samples);
        self.check_fork_probe();
        removed
    }

    /// Removes all targets, and frees their samples. May sleep.
    pub(crate) fn remove_all(&self) {
        self.targets.remove_all(&self.samples);
    }

    /// Frees all samples. The targets stay. May sleep.
    pub(crate) fn clear(&self) {
        self.targets
            .for_each(|target| self.samples.clear(target, Reason::Removed));
    }

    /// Sets how many samples of each target are kept (0: no limit), and frees those in excess. May sleep.
    pub(crate) fn set_max_samples(&self, max_samples: u64) {
        self.samples.lock().set_max_samples(max_samples);
        self.targets.for_each(|target| self.samples.trim(target));
    }
}
