// SPDX-License-Identifier: GPL-2.0

//! One watched task.
//!
//! # Lock order
//!
//! 1. the module's parameter lock, or the mutex of an open file;
//! 2. [`Recorder::family`](crate::recorder::Recorder::family), a mutex, for following forks;
//! 3. [`Recorder::registry`](crate::recorder::Recorder::registry), which says who is watched;
//! 4. [`Recorder::store`](crate::recorder::Recorder::store), which holds the samples.
//!
//! [`Recorder::pace`](crate::recorder::Recorder::pace) is taken alone. The kernel's own locks that
//! are taken inside (that of a process's `prev_cputime`, run queues, slab) are leaves to us.
//!
//! From 3 on they are spinlocks that no interrupt takes. Memory is neither allocated nor waited for
//! while one is held, so the shrinker may take the store's, and a fork or an exit the registry's,
//! wherever that happens.

use crate::{
    abstractions::{list::Links, pid::Pid},
    cputime::{Glance, Subject},
    delta::Sample,
    history::History,
    impl_linked,
    sample_cache::Store,
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
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

/// A watched task.
pub(crate) struct Target {
    in_order: Links<Target>,
    in_living: Links<Target>,
    in_bucket: Links<Target>,
    /// The numbers of the task, which stay known when it is gone.
    pub(crate) pid: ARef<Pid>,
    /// The tree that its forks are to join, if they are followed.
    pub(crate) tree: Option<Arc<Tree>>,
    state: LockedBy<State, Store>,
}

impl_linked!(Target, ORDER, in_order);
impl_linked!(Target, LIVING, in_living);
impl_linked!(Target, BUCKET, in_bucket);

/// What the lock of the store protects of a target.
pub(crate) struct State {
    /// Its samples.
    pub(crate) history: History,
    /// The task; none once its end has been recorded, or once it is no longer watched.
    pub(crate) subject: Option<Subject>,
    /// When sample 0 was taken, where that was not in a pass; microseconds since boot.
    pub(crate) birth_us: Option<u64>,
    /// How far its end has come.
    pub(crate) end: End,
    /// Rises with each target that is added.
    pub(crate) order: u64,
}

impl State {
    /// Takes the sample of a pass, where the task is one thread that lives on, and the history has
    /// room for it; else returns false. Does not count it as created.
    #[inline(always)]
    pub(crate) fn sample_swiftly(&mut self, pid: &Pid) -> bool {
        let Some(subject) = &mut self.subject else {
            return false;
        };
        let history = &mut self.history;
        if !history.take_room() {
            return false;
        }
        let fits = match subject.glance(pid) {
            Glance::Same => {
                history.repeat();
                return true;
            }
            Glance::ThreadRan => Self::append(history, subject, Subject::read_thread),
            Glance::ProcessRan => Self::append(history, subject, Subject::read_single),
            Glance::Unknown => return false,
        };
        if !fits {
            subject.forget_reading();
        }
        fits
    }

    /// Appends what has been consumed. Has the registers for itself, one way of reading in each copy.
    #[inline(never)]
    fn append(
        history: &mut History,
        subject: &Subject,
        read: impl FnOnce(&Subject) -> Sample,
    ) -> bool {
        history.append(read(subject))
    }
}

/// How far a target's end has come. Moments are microseconds since boot.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// It is not known to end.
    Open,
    /// The task has begun to end at that moment, and has still to run its last.
    Coming(u64),
    /// The last sample has been taken, and bears that moment.
    Recorded(u64),
}

impl State {
    /// Writes down that the last sample has been taken, in the pass that began at `pass_us`; the one
    /// before it began at `last_us`. Gives the task away, which is not needed any more.
    pub(crate) fn record_end(&mut self, pass_us: u64, last_us: u64) -> Option<Subject> {
        self.end = End::Recorded(match self.end {
            // On its way out it may have been sampled once more.
            End::Coming(end_us) => end_us.max(last_us),
            _ => pass_us,
        });
        self.subject.take()
    }
}

/// Those who are watched because of one word `tree:`.
pub(crate) struct Tree {
    /// The process that the word named.
    pub(crate) root: ARef<Pid>,
    /// Whether nobody is to join any more. Written under the lock of the registry.
    dissolved: AtomicFlag,
}

impl Tree {
    /// A tree that grows from `root`. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new(root: ARef<Pid>) -> Result<Arc<Self>> {
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
        pid: ARef<Pid>,
        subject: Subject,
        tree: Option<Arc<Tree>>,
        store: &SpinLock<Store>,
    ) -> impl Init<Self, Infallible> + '_ {
        init!(Self {
            in_order: Links::new(),
            in_living: Links::new(),
            in_bucket: Links::new(),
            pid,
            tree,
            state: LockedBy::new(
                store,
                State {
                    history: History::new(),
                    subject: Some(subject),
                    birth_us: None,
                    end: End::Open,
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
