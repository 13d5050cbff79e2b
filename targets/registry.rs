// SPDX-License-Identifier: GPL-2.0

//! The set of all targets, in the order in which they were added and by PID.
//!
//! While the registry is locked, nothing sleeps, and no memory is allocated or freed. The lock of
//! the store of samples may be taken inside. recorder.rs has the order of all locks.

mod displaced;
mod search;

pub(crate) use displaced::Displaced;
pub(crate) use search::Search;

use super::{
    pid_bitmap::PidBitmap,
    target::{Target, BUCKET, ORDER, STAGE},
    tree::Tree,
};
use crate::{
    abstractions::{
        clock,
        list::List,
        slab::{Object, Ref},
    },
    params,
    sample_cache::Store,
    schedule::Schedule,
};
use core::convert::Infallible;
use kernel::{prelude::*, sync::Arc};

/// The number of hash buckets for PIDs.
const BUCKETS: usize = 1024;

/// The set of all targets. Protected by the lock of [`Targets`](super::Targets).
pub(crate) struct Registry {
    in_order: List<Target, ORDER>,
    /// The targets whose exit sample has not been taken. Each pass samples these.
    living: List<Target, STAGE>,
    /// The targets that have ended, the first to end first.
    ended: List<Target, STAGE>,
    /// Ended targets that followed forks have displaced. They are not targets any more, but their
    /// samples have not been freed yet.
    displaced: List<Target, STAGE>,
    /// The hash buckets, by PID in the initial PID namespace.
    by_pid: KVec<List<Target, BUCKET>>,
    /// The target with which the pass under way continues.
    pub(crate) pass_position: Option<Ref<Target>>,
    /// The order of the next target.
    next_order: u64,
    /// The PIDs of the living targets, once the fork probe has been needed.
    pid_bitmap: Option<Arc<PidBitmap>>,
    /// How many of the living targets have their forks followed.
    followed: usize,
    /// Whether the fork probe is registered.
    pub(crate) has_probe: bool,
    /// The target after the one that was last removed by its ID. Targets are usually removed in the
    /// order of their IDs, so the search for the next one begins here.
    id_position: Option<Ref<Target>>,
    /// How many processes have become part of a tree after they were forked.
    pub(super) joined: u64,
    /// How many descendants could not be followed.
    pub(crate) lost: u64,
    /// The shortest period that an open file requests, milliseconds.
    pub(crate) requested_period_ms: Option<u64>,
    schedule: Schedule,
}

impl Registry {
    /// An empty registry. Initialised in place, because it is large. May sleep. Fails with
    /// `ENOMEM`.
    pub(super) fn new() -> Result<impl Init<Self, Infallible>> {
        let mut by_pid = KVec::with_capacity(BUCKETS, GFP_KERNEL)?;
        for _ in 0..BUCKETS {
            by_pid.push(List::new(), GFP_KERNEL)?;
        }
        Ok(init!(Self {
            in_order: List::new(),
            living: List::new(),
            ended: List::new(),
            displaced: List::new(),
            by_pid,
            pass_position: None,
            next_order: 1,
            pid_bitmap: None,
            followed: 0,
            has_probe: false,
            id_position: None,
            joined: 0,
            lost: 0,
            requested_period_ms: None,
            schedule: Schedule::new(),
        }))
    }

    /// Returns how many targets there are, ended ones included.
    pub(crate) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Returns the targets whose exit sample has not been taken.
    pub(crate) fn living(&self) -> &List<Target, STAGE> {
        &self.living
    }

    /// Returns the [order](Target::order) of the target that was added last.
    pub(crate) fn last_order(&self) -> u64 {
        self.next_order - 1
    }

    /// Returns the target that was added first.
    pub(super) fn first(&self) -> Option<&Object<Target>> {
        self.in_order.first()
    }

    /// Removes `target`, which was found by its ID. Returns whether it was in the registry.
    pub(super) fn remove_by_id(&mut self, target: &Ref<Target>) -> bool {
        if self.in_order.contains(target) {
            self.id_position = Some(target.clone());
        }
        self.remove(target)
    }

    /// Returns the target that was the first to end.
    pub(super) fn first_ended(&self) -> Option<&Object<Target>> {
        self.ended.first()
    }

    /// Returns how many of the targets have ended.
    pub(super) fn ended_len(&self) -> usize {
        self.ended.len()
    }

    /// Returns whether `target` has not been removed.
    pub(crate) fn is_watched(&self, target: &Object<Target>) -> bool {
        self.in_order.contains(target)
    }

    /// Returns whether there are `max_targets` targets or more.
    pub(super) fn is_full(&self) -> bool {
        self.len() as u64 >= params::MAX_TARGETS.get()
    }

    /// Brings the schedule up to the present time. Returns it, and the time, nanoseconds of the
    /// monotonic clock.
    pub(crate) fn updated_schedule(&mut self) -> (&mut Schedule, u64) {
        // Read under the lock, so that no target is added or removed in between.
        let now_ns = clock::monotonic_ns();
        let period_ms = params::PERIOD_MS.get();
        let requested_ms = self.requested_period_ms.unwrap_or(period_ms);
        let period_ns = period_ms.min(requested_ms) * 1_000_000;
        self.schedule
            .update(now_ns, self.living.len() > 0, period_ns);
        (&mut self.schedule, now_ns)
    }

