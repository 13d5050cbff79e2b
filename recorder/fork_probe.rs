// SPDX-License-Identifier: GPL-2.0

//! The fork probe and the exit probe: when they are registered and removed, and what they do.
//!
//! The fork probe runs in each fork of the machine. A fork of a process that is not watched is
//! recognised by one bit, without a lock. Whether any other fork is followed is decided in
//! targets/follow_fork.rs.
//!
//! The exit probe runs in each exit while a `tree:` command searches for living descendants; why is
//! in targets/descendants.rs. In a kernel that does not add up what ended threads have waited,
//! another one is there as long as the fork probe, and does that for processes that are followed.
//!
//! `kernel_clone()` and `do_exit()` call the probes with no lock held. They may take the locks of
//! the registry and of the store, and spinlocks of the kernel: those of the slab allocator, of the
//! task's `wait_pidfd`, of the sampler's wait queue and of work items. They must not take a mutex,
//! because they must not sleep.
//!
//! The removal of the fork probe waits for calls that are under way, so a work item does it
//! (deferred_work.rs).

use super::{ForkFollower, ForkTracking, Recorder};
use crate::{
    abstractions::{
        compat::tgid,
        run_delay::EndedThreads,
        tracepoint::{ExitHandler, ExitProbe, ForkHandler, ForkProbe},
    },
    targets::{Candidate, Displaced, Followed, PidBitmap},
};
use kernel::{prelude::*, sync::Arc, task::Task};

impl ForkHandler for ForkFollower {
    #[inline(always)]
    fn forked(&self, parent: &Task, child: &Task) {
        let process = tgid(parent);
        // A child in the same thread group is a thread.
        if self.pid_bitmap.contains(process) && tgid(child) != process {
            self.recorder.follow_fork(child);
        }
    }
}

impl ExitHandler for ForkFollower {
    #[inline(always)]
    fn exits(&self, thread: &Task, _is_last: bool) {
        if self.pid_bitmap.contains(tgid(thread)) {
            let recorder = &self.recorder;
            recorder.targets.add_ended_thread(thread, &recorder.samples);
        }
    }
}

/// What the exit probe calls in each exit, while living descendants are searched for.
struct ExitFollower(Arc<Recorder>);

impl ExitHandler for ExitFollower {
    fn exits(&self, thread: &Task, is_last: bool) {
        let recorder = &self.0;
        let followed = recorder
            .targets
            .follow_exiting(thread, is_last, &recorder.samples);
        recorder.finish_following(followed);
    }
}

impl Recorder {
    /// Adds a process like [`add`](Self::add), with all descendants that live now, and follows the
    /// forks of all of them from now on. If it is watched already but not followed, it keeps its
    /// history.
    ///
    /// May sleep. Fails like `add`; also with `EEXIST` if the process is followed, with `ESRCH` if
    /// `pid` is a thread that is not a thread group leader, with `EOPNOTSUPP` in a kernel without
    /// tracepoints, and with `EINTR` if the current process is being killed.
    pub(crate) fn add_tree(self: &Arc<Self>, pid: i32) -> Result {
        let candidate = Candidate::find_tree(pid)?;
        // A process that begins with itself, as `taskmon record` makes its child do, has nobody to
        // search for.
        let exit_probe = if candidate.is_childless_current() {
            None
        } else {
            let follower = Arc::new(ExitFollower(self.clone()), GFP_KERNEL)?;
            Some(ExitProbe::register(follower)?)
        };
        let mut fork_tracking = self.fork_tracking.lock();
        self.register_probe(&mut fork_tracking)?;
        let added = self.add_candidate(candidate);
        drop(fork_tracking);
        if added.is_err() {
            self.check_fork_probe();
            return added;
        }
        match exit_probe {
            Some(_) => self
                .targets
                .follow_descendants(&self.samples, |followed| self.finish_following(followed)),
            None => Ok(()),
        }
    }

    /// Registers the probe, unless it is registered. May sleep.
    fn register_probe(self: &Arc<Self>, fork_tracking: &mut ForkTracking) -> Result {
        let pid_bitmap = match &fork_tracking.pid_bitmap {
            Some(pid_bitmap) => pid_bitmap.clone(),
            None => Arc::new(PidBitmap::new()?, GFP_KERNEL)?,
        };
        fork_tracking.pid_bitmap = Some(pid_bitmap.clone());
        self.targets.set_pid_bitmap(&pid_bitmap);
        if fork_tracking.probe.is_none() {
            let follower = ForkFollower {
                recorder: self.clone(),
                pid_bitmap,
            };
            let follower = Arc::new(follower, GFP_KERNEL)?;
            let exit_probe = if EndedThreads::KERNEL_ADDS_UP {
                None
            } else {
                Some(ExitProbe::register(follower.clone())?)
            };
            fork_tracking.probe = Some(ForkProbe::register(follower)?);
            fork_tracking.exit_probe = exit_probe;
            self.targets.lock().has_probe = true;
        }
        Ok(())
    }

    /// Makes `child` a target, if the forks of the current process, which forked it, are followed.
    ///
    /// Called by the probe. Does not sleep.
    fn follow_fork(&self, child: &Task) {
        self.finish_following(self.targets.follow_fork(child, &self.samples));
    }

    /// Does what following a process leaves to its caller. Does not sleep. The caller holds no
    /// spinlock of this module.
    fn finish_following(&self, followed: Followed) {
        match followed.displaced {
            Displaced::None => {}
            Displaced::Some => self.queue_clean_up_later(),
            Displaced::Many => self.queue_clean_up(),
        }
        if followed.is_only {
            self.wake_sampler();
        }
    }

    /// Queues the removal of the probe, if no forks are followed any more. Does not sleep. The
    /// caller holds no spinlock of this module.
    pub(crate) fn check_fork_probe(&self) {
        if self.targets.lock().has_idle_probe() {
            self.queue_clean_up();
        }
    }

    /// Removes the probe, if no forks are followed any more. May sleep.
    pub(super) fn remove_idle_probe(&self) {
        let mut fork_tracking = self.fork_tracking.lock();
        let mut registry = self.targets.lock();
        if registry.has_idle_probe() {
            registry.has_probe = false;
            drop(registry);
            // No tree is added meanwhile, because that needs the mutex.
            fork_tracking.probe = None;
            fork_tracking.exit_probe = None;
        }
    }
}

/// Removes the fork probe when it is dropped, after which no `tree:` command may come. May sleep
/// then.
pub(crate) struct ForkTrackingGuard(pub(crate) Arc<Recorder>);

impl Drop for ForkTrackingGuard {
    fn drop(&mut self) {
        *self.0.fork_tracking.lock() = ForkTracking::default();
    }
}
