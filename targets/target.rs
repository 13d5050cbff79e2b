// SPDX-License-Identifier: GPL-2.0

//! One watched task.

use super::{
    identity::{Identity, LastSeen},
    reading::{QuickCheck, Reading},
    task_reader::TaskReader,
    tree::Tree,
};
use crate::{
    abstractions::{clock, list::ListLinks, run_delay::EndedThreads, upid::Upids},
    codec::Sample,
    impl_list_links,
    sample_cache::{HasHistory, History, Store},
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, AtomicFlag, Relaxed},
        Arc, LockedBy, SpinLock,
    },
};

/// The ID of the list of all targets, in the order in which they were added.
pub(super) const ORDER: u8 = 0;
/// The ID of the lists of living, of ended and of displaced targets.
pub(super) const STAGE: u8 = 1;
/// The ID of the lists of targets whose PIDs have the same hash.
pub(super) const BUCKET: u8 = 2;

/// A watched task. Once its exit sample has been taken, it holds no reference to the task's
/// `task_struct`, `struct pid` or PID namespaces.
pub(crate) struct Target {
    in_order: ListLinks<Target>,
    by_stage: ListLinks<Target>,
    in_bucket: ListLinks<Target>,
    identity: Identity,
    /// See [`is_followed`](Self::is_followed). Written under the lock of the registry.
    is_followed: AtomicFlag,
    /// See [`order`](Self::order). Written when the target is inserted into the registry, under the
    /// lock of the registry.
    order: Atomic<u64>,
    state: LockedBy<State, Store<Target>>,
}

impl_list_links!(Target, ORDER, in_order);
impl_list_links!(Target, STAGE, by_stage);
impl_list_links!(Target, BUCKET, in_bucket);

/// The part of a target that the lock of the sample cache protects.
pub(crate) struct State {
    /// The samples.
    pub(crate) history: History<Target>,
    /// Reads the task; `None` once the exit sample has been taken or the target has been removed,
    /// and while a pass reads the task without the lock.
    reader: Option<Pin<KBox<TaskReader>>>,
    /// What the ended threads of the process have waited.
    pub(super) ended_threads: EndedThreads,
    /// What the task was when the reader was last taken out.
    last_seen: LastSeen,
    /// The tree that the task belongs to; `None` if its forks are not followed. The children belong
    /// to it too. Changed under the lock of the registry too.
    pub(crate) tree: Option<Arc<Tree>>,
}

impl State {
    /// Takes the sample of the current pass, if that can be done quickly: the task is a thread or a
    /// process of one thread, it has not ended, and its history need not check limits.
    ///
    /// Returns false if the sample must be taken by [`TaskReader::read`] and
    /// [`StoreGuard::append`](crate::sample_cache::StoreGuard::append) instead. If it returns true,
    /// the caller must count the sample by [`Store::count_appended`].
    #[inline(always)]
    pub(crate) fn try_sample(&mut self) -> bool {
        let Some(reader) = &mut self.reader else {
            return false;
        };
        let history = &mut self.history;
        if !history.take_budget() {
            return false;
        }
        reader.as_mut().set_ended_threads(self.ended_threads);
        let is_appended = match reader.quick_check() {
            QuickCheck::Idle => return history.append(None),
            QuickCheck::ThreadRan => {
                read_and_append(history, reader.as_mut(), TaskReader::read_thread)
            }
            QuickCheck::ProcessRan => {
                read_and_append(history, reader.as_mut(), TaskReader::read_single)
            }
            QuickCheck::Unknown => return false,
        };
        if !is_appended {
            reader.as_mut().discard_reading();
        }
        is_appended
    }

    /// Returns the time of the exit sample, microseconds since boot, if `reading` is that of the
    /// end. Called before the sample is appended. `last_pass_us` is the time of the previous pass.
    ///
    /// This is when the task ended, or a later time. It is always later than the time of the sample
    /// before. If one thread consumed all of the CPU time, it is later by at least the CPU time
    /// between the two samples. The reasons: a task runs its last instructions after it has become
    /// a zombie, and the sample before may lack what was accounted at the next tick.
    pub(crate) fn exit_time_us(&self, reading: Reading, last_pass_us: u64) -> Option<u64> {
        let Reading::Ended(total, end) = reading else {
            return None;
        };
        let end_us = end.at_us.unwrap_or_else(clock::boottime_us);
        if self.history.next() == 0 {
            return Some(end_us);
        }
        let before_us = self.history.first_time_us().unwrap_or(0).max(last_pass_us);
        let used = total.since(self.history.last_sample());
        let used_us = match end.is_single {
            true => used.usr.saturating_add(used.sys),
            false => 0,
        };
        Some(end_us.max(before_us.saturating_add(used_us.max(1))))
    }

