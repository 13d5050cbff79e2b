// SPDX-License-Identifier: GPL-2.0

//! The fork probe: registering it while forks are followed, and what each fork does.
//!
//! The probe runs in each fork of the machine. A fork of a process that is not watched is recognised by
//! one bit, without a lock. Whether a fork is followed, and how, is decided in targets/follow_fork.rs.
//!
//! `kernel_clone()` calls the probe with no lock held. The probe may take the locks of the registry and of
//! the store, and spinlocks of the kernel: those of the slab allocator, of the child's `wait_pidfd`, of the
//! sampler's wait queue and of work items. It must not take a mutex, because it must not sleep.
//!
//! Unregistering the probe must wait for calls that are under way, so a work item does that
//! (deferred_work.rs).

use super::Recorder;
use crate::{
    abstractions::tracepoint::{ForkHandler, ForkProbe},
    targets::{Candidate, PidBitmap},
};
use kernel::{prelude::*, sync::Arc, task::Task};

/// What is needed to follow forks.
#[derive(Default)]
pub(super) struct ForkTracking {
    /// The registered probe, while forks are followed, and until a work item has removed it.
    probe: Option<ForkProbe<ForkFollower>>,
    /// The PIDs of the targets. Kept once it has been allocated.
    pid_bitmap: Option<Arc<PidBitmap>>,
}

/// What the probe calls at each fork.
struct ForkFollower {
    recorder: Arc<Recorder>,
    pid_bitmap: Arc<PidBitmap>,
}

impl ForkHandler for ForkFollower {
    #[inline(always)]
    fn forked(&self, parent: &Task, child: &Task) {
        let process = parent.tgid();
        // A child with the same thread group is a thread.
        if self.pid_bitmap.contains(process) && child.tgid() != process {
            self.recorder.follow_fork(child);
        }
    }
}

impl Recorder {
    /// Adds a process as [`add`](Self::add), and follows its forks from now on, and those of each
    /// descendant that is forked from now on.
    ///
    /// Fails also with `EOPNOTSUPP` in a kernel without tracepoints, and with `ESRCH` for a thread that
    /// is not a thread group leader.
    pub(crate) fn add_tree(self: &Arc<Self>, pid: i32) -> Result {
        let candidate = Candidate::find_tree(pid)?;
        let mut fork_tracking = self.fork_tracking.lock();
        self.register_probe(&mut fork_tracking)?;
        let added = self.add_candidate(candidate);
        drop(fork_tracking);
        if added.is_err() {
            self.check_fork_probe();
        }
        added
    }

    fn register_probe(self: &Arc<Self>, fork_tracking: &mut ForkTracking) -> Result {
        let pid_bitmap = match &fork_tracking.pid_bitmap {
            Some(pid_bitmap) => pid_bitmap.clone(),
            None => Arc::new(PidBitmap::new()?, GFP_KERNEL)?,
        };
        fork_tracking.pid_bitmap = Some(pid_bitmap.clone());
        self.targets.set_pid_bitmap(&pid_bitmap);
        if fork_tracking.probe.is_none() {
            let recorder = self.clone();
            let follower = ForkFollower {
                recorder,
                pid_bitmap,
            };
            fork_tracking.probe = Some(ForkProbe::register(Arc::new(follower, GFP_KERNEL)?)?);
            self.targets.lock().has_probe = true;
        }
        Ok(())
    }

    /// Makes the child of a fork a target, if the forks of its parent, the current process, are
    /// followed. Called by the probe; does not sleep.
    fn follow_fork(&self, child: &Task) {
        let followed = self.targets.follow_fork(child, &self.samples);
        if followed.has_displaced {
            self.queue_clean_up();
        }
        if followed.is_only {
            self.wake_sampler();
        }
    }

    /// Queues the removal of the probe, if no forks are followed any more. May be called from any
    /// context in which a spinlock may be taken.
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
        }
    }
}

/// Ends following forks, for good, when it is dropped. May sleep then.
pub(crate) struct ForkTrackingGuard(pub(crate) Arc<Recorder>);

impl Drop for ForkTrackingGuard {
    fn drop(&mut self) {
        *self.0.fork_tracking.lock() = ForkTracking::default();
    }
}
