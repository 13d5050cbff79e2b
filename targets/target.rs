// SPDX-License-Identifier: GPL-2.0

//! One watched task.
//!
//! # Lock order
//!
//! 1. the module's parameter lock, or the mutex of an open file;
//! 2. [`Recorder::family`](crate::recorder::Recorder::family), a mutex, for following forks;
//! 3. [`Recorder::registry`](crate::recorder::Recorder::registry), which says who is watched;
//! 4. [`Recorder::store`](crate::recorder::Recorder::store), which holds the samples;
//!    [`Recorder::pace`](crate::recorder::Recorder::pace), which says when the next are due. Neither is
//!    taken with the other.
//!
//! The kernel's own locks that are taken inside (that of a process's `prev_cputime`, run queues, slab)
//! are leaves to us. The wait queue function of an exit notice takes none of ours.
//!
//! From 3 on they are spinlocks that no interrupt takes. Memory is neither allocated nor waited for
//! while one is held, so the shrinker may take the store's, and a fork or an exit the registry's,
//! wherever that happens.

use crate::{
    abstractions::{clock, list::ListLinks, pid_numbers::Numbers},
    cputime::{Glance, Reading, Subject},
    delta::Sample,
    history::History,
    impl_list_links,
    sample_cache::Store,
};
use core::{convert::Infallible, ops::Range};
use kernel::{
    prelude::*,
    sync::{
        atomic::{AtomicFlag, Relaxed},
        Arc, LockedBy, SpinLock,
    },
};

/// Lists of all targets, in the order in which they were added.
pub(crate) const ORDER: u8 = 0;
/// Lists of those that have not ended.
pub(crate) const LIVING: u8 = 1;
/// Lists of those with the same hash of their number.
pub(crate) const BUCKET: u8 = 2;

/// A watched task. Once its end has been recorded it keeps nothing of the kernel's alive.
pub(crate) struct Target {
    in_order: ListLinks<Target>,
    in_living: ListLinks<Target>,
    in_bucket: ListLinks<Target>,
    /// The PIDs of the task, which stay known after its end.
    pub(crate) numbers: Numbers,
    /// The tree that its forks are to join, if they are followed.
    pub(crate) tree: Option<Arc<Tree>>,
    state: LockedBy<State, Store>,
}

impl_list_links!(Target, ORDER, in_order);
impl_list_links!(Target, LIVING, in_living);
impl_list_links!(Target, BUCKET, in_bucket);

/// What the lock of the store protects of a target.
pub(crate) struct State {
    /// Its samples.
    pub(crate) history: History,
    /// The task; none once its end has been recorded, or once it is no longer watched.
    pub(crate) subject: Option<Pin<KBox<Subject>>>,
    /// When sample 0 was taken, where that was not in a pass; microseconds since boot.
    pub(crate) birth_us: Option<u64>,
    /// The moment of the last sample, once the task has ended and that has been taken; microseconds
    /// since boot.
    pub(crate) end_us: Option<u64>,
    /// Rises with each target that is added.
    pub(crate) order: u64,
}

impl State {
    /// Takes the sample of a pass, where the task is one thread that lives on, and the history has
    /// room for it; else returns false. Does not count it as created.
    #[inline(always)]
    pub(crate) fn sample_swiftly(&mut self) -> bool {
        let Some(subject) = &mut self.subject else {
            return false;
        };
        let history = &mut self.history;
        if !history.take_room() {
            return false;
        }
        let fits = match subject.glance() {
            Glance::Same => {
                history.repeat();
                return true;
            }
            Glance::ThreadRan => Self::append(history, subject.as_mut(), Subject::read_thread),
            Glance::ProcessRan => Self::append(history, subject.as_mut(), Subject::read_single),
            Glance::Unknown => return false,
        };
        if !fits {
            subject.as_mut().forget_reading();
        }
        fits
    }

