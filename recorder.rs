// SPDX-License-Identifier: GPL-2.0

//! The recorder: the targets, their samples, and what wakes the sampler, joined.
//!
//! There is one [`Recorder`], which all layers above use. Its methods are the operations of the
//! commands and of the sampler. They call [`Targets`] and [`SampleCache`], and do what belongs to
//! neither: they wake the sampler (scheduling.rs), register and remove the fork probe
//! (fork_probe.rs), and queue work items (deferred_work.rs).
//!
//! # Lock order
//!
//! 1. the lock of the module parameters, or the mutex of an open file;
//! 2. [`Recorder::fork_tracking`] or [`Recorder::period_requests`], mutexes;
//! 3. the registry of targets, a spinlock: [`Targets::lock`];
//! 4. the store of samples, a spinlock: [`SampleCache::lock`].
//!
//! The spinlocks are never taken in interrupts. While one of them is held, nothing sleeps, and no
//! memory is allocated or freed. Therefore the shrinker, which runs in any allocation that may
//! sleep, may take the lock of the store, and the fork probe may take both. The kernel's locks that
//! are taken inside them, such as `prev_cputime::lock` and `signal_struct::stats_lock`, are leaves.
//! The callback of an exit notice takes none of the locks above.

mod deferred_work;
mod fork_probe;
mod period_request;
mod scheduling;

pub(crate) use deferred_work::EnabledWork;
pub(crate) use fork_probe::ForkTrackingGuard;
pub(crate) use period_request::PeriodRequest;

use crate::{
    abstractions::{
        delayed_work::Work,
        tracepoint::{ExitProbe, ForkProbe},
        wait_queue::WaitQueue,
    },
    params,
    sample_cache::{Reason, SampleCache},
    targets::{Candidate, PidBitmap, Target, Targets},
};
use kernel::{
    new_mutex,
    pid_namespace::PidNamespace,
    prelude::*,
    static_lock_class,
    sync::{Arc, Mutex},
};

/// The ID of the work item that gives slab pages back to the page allocator.
///
/// The slab allocator keeps some dozens of freed objects for each CPU. Each of them can keep a slab
/// page allocated that is free otherwise. So after an eviction they hold back a large part of the
/// memory that reclaim asked for.
const GIVE_BACK: u64 = 0;

/// The ID of the work item that frees displaced targets, and removes the fork probe if it is not
/// needed.
const CLEAN_UP: u64 = 1;

/// The ID of the work item that does the same some time after it was queued.
const CLEAN_UP_LATER: u64 = 2;

/// The recorder.
#[pin_data]
pub(crate) struct Recorder {
    #[pin]
    targets: Targets,
    #[pin]
    samples: SampleCache<Target>,
    /// The fork probe and the PID bitmap that it tests.
    #[pin]
    fork_tracking: Mutex<ForkTracking>,
    /// The periods that open files request.
    #[pin]
    period_requests: Mutex<PeriodRequests>,
    /// The sampler waits here for the next pass.
    #[pin]
    sampler_wait: WaitQueue,
    /// A `stop` command waits here for the end of a pass.
    #[pin]
    pass_ended: WaitQueue,
    give_back: Work<Recorder, GIVE_BACK>,
    clean_up: Work<Recorder, CLEAN_UP>,
    clean_up_later: Work<Recorder, CLEAN_UP_LATER>,
}

/// The periods that open files request. There are few: one for each program that records.
#[derive(Default)]
struct PeriodRequests {
    /// The number of a request, and its period in milliseconds.
    requests: KVec<(u64, u64)>,
    /// The number of the last request.
    last: u64,
}

/// What is needed to follow forks.
#[derive(Default)]
struct ForkTracking {
    /// The registered probe: from the first `tree:` command until a work item finds that no forks
    /// are followed any more.
    probe: Option<ForkProbe<ForkFollower>>,
    /// Registered together with it, if the kernel does not add up what ended threads have waited.
    exit_probe: Option<ExitProbe<ForkFollower>>,
    /// The PIDs of the living targets, from the first `tree:` command on.
    pid_bitmap: Option<Arc<PidBitmap>>,
}

/// What the probe calls in each fork, and in some kernels also in each exit.
struct ForkFollower {
    recorder: Arc<Recorder>,
    pid_bitmap: Arc<PidBitmap>,
}

impl Recorder {
    /// Creates a recorder without targets. May sleep. Fails with `ENOMEM`.
    // Not inlined, so that the temporary values are not in the stack frame of the caller.
    #[inline(never)]
    pub(crate) fn new() -> Result<Arc<Self>> {
        let targets = Targets::new()?;
        let samples = SampleCache::new(params::MAX_SAMPLES.get(), params::MAX_KIB.get())?;
        let (give_back, clean_up, clean_up_later) = (Work::new()?, Work::new()?, Work::new()?);
        Arc::pin_init(
            pin_init!(Self {
                targets <- targets,
                samples <- samples,
                fork_tracking <- new_mutex!(ForkTracking::default(), "taskmonitor fork tracking"),
                period_requests <- new_mutex!(PeriodRequests::default(), "taskmonitor period"),
                sampler_wait <- WaitQueue::new(c"taskmonitor sampler", static_lock_class!()),
                pass_ended <- WaitQueue::new(c"taskmonitor pass", static_lock_class!()),
                give_back,
                clean_up,
                clean_up_later,
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

    /// Adds a target: the task with `pid` in the PID namespace of the current process.
    ///
    /// May sleep. Fails with `ESRCH` if there is no such task, `EEXIST` if it is watched already,
    /// `ENOSPC` if there are `max_targets`, and `ENOMEM`.
    pub(crate) fn add(&self, pid: i32) -> Result {
        self.add_candidate(Candidate::find(pid)?)
    }

    /// Adds a target, and wakes the sampler if it has to sample no other one.
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

    /// Removes the trees whose root has `pid` in `namespace`, that is, the root and all targets
    /// that `tree:` commands for it have added, and frees their samples.
    ///
    /// May sleep. Fails with `ESRCH` if there is none.
    pub(crate) fn remove_tree(&self, pid: i32, namespace: &PidNamespace) -> Result {
        let removed = self.targets.remove_tree(pid, namespace, &self.samples);
        self.check_fork_probe();
        removed
    }

    /// Removes the target with the [order](Target::order) `id`, and frees its samples.
    ///
    /// May sleep. Fails with `ESRCH` if there is none.
    pub(crate) fn remove_id(&self, id: u64) -> Result {
        let removed = self.targets.remove_id(id, &self.samples);
        self.check_fork_probe();
        removed
    }

    /// Removes all targets that have ended, and frees their samples.
    ///
    /// May sleep. Fails with `EINTR` if the process is being killed.
    pub(crate) fn remove_ended(&self) -> Result {
        self.targets.remove_ended(&self.samples)
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

    /// Sets how many samples of each target are kept (0: no limit), and evicts the oldest ones
    /// above that. May sleep.
    pub(crate) fn set_max_samples(&self, max_samples: u64) {
        self.samples.lock().set_max_samples(max_samples);
        self.targets.for_each(|target| self.samples.trim(target));
    }

    /// Sets how many KiB all samples and timestamps take at most (0: no limit), and evicts the
    /// oldest segments above that. May sleep.
    pub(crate) fn set_max_kib(&self, max_kib: u64) {
        self.samples.lock().set_max_kib(max_kib);
        self.samples.trim_all();
    }
}