    /// Sets the time of the exit sample, microseconds since boot. No sample follows it.
    ///
    /// Returns the reader, which is not used any more. It must be dropped with no lock held.
    #[must_use]
    pub(crate) fn end(&mut self, time_us: u64) -> Option<Pin<KBox<TaskReader>>> {
        self.history.end(time_us);
        self.take_reader()
    }

    /// Returns the reader; `None` once the exit sample has been taken or the target has been
    /// removed, and while a pass reads the task without the lock.
    #[inline(always)]
    pub(crate) fn reader(&mut self) -> Option<Pin<&mut TaskReader>> {
        let reader = self.reader.as_mut()?;
        reader.as_mut().set_ended_threads(self.ended_threads);
        Some(reader.as_mut())
    }

    /// Takes the reader out. It must be [put back](Self::put_back), or be dropped with no lock
    /// held.
    #[must_use]
    pub(crate) fn take_reader(&mut self) -> Option<Pin<KBox<TaskReader>>> {
        self.last_seen = self.last_seen();
        self.reader()?;
        self.reader.take()
    }

    /// Puts back the reader that was taken out.
    pub(crate) fn put_back(&mut self, reader: Pin<KBox<TaskReader>>) {
        self.reader = Some(reader);
    }

    /// Returns what the task is now; or what it was when the reader was last taken out, if it has
    /// ended or is being read.
    pub(crate) fn last_seen(&self) -> LastSeen {
        self.reader
            .as_ref()
            .map_or(self.last_seen, |reader| reader.last_seen())
    }
}

/// Reads the task by `read`, and appends the result to `history`. Returns false if it could not be
/// read, or does not fit the open segment; also if its run delay seems to have fallen, because a
/// thread exits just then.
// Not inlined, so that each of the two ways to read has the registers for itself.
#[inline(never)]
fn read_and_append(
    history: &mut History<Target>,
    reader: Pin<&mut TaskReader>,
    read: impl FnOnce(Pin<&mut TaskReader>) -> Option<Sample>,
) -> bool {
    let sample = read(reader).filter(|sample| sample.wait >= history.last_sample().wait);
    sample.is_some_and(|sample| history.append(Some(sample)))
}

impl HasHistory for Target {
    fn history<'a>(&'a self, store: &'a Store<Self>) -> &'a History<Self> {
        &self.state.access(store).history
    }

    #[inline(always)]
    fn history_mut<'a>(&'a self, store: &'a mut Store<Self>) -> &'a mut History<Self> {
        &mut self.state.access_mut(store).history
    }
}

impl Target {
    /// A target without samples, in no list. `tree`: the tree that it belongs to, if its forks are
    /// followed. `lock` is the lock of the sample cache.
    pub(super) fn new(
        identity: Identity,
        reader: Pin<KBox<TaskReader>>,
        tree: Option<Arc<Tree>>,
        lock: &SpinLock<Store<Target>>,
    ) -> impl Init<Self, Infallible> + '_ {
        init!(Self {
            in_order: ListLinks::new(),
            by_stage: ListLinks::new(),
            in_bucket: ListLinks::new(),
            identity,
            is_followed: AtomicFlag::new(tree.is_some()),
            order: Atomic::new(0),
            state: LockedBy::new(
                lock,
                State {
                    history: History::new(),
                    reader: Some(reader),
                    ended_threads: EndedThreads::new(),
                    last_seen: LastSeen::nothing(),
                    tree,
                },
            ),
        })
    }

    /// Returns the identity of the task.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the PIDs of the task.
    pub(crate) fn pids(&self) -> &Upids {
        &self.identity.pids
    }

    /// Returns whether the forks of the task are followed. The caller holds the lock of the
    /// registry.
    pub(super) fn is_followed(&self) -> bool {
        self.is_followed.load(Relaxed)
    }

    /// Makes the task part of `tree`, or of none. The caller holds the lock of the registry.
    pub(super) fn set_tree(&self, store: &mut Store<Target>, tree: Option<Arc<Tree>>) {
        self.is_followed.store(tree.is_some(), Relaxed);
        self.state_mut(store).tree = tree;
    }

    /// Returns the place in the order in which targets were added: a number that is greater than
    /// that of all targets added before.
    pub(crate) fn order(&self) -> u64 {
        self.order.load(Relaxed)
    }

    /// Sets the [order](Self::order). The caller holds the lock of the registry.
    pub(super) fn set_order(&self, order: u64) {
        self.order.store(order, Relaxed);
    }

    /// Returns the part that the lock of the sample cache protects.
    pub(crate) fn state<'a>(&'a self, store: &'a Store<Target>) -> &'a State {
        self.state.access(store)
    }

    /// Returns the part that the lock of the sample cache protects, to change it.
    #[inline(always)]
    pub(crate) fn state_mut<'a>(&'a self, store: &'a mut Store<Target>) -> &'a mut State {
        self.state.access_mut(store)
    }
}