    /// Returns the schedule as it was when it was last updated.
    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Returns whether the fork probe is registered although no forks are followed.
    pub(crate) fn has_idle_probe(&self) -> bool {
        self.has_probe && self.followed == 0
    }

    /// Keeps the PIDs of the living targets in `pid_bitmap` from now on, unless a bitmap has been
    /// set.
    ///
    /// Returns whether none had been set. If so, the caller must [add](Self::add_to_pid_bitmap) the
    /// targets that exist already.
    pub(super) fn set_pid_bitmap(&mut self, pid_bitmap: &Arc<PidBitmap>) -> bool {
        let is_first = self.pid_bitmap.is_none();
        if is_first {
            self.pid_bitmap = Some(pid_bitmap.clone());
        }
        is_first
    }

    /// Adds the PID of `target` to the PID bitmap, if the target is living.
    pub(super) fn add_to_pid_bitmap(&self, target: &Object<Target>) {
        if let Some(pid_bitmap) = self
            .pid_bitmap
            .as_ref()
            .filter(|_| self.living.contains(target))
        {
            pid_bitmap.set(target.pids().global(), true);
        }
    }

    /// Marks `target` as ended, if it is living. No pass samples it any more.
    pub(crate) fn mark_ended(&mut self, target: &Object<Target>) {
        let position = self.pass_position.as_ref();
        if position.is_some_and(|at| core::ptr::eq(&**at, target)) {
            self.pass_position = self.living.next(target).map(Ref::from);
        }
        let Some(removed) = self.living.remove(target) else {
            return;
        };
        if self.living.len() == 0 {
            self.schedule.set_idle(clock::monotonic_ns());
        }
        self.followed -= usize::from(target.is_followed());
        if let Some(pid_bitmap) = &self.pid_bitmap {
            // Another living target may have the same PID already.
            let pid = target.pids().global();
            let is_used = self.bucket(pid).is_some_and(|bucket| {
                let has_pid = |other: &&Object<Target>| other.pids().global() == pid;
                bucket
                    .iter()
                    .filter(has_pid)
                    .any(|other| self.living.contains(other))
            });
            pid_bitmap.set(pid, is_used);
        }
        let _ = self.ended.push_back(removed);
    }

    /// Returns the bucket for a PID of the initial PID namespace.
    fn bucket(&self, pid: i32) -> Option<&List<Target, BUCKET>> {
        self.by_pid.get(pid as usize % BUCKETS)
    }

    /// Returns the same bucket, to change it.
    fn bucket_mut(&mut self, pid: i32) -> Option<&mut List<Target, BUCKET>> {
        self.by_pid.get_mut(pid as usize % BUCKETS)
    }

    /// Follows the forks of `target` from now on, as part of `tree`.
    ///
    /// Fails with `EEXIST` if they are followed already, or if the target has ended.
    pub(super) fn follow(
        &mut self,
        target: &Object<Target>,
        tree: Arc<Tree>,
        store: &mut Store<Target>,
    ) -> Result {
        if target.is_followed() || !self.living.contains(target) {
            return Err(EEXIST);
        }
        target.set_tree(store, Some(tree));
        self.followed += 1;
        self.joined += 1;
        Ok(())
    }

    /// Does not follow the forks of `target` any more. It belongs to no tree from now on.
    pub(super) fn unfollow(&mut self, target: &Object<Target>, store: &mut Store<Target>) {
        let was_followed = target.is_followed() && self.living.contains(target);
        self.followed -= usize::from(was_followed);
        target.set_tree(store, None);
    }

    /// Returns the [order](Target::order) of the next target that is added.
    pub(super) fn next_order(&self) -> u64 {
        self.next_order
    }

    /// Returns the PID bitmap; `None` before the first `tree:` command.
    pub(super) fn pid_bitmap(&self) -> Option<&Arc<PidBitmap>> {
        self.pid_bitmap.as_ref()
    }

    /// Inserts a new target. `is_living`: its exit sample has not been taken.
    ///
    /// Returns whether it is the only living target.
    pub(super) fn insert(&mut self, target: &Ref<Target>, is_living: bool) -> bool {
        target.set_order(self.next_order);
        self.next_order += 1;
        // The target is new, so it is in no list, and none of these calls fails.
        let _ = self.in_order.push_back(target.clone());
        if is_living {
            // At the front, which a pass under way has already passed: if the target has a first
            // sample, that is its sample of this pass.
            let _ = self.living.push_front(target.clone());
            self.followed += usize::from(target.is_followed());
            self.add_to_pid_bitmap(target);
        } else {
            let _ = self.ended.push_back(target.clone());
        }
        if let Some(bucket) = self.bucket_mut(target.pids().global()) {
            let _ = bucket.push_back(target.clone());
        }
        is_living && self.living.len() == 1
    }

    /// Removes `target`. Returns whether it was in the registry.
    pub(super) fn remove(&mut self, target: &Object<Target>) -> bool {
        self.mark_ended(target);
        self.ended.remove(target);
        let position = self.id_position.as_ref();
        if position.is_some_and(|at| core::ptr::eq(&**at, target)) {
            self.id_position = self.in_order.next(target).map(Ref::from);
        }
        if let Some(bucket) = self.bucket_mut(target.pids().global()) {
            bucket.remove(target);
        }
        self.in_order.remove(target).is_some()
    }
}