    /// Appends what has been consumed. Has the registers for itself, one way of reading in each copy.
    #[inline(never)]
    fn append(
        history: &mut History,
        subject: Pin<&mut Subject>,
        read: impl FnOnce(Pin<&mut Subject>) -> Option<Sample>,
    ) -> bool {
        read(subject).is_some_and(|sample| history.append(sample))
    }

    /// The moment of the sample that `reading` makes, microseconds since boot, if it is the last one;
    /// `last_us` is that of the last pass in which the task was sampled before. To be asked before the
    /// sample is appended.
    ///
    /// That is when the task ended, but later than the sample before it, and by at least what it has
    /// consumed since, if it has never had more than one thread: it became a zombie before its last
    /// instructions, and the sample before may lack what was not booked before the next tick.
    pub(crate) fn end_us(&self, reading: Reading, last_us: u64) -> Option<u64> {
        let Reading::Ended(total, ended) = reading else {
            return None;
        };
        let end_us = ended.at_us.unwrap_or_else(clock::boottime_us);
        if self.history.next == 0 {
            return Some(end_us);
        }
        let before_us = self.birth_us.unwrap_or(0).max(last_us);
        let used = total.since(self.history.last());
        let used_us = match ended.is_single {
            true => used.usr.saturating_add(used.sys),
            false => 0,
        };
        Some(end_us.max(before_us.saturating_add(used_us.max(1))))
    }

    /// Notes that the last sample has been taken, and bears that moment. Gives the task away, which is
    /// not needed any more; to be dropped with no lock held.
    #[must_use]
    pub(crate) fn record_end(&mut self, end_us: u64) -> Option<Pin<KBox<Subject>>> {
        self.end_us = Some(end_us);
        self.subject.take()
    }
}

impl State {
    /// The passes whose moments are needed to show `count` samples from the number `first` on: all but
    /// those of which the target itself knows when they were taken.
    pub(crate) fn passes_needed(&self, first: u64, count: u16) -> Range<u64> {
        let history = &self.history;
        let mut end = first + u64::from(count);
        let is_born = first == 0 && self.birth_us.is_some();
        let has_ended = self.end_us.is_some() && end == history.next;
        end -= u64::from(has_ended && count != 0);
        history.origin + first + u64::from(is_born)..history.origin + end
    }
}

/// Those who are watched because of one word `tree:`.
pub(crate) struct Tree {
    /// The PIDs of the process that the word named.
    pub(crate) root: Numbers,
    /// Whether nobody is to join any more. Written under the lock of the registry.
    dissolved: AtomicFlag,
}

impl Tree {
    /// A tree that grows from `root`. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new(root: Numbers) -> Result<Arc<Self>> {
        let dissolved = AtomicFlag::new(false);
        Ok(Arc::new(Self { root, dissolved }, GFP_KERNEL)?)
    }

    /// Has nobody join any more.
    pub(crate) fn dissolve(&self) {
        self.dissolved.store(true, Relaxed);
    }

    /// Whether nobody is to join any more.
    pub(crate) fn is_dissolved(&self) -> bool {
        self.dissolved.load(Relaxed)
    }
}

impl Target {
    /// A target without samples, which is in no list.
    pub(crate) fn new(
        numbers: Numbers,
        subject: Pin<KBox<Subject>>,
        tree: Option<Arc<Tree>>,
        store: &SpinLock<Store>,
    ) -> impl Init<Self, Infallible> + '_ {
        init!(Self {
            in_order: ListLinks::new(),
            in_living: ListLinks::new(),
            in_bucket: ListLinks::new(),
            numbers,
            tree,
            state: LockedBy::new(
                store,
                State {
                    history: History::new(),
                    subject: Some(subject),
                    birth_us: None,
                    end_us: None,
                    order: 0,
                },
            ),
        })
    }

    /// What the lock of the store protects.
    pub(crate) fn state<'a>(&'a self, store: &'a Store) -> &'a State {
        self.state.access(store)
    }

    /// What the lock of the store protects.
    #[inline(always)]
    pub(crate) fn state_mut<'a>(&'a self, store: &'a mut Store) -> &'a mut State {
        self.state.access_mut(store)
    }
}
