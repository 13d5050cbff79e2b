// SPDX-License-Identifier: GPL-2.0

//! Giving up samples: the oldest of all, or all of one history, a segment at a time. A run of
//! several spans is given up a span at a time (runs.rs).
//!
//! Segments are detached under the lock, and freed after it has been released (detached.rs). A
//! detached segment of samples is no longer a user of the timeline. Segments of the timeline that
//! have no user any more are detached too.

use super::{
    has_history::HasHistory,
    history::{Closed, Dropped},
    segment::References,
    store::{Detached, Segment, Store},
    SampleCache,
};
use crate::abstractions::slab::{Object, Ref};

/// How many segments one that is begun may replace. A full segment takes as much memory as four
/// small ones. The fifth is for a limit that has been lowered.
const REPLACED_MAX: usize = 5;

/// The part of `max_samples` that is evicted when it is exceeded. A sample that exceeds it takes
/// some hundred instructions, one that does not takes 40 for an idle task.
const EVICTED_PART: u64 = 1024;

/// Why samples are given up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Memory is short, or `max_samples` or `max_kib` is exceeded.
    Evicted,
    /// A command asked for it.
    Removed,
}

/// What [`SampleCache::evict`] did.
pub(crate) struct Evicted {
    /// How many segments were detached; 0: there are none left.
    pub(crate) detached: usize,
    /// How many of them have been freed.
    pub(crate) freed: usize,
}

impl<T: HasHistory> SampleCache<T> {
    /// Evicts the oldest segments of all histories, until `count` segments have been detached, or
    /// as many as may be detached at a time. Detached segments of the timeline are counted too.
    ///
    /// Does not sleep. Takes the lock of the store once.
    pub(crate) fn evict(&self, count: usize) -> Evicted {
        let mut detached = Detached::new();
        self.lock().evict(count, &mut detached);
        Evicted {
            detached: detached.len(),
            freed: detached.free(),
        }
    }

    /// Calls `step` under the lock, and frees what it detached after the lock has been released.
    /// Repeats this until `step` returns false. No spinlock may be held.
    fn in_steps(&self, step: impl Fn(&mut Store<T>, &mut Detached<T>) -> bool) {
        loop {
            let mut detached = Detached::new();
            let has_more = step(&mut self.lock(), &mut detached);
            detached.free();
            if !has_more {
                return;
            }
        }
    }

    /// Frees all samples of `owner`. No spinlock may be held.
    pub(crate) fn clear(&self, owner: &Object<T>, reason: Reason) {
        self.in_steps(|store, detached| store.detach_all_of(owner, reason, detached));
    }

    /// Evicts the oldest segments of all histories above `max_kib`. No spinlock may be held.
    pub(crate) fn trim_all(&self) {
        self.in_steps(|store, detached| {
            let excess = store.excess_segments();
            store.evict(excess, detached);
            excess != 0 && detached.len() != 0
        });
    }

    /// Evicts the oldest samples of `owner` above `max_samples`. No spinlock may be held.
    pub(crate) fn trim(&self, owner: &Object<T>) {
        self.in_steps(|store, detached| store.trim(owner, store.max_samples, detached));
    }
}

impl<T: HasHistory> Store<T> {
    /// Gives up the oldest samples of `owner`, until `detached` is full. Returns whether there are
    /// more.
    fn detach_all_of(
        &mut self,
        owner: &Object<T>,
        reason: Reason,
        detached: &mut Detached<T>,
    ) -> bool {
        while !detached.is_full() {
            if !self.give_up_first_of(owner, reason, detached) {
                break;
            }
        }
        self.trim_timeline(detached);
        owner.history(self).first_segment().is_some()
    }

    /// Gives up the oldest segment of `owner`, or its oldest span if it has several. Returns false
    /// if there is no segment.
    fn give_up_first_of(
        &mut self,
        owner: &Object<T>,
        reason: Reason,
        detached: &mut Detached<T>,
    ) -> bool {
        let Some(first) = owner.history(self).first_segment().cloned() else {
            return false;
        };
        if self.cut(&first, reason, detached) {
            return true;
        }
        let Some(first) = self.by_age.remove(&first) else {
            return false;
        };
        self.detach(first, reason, detached);
        true
    }

    /// Detaches the oldest segments of all histories, until `count` are in `detached` or it is
    /// full. Detaches at least one if there are any and `detached` has less than `count`.
    ///
    /// A run that is still growing is spared while there are others: its oldest span is cut, and it
    /// becomes the youngest segment. So an idle task keeps its newest samples. But this may free
    /// nothing, so no run is spared once `detached` is full.
    pub(super) fn evict(&mut self, count: usize, detached: &mut Detached<T>) {
        let before = detached.len();
        while detached.len() < count && (!detached.is_full() || detached.len() == before) {
            let Some(oldest) = self.by_age.pop_front() else {
                break;
            };
            if self.cut(&oldest, Reason::Evicted, detached) {
                self.put_back(oldest, !detached.is_full());
            } else {
                self.detach(oldest, Reason::Evicted, detached);
            }
        }
        self.trim_timeline(detached);
    }

