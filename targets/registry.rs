// SPDX-License-Identifier: GPL-2.0

//! The set of the watched tasks, in the order in which they were added, and by number.

use crate::{
    abstractions::{
        clock,
        list::List,
        pid::Pid,
        pid_numbers::{self, Numbers},
        slab::{Object, Ref},
    },
    marks::Marks,
    params,
    sample_cache::Store,
    target::{Target, BUCKET, LIVING, ORDER},
};
use core::convert::Infallible;
use kernel::{pid_namespace::PidNamespace, prelude::*, sync::Arc};

/// Who is watched.
pub(crate) struct Registry {
    order: List<Target, ORDER>,
    living: List<Target, LIVING>,
    /// Those that have ended, the first to end first.
    ended: List<Target, LIVING>,
    by_number: KVec<List<Target, BUCKET>>,
    /// Those that had ended and gave way to forks that are followed. Not watched any more, their
    /// histories are still to be freed.
    displaced: List<Target, LIVING>,
    /// Where the sampler goes on in its pass.
    pub(crate) position: Option<Ref<Target>>,
    next_order: u64,
    /// The numbers of the living, once forks and exits are asked for them.
    marks: Option<Arc<Marks>>,
    /// How many of the living have their forks followed.
    followed: usize,
    /// Whether forks and exits are told of.
    pub(crate) is_probed: bool,
    /// How many forks could not be followed.
    pub(crate) lost: u64,
    /// When the last of the living was taken out, nanoseconds of the monotonic clock, until the sampler's
    /// grid has been ended for it.
    pub(crate) idle_since_ns: Option<u64>,
    /// Whether, and how far, the targets are sampled.
    pub(crate) sampling: Sampling,
}

/// Whether, and how far, the targets are sampled.
///
/// It is part of the registry so that its lock orders a `stop` with all that takes samples: the first
/// one of a target, which is decided on when the target is inserted, and the passes.
pub(crate) struct Sampling {
    /// Whether it has not been stopped.
    pub(crate) is_running: bool,
    /// How many passes have begun, hence the number of the latest.
    begun: u64,
    /// How many have ended: as many, or one fewer.
    ended: u64,
}

impl Sampling {
    /// Begins a pass.
    pub(crate) fn begin_pass(&mut self) {
        self.begun += 1;
    }

    /// Ends the pass that is under way.
    pub(crate) fn end_pass(&mut self) {
        self.ended = self.begun;
    }

    /// The number of the latest pass.
    pub(crate) fn latest_pass(&self) -> u64 {
        self.begun
    }

    /// Whether the pass of that number has ended.
    pub(crate) fn has_ended(&self, pass: u64) -> bool {
        self.ended >= pass
    }
}

/// How many targets may wait for their histories to be freed.
const DISPLACED_MAX: usize = 1024;

/// How many lists the targets are spread over, by number.
const BUCKETS: usize = 1024;

