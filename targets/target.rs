// SPDX-License-Identifier: GPL-2.0

//! One watched task.

use super::{
    reading::{QuickCheck, Reading},
    task_reader::TaskReader,
    tree::Tree,
};
use crate::{
    abstractions::{clock, list::ListLinks, upid::Upids},
    codec::Sample,
    impl_list_links,
    sample_cache::{HasHistory, History, Store},
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc, LockedBy, SpinLock,
    },
};

/// Lists of all targets, in the order in which they were added.
pub(super) const ORDER: u8 = 0;
/// Lists of targets that live, that have ended, or that were displaced.
pub(super) const LIFE: u8 = 1;
/// Lists of targets whose PID has the same hash.
pub(super) const BUCKET: u8 = 2;

/// A watched task. Once its exit sample has been taken it refers to nothing of the kernel's.
pub(crate) struct Target {
    in_order: ListLinks<Target>,
    by_life: ListLinks<Target>,
    in_bucket: ListLinks<Target>,
    /// The PIDs of the task. They stay known after the task has ended.
    pids: Upids,
    /// If forks of the task are followed: the tree that the children join.
    tree: Option<Arc<Tree>>,
    /// Greater than that of all targets added before. Written when the target is inserted into the
    /// registry, under its lock.
    order: Atomic<u64>,
    state: LockedBy<State, Store<Target>>,
}

impl_list_links!(Target, ORDER, in_order);
impl_list_links!(Target, LIFE, by_life);
impl_list_links!(Target, BUCKET, in_bucket);

/// The part of a target that the lock of the sample cache protects.
pub(crate) struct State {
    /// The samples.
    pub(crate) history: History<Target>,
    /// Reads the task; `None` once the exit sample has been taken or the target has been removed, and
    /// while a pass reads the task without the lock.
    pub(crate) reader: Option<Pin<KBox<TaskReader>>>,
}

impl State {
    /// Takes the sample of the present pass, if that can be done quickly: the task is a thread or a
    /// process of one thread, it has not ended, and the history can append without checking limits.
    ///
    /// Returns false if the sample must be taken by [`TaskReader::read`] and
    /// [`StoreGuard::append`](crate::sample_cache::StoreGuard::append). A sample taken is still to be
    /// counted by [`Store::count_appended`].
    #[inline(always)]
    pub(crate) fn try_sample(&mut self) -> bool {
        let Some(reader) = &mut self.reader else {
            return false;
        };
        let history = &mut self.history;
        if !history.take_budget() {
            return false;
        }
        let is_appended = match reader.quick_check() {
            QuickCheck::Idle => return history.append(None),
            QuickCheck::ThreadRan => append(history, reader.as_mut(), TaskReader::read_thread),
            QuickCheck::ProcessRan => append(history, reader.as_mut(), TaskReader::read_single),
            QuickCheck::Unknown => return false,
        };
        if !is_appended {
            reader.as_mut().discard_reading();
        }
        is_appended
    }

    /// Returns the time of the sample that `reading` makes, microseconds since boot, if it is the exit
    /// sample. To be called before the sample is appended. `last_pass_us` is the time of the last pass
    /// in which the task was sampled.
    ///
    /// That is when the task ended. But it is later than the sample before it, and by no less than the
    /// CPU time consumed since, if the task has never had more than one thread: a task becomes a zombie
    /// before its last instructions, and the sample before may lack what the next tick accounted.
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

    /// Records that the exit sample has been taken, at `time_us`.
    ///
    /// Returns the reader, which is not needed any more. It must be dropped with no lock held.
    #[must_use]
    pub(crate) fn end(&mut self, time_us: u64) -> Option<Pin<KBox<TaskReader>>> {
        self.history.end(time_us);
        self.reader.take()
    }
}

/// Reads the task by `read`, and appends the result to `history`. Not inlined, so that each of the two
/// ways to read has the registers for itself.
#[inline(never)]
fn append(
    history: &mut History<Target>,
    reader: Pin<&mut TaskReader>,
    read: impl FnOnce(Pin<&mut TaskReader>) -> Option<Sample>,
) -> bool {
    read(reader).is_some_and(|sample| history.append(Some(sample)))
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
    /// A target without samples, in no list. `lock` is the lock of the sample cache.
    pub(super) fn new(
        pids: Upids,
        reader: Pin<KBox<TaskReader>>,
        tree: Option<Arc<Tree>>,
        lock: &SpinLock<Store<Target>>,
    ) -> impl Init<Self, Infallible> + '_ {
        init!(Self {
            in_order: ListLinks::new(),
            by_life: ListLinks::new(),
            in_bucket: ListLinks::new(),
            pids,
            tree,
            order: Atomic::new(0),
            state: LockedBy::new(
                lock,
                State {
                    history: History::new(),
                    reader: Some(reader),
                },
            ),
        })
    }

    /// Returns the PIDs of the task.
    pub(crate) fn pids(&self) -> &Upids {
        &self.pids
    }

    /// Returns the tree that children of the task join, if its forks are followed.
    pub(super) fn tree(&self) -> Option<&Arc<Tree>> {
        self.tree.as_ref()
    }

    /// Returns a number that is greater than that of all targets added before.
    pub(crate) fn order(&self) -> u64 {
        self.order.load(Relaxed)
    }

    /// Sets the [order](Self::order). The caller holds the lock of the registry.
    pub(super) fn set_order(&self, order: u64) {
        self.order.store(order, Relaxed);
    }

    /// Returns the part that the lock of the sample cache protects, to change it.
    #[inline(always)]
    pub(crate) fn state_mut<'a>(&'a self, store: &'a mut Store<Target>) -> &'a mut State {
        self.state.access_mut(store)
    }
}