    /// Evicts the oldest segments of all histories above `max_kib`, after a segment has been begun:
    /// [`REPLACED_MAX`] at most.
    pub(super) fn enforce_max_bytes(&mut self, detached: &mut Detached<T>) {
        for _ in 0..REPLACED_MAX {
            if self.excess_segments() == 0 {
                return;
            }
            self.evict(detached.len() + 1, detached);
        }
    }

    /// Detaches `oldest`, the oldest segment of its history, which has been removed from `by_age`.
    ///
    /// Afterwards it has no reference to another segment, and no other segment has one to it. So a
    /// reader that has a reference to it keeps this one segment in memory, and no other.
    fn detach(&mut self, oldest: Ref<Segment<T>>, reason: Reason, detached: &mut Detached<T>) {
        let Some(owner) = oldest.owner() else {
            return;
        };
        self.small -= usize::from(oldest.is_small());
        let state = oldest.state_mut(self);
        let cut = state.cut();
        let count = state.contents().count.saturating_sub(cut);
        let References { next, timestamps } = state.detach();
        let history = owner.history_mut(self);
        let passes = history.passes_needed(oldest.first() + u64::from(cut), count);
        // Only the newest segment can be open.
        let closed = if next.is_none() {
            history.close()
        } else {
            None
        };
        let end = next.as_ref().map_or(history.next(), |next| next.first());
        let dropped = history.drop_before(end);
        // This is another reference to `oldest`.
        drop(history.pop(next));
        self.count_dropped(dropped, reason);
        if let Some(timestamps) = timestamps {
            self.timeline.release(timestamps, &passes, detached);
        }
        if let Some(Closed { contents, .. }) = closed {
            self.open -= 1;
            // A reader may still decode it. It is not a user of the timeline.
            oldest.seal(self, contents);
        }
        detached.push(oldest);
    }

    /// Counts samples that were given up.
    #[inline(always)]
    pub(super) fn count_dropped(&mut self, Dropped { dropped, fewer }: Dropped, reason: Reason) {
        self.counts.alive -= fewer;
        match reason {
            Reason::Evicted => self.counts.evicted += dropped,
            Reason::Removed => self.counts.removed += dropped,
        }
    }

    /// Evicts all but the newest samples of `owner`, of which `kept` stay, and gives up the spans
    /// and segments that hold no others, until `detached` is full. Returns whether there are more
    /// of them.
    fn trim(&mut self, owner: &Object<T>, kept: u64, detached: &mut Detached<T>) -> bool {
        let max_samples = self.max_samples;
        let history = owner.history_mut(self);
        let dropped = history.drop_before(history.next().saturating_sub(kept));
        history.renew_budget(max_samples);
        self.count_dropped(dropped, Reason::Evicted);
        while !detached.is_full() && self.is_first_unused(owner) {
            self.give_up_first_of(owner, Reason::Evicted, detached);
        }
        self.trim_timeline(detached);
        self.is_first_unused(owner)
    }

    /// Evicts the oldest samples of `owner` if there are more than `max_samples`, and renews the
    /// budget of its history. One in [`EVICTED_PART`] is evicted at a time, so that not each sample
    /// after that exceeds the limit.
    pub(super) fn enforce_max_samples(&mut self, owner: &Object<T>, detached: &mut Detached<T>) {
        let max_samples = self.max_samples;
        let history = owner.history_mut(self);
        if history.alive() > max_samples {
            self.trim(owner, max_samples - max_samples / EVICTED_PART, detached);
        } else {
            history.renew_budget(max_samples);
        }
    }

    /// Returns whether the oldest span of `owner` holds no sample that is kept, and is not the
    /// newest.
    fn is_first_unused(&self, owner: &Object<T>) -> bool {
        let history = owner.history(self);
        history
            .first_segment()
            .and_then(|first| self.end_of_first_span(first))
            .is_some_and(|end| end <= history.oldest())
    }

    /// Returns the number of the first sample after the oldest span of `segment`, if that is not
    /// the newest of its history.
    fn end_of_first_span(&self, segment: &Object<Segment<T>>) -> Option<u64> {
        let next = || segment.state(self).next().map(|next| next.first());
        self.end_to_cut(segment).or_else(next)
    }

    /// Detaches the segments of the timeline that have no users. Does nothing while a segment of
    /// samples is open or a pass is under way, because these may need timestamps that have no user
    /// yet.
    pub(super) fn trim_timeline(&mut self, detached: &mut Detached<T>) {
        if self.open == 0 && !self.is_in_pass {
            self.timeline.trim(detached);
        }
    }
}