impl Registry {
    /// Nobody is watched. Made in place, being large. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<impl Init<Self, Infallible>> {
        let mut by_number = KVec::with_capacity(BUCKETS, GFP_KERNEL)?;
        for _ in 0..BUCKETS {
            by_number.push(List::new(), GFP_KERNEL)?;
        }
        Ok(init!(Self {
            order: List::new(),
            living: List::new(),
            ended: List::new(),
            by_number,
            displaced: List::new(),
            position: None,
            next_order: 1,
            marks: None,
            followed: 0,
            is_probed: false,
            lost: 0,
            idle_since_ns: None,
            sampling: Sampling {
                is_running: true,
                begun: 0,
                ended: 0,
            },
        }))
    }

    /// How many targets there are, ended ones included.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The targets that have not ended.
    pub(crate) fn living(&self) -> &List<Target, LIVING> {
        &self.living
    }

    /// The greatest order that a target has.
    pub(crate) fn last_order(&self) -> u64 {
        self.next_order - 1
    }

    /// The target that was added first.
    pub(crate) fn first(&self) -> Option<&Object<Target>> {
        self.order.first()
    }

    /// The target that was added next after `target`, also where that is here no longer.
    pub(crate) fn next(&self, target: &Object<Target>, store: &Store) -> Option<&Object<Target>> {
        if self.order.contains(target) {
            return self.order.next(target);
        }
        let passed = target.state(store).order;
        self.order
            .iter()
            .find(|other| other.state(store).order > passed)
    }

    /// Whether `max_targets` are watched.
    pub(crate) fn is_full(&self) -> bool {
        self.len() as u64 >= params::MAX_TARGETS.get()
    }

    /// Whether anybody is to be sampled.
    pub(crate) fn is_sampled(&self) -> bool {
        self.sampling.is_running && self.living.len() > 0
    }

    /// Whether forks and exits are told of though nobody is followed.
    pub(crate) fn has_idle_probes(&self) -> bool {
        self.is_probed && self.followed == 0
    }

    /// Has the living, now and later, marked in `marks`.
    pub(crate) fn mark_in(&mut self, marks: &Arc<Marks>) {
        if self.marks.is_none() {
            for target in self.living.iter() {
                marks.set(target.numbers.global(), true);
            }
            self.marks = Some(marks.clone());
        }
    }

    /// Takes `target` from those who are sampled, as it has ended.
    pub(crate) fn retire(&mut self, target: &Object<Target>) {
        if self
            .position
            .as_ref()
            .is_some_and(|at| core::ptr::eq(&**at, target))
        {
            self.position = self.living.next(target).map(Ref::from);
        }
        let Some(retired) = self.living.remove(target) else {
            return;
        };
        if self.living.len() == 0 {
            self.idle_since_ns = Some(clock::monotonic_ns());
        }
        self.followed -= usize::from(target.tree.is_some());
        if let Some(marks) = &self.marks {
            // The number may have been given to another target already.
            let number = target.numbers.global();
            let bucket = self.by_number.get(number as usize % BUCKETS);
            let is_used = bucket.is_some_and(|bucket| {
                let named = |other: &&Object<Target>| other.numbers.global() == number;
                bucket
                    .iter()
                    .filter(named)
                    .any(|other| self.living.contains(other))
            });
            marks.set(number, is_used);
        }
        let _ = self.ended.push_back(retired);
    }

    /// Makes room for one more target at the cost of some that have ended: the first to end, or two where
    /// there are too many, as the limit has been lowered. Returns whether it displaced any, whose
    /// histories are to be freed [later](Self::take_displaced); where too many wait for that, none.
    pub(crate) fn make_room(&mut self) -> bool {
        let mut has_displaced = false;
        for _ in 0..2 {
            if !self.is_full() || self.displaced.len() >= DISPLACED_MAX {
                break;
            }
            let Some(ended) = self.ended.first().map(Ref::from) else {
                break;
            };
            self.remove(&ended);
            // It has just left its list.
            let _ = self.displaced.push_back(ended);
            has_displaced = true;
        }
        has_displaced
    }

    /// Takes out a target that was displaced.
    pub(crate) fn take_displaced(&mut self) -> Option<Ref<Target>> {
        self.displaced.pop_front()
    }

    /// The living target of `pid`.
    pub(crate) fn find_living(&self, pid: &Pid) -> Option<&Object<Target>> {
        let bucket = self.by_number.get(pid.global() as usize % BUCKETS)?;
        bucket
            .iter()
            .find(|target| target.numbers.is_of(pid) && self.living.contains(target))
    }

    fn bucket(&mut self, number: i32) -> Option<&mut List<Target, BUCKET>> {
        self.by_number.get_mut(number as usize % BUCKETS)
    }

    /// Whether the task with these numbers is watched.
    pub(crate) fn has(&mut self, numbers: &Numbers) -> bool {
        self.bucket(numbers.global())
            .is_some_and(|bucket| bucket.iter().any(|target| target.numbers.is_same(numbers)))
    }

    /// Some target that `namespace` knows by `number`.
    pub(crate) fn find(&mut self, number: i32, namespace: &PidNamespace) -> Option<Ref<Target>> {
        let named =
            |target: &&Object<Target>| target.numbers.in_namespace(namespace) == Some(number);
        let found = if pid_numbers::is_initial(namespace) {
            self.bucket(number)?.iter().find(named)
        } else {
            self.order.iter().find(named)
        };
        found.map(Ref::from)
    }

    /// Adds a new target, whose order is the greatest. `is_living`: it is to be sampled.
    pub(crate) fn insert(&mut self, target: &Ref<Target>, is_living: bool) {
        self.next_order += 1;
        // The target is new, hence in no list, so that none of these can fail.
        let _ = self.order.push_back(target.clone());
        if is_living {
            // Before all others, where a pass that is under way does not come by any more: the first
            // sample of the target, if it has one, is that of this pass.
            let _ = self.living.push_front(target.clone());
            self.followed += usize::from(target.tree.is_some());
            if let Some(marks) = &self.marks {
                marks.set(target.numbers.global(), true);
            }
        } else {
            let _ = self.ended.push_back(target.clone());
        }
        if let Some(bucket) = self.bucket(target.numbers.global()) {
            let _ = bucket.push_back(target.clone());
        }
    }

    /// Takes `target` out.
    pub(crate) fn remove(&mut self, target: &Object<Target>) {
        self.retire(target);
        self.ended.remove(target);
        self.order.remove(target);
        if let Some(bucket) = self.bucket(target.numbers.global()) {
            bucket.remove(target);
        }
    }
}
