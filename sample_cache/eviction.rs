// SPDX-License-Identifier: GPL-2.0

//! Detaching segments from their targets: the oldest of all, or of one; and with them what the timeline
//! tells of their passes.
//!
//! Under the lock of the [`Store`]. What was detached is let go of later, without it.

use crate::{
    abstractions::{
        list::List,
        slab::{Batch, Last, Object, Ref},
    },
    sample_cache::Store,
    segment::Segment,
    target::Target,
};

/// How many segments are detached under one lock before others get it. With them go at most some 15 of
/// the timeline that the last of them needed, and as many that nobody needs.
const DETACHED_MAX: usize = 32;

/// Why a segment is taken from its target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Memory is short, or there are too many.
    Evicted,
    /// Somebody said so.
    Removed,
}

/// Segments that are in no history and not in the timeline any more, to be let go of with no lock held.
pub(crate) struct Detached(List<Segment, 0>);

impl Detached {
    /// None.
    pub(crate) const fn new() -> Self {
        Self(List::new())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no more are to be detached under this lock.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= DETACHED_MAX
    }

    /// Adds a segment that has just left its list.
    pub(crate) fn push(&mut self, segment: Ref<Segment>) {
        let _ = self.0.push_back(segment);
    }

    /// Frees them. Returns how many objects went back to the slab, which are those in which no reader
    /// stands and that the reserve did not take.
    pub(crate) fn free(&mut self) -> usize {
        if self.len() == 0 {
            0
        } else {
            self.free_all()
        }
    }

    // With a stack frame of its own.
    #[inline(never)]
    fn free_all(&mut self) -> usize {
        let mut batch = Batch::new();
        while let Some(segment) = self.0.pop_front() {
            // The memory of one in which a reader stands goes back when he leaves it.
            if let Ok(last) = Last::of(segment) {
                batch.free(last);
            }
        }
        batch.finish()
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        self.free();
    }
}

impl Store {
    /// Detaches the oldest segments of `target`, and counts their samples as gone. Returns whether there
    /// may be more.
    pub(crate) fn detach_all_of(
        &mut self,
        target: &Object<Target>,
        reason: Reason,
        detached: &mut Detached,
    ) -> bool {
        while !detached.is_full() {
            if !self.detach_first_of(target, reason, detached) {
                break;
            }
        }
        self.trim_timeline(detached);
        target.history(self).first().is_some()
    }

    /// Detaches the oldest segment of `target`; false where there is none.
    fn detach_first_of(
        &mut self,
        target: &Object<Target>,
        reason: Reason,
        detached: &mut Detached,
    ) -> bool {
        let Some(first) = target.history(self).first().cloned() else {
            return false;
        };
        let Some(first) = self.by_age.remove(&first) else {
            return false;
        };
        self.detach(first, reason, detached);
        true
    }

    /// Evicts the oldest segments of all: `count`, or until `detached` is full.
    pub(crate) fn evict(&mut self, count: usize, detached: &mut Detached) {
        while detached.len() < count && !detached.is_full() {
            let Some(oldest) = self.by_age.pop_front() else {
                break;
            };
            self.detach(oldest, Reason::Evicted, detached);
        }
        self.trim_timeline(detached);
    }

    /// Detaches `oldest`, which was the first of all or the first of its target, from that target, and
    /// counts its samples as gone.
    ///
    /// From then on it refers to no other segment, and none to it. So a reader who stands in it keeps
    /// this one from being freed, and no more.
    fn detach(&mut self, oldest: Ref<Segment>, reason: Reason, detached: &mut Detached) {
        let Some(owner) = oldest.owner() else {
            return;
        };
        let end = oldest.end_mut(self);
        let count = end.held().count;
        let (next, moments) = end.detach();
        let state = owner.state_mut(self);
        let passes = state.passes_needed(oldest.first(), count);
        let history = &mut state.history;
        // One that is being filled is the last.
        let closed = if next.is_none() {
            history.close()
        } else {
            None
        };
        let alive = history.alive();
        let after = next.as_ref().map_or(history.next, |next| next.first());
        let gone = after.saturating_sub(history.oldest);
        history.oldest = history.oldest.max(after);
        let fewer = alive - history.alive();
        // `oldest` is another reference to the same segment.
        drop(history.cut(next));
        self.counts.alive -= fewer;
        match reason {
            Reason::Evicted => self.counts.evicted += gone,
            Reason::Removed => self.counts.removed += gone,
        }
        if let Some(moments) = moments {
            self.timeline.release(moments, &passes, detached);
        }
        if let Some((_, held)) = closed {
            self.open -= 1;
            // A reader may go on in it. It needs no moments from now on.
            oldest.seal(self, held);
        }
        detached.push(oldest);
    }

    /// Has `target` keep no more than `max_samples`, and detaches the segments of which nothing is left by
    /// that. Returns whether there are more.
    pub(crate) fn trim(&mut self, target: &Object<Target>, detached: &mut Detached) -> bool {
        let max_samples = self.max_samples;
        let history = target.history_mut(self);
        let alive = history.alive();
        let keep = history.next.saturating_sub(max_samples);
        let extra = keep.saturating_sub(history.oldest);
        history.oldest += extra;
        history.renew_room(max_samples);
        let fewer = alive - history.alive();
        self.counts.evicted += extra;
        self.counts.alive -= fewer;
        while !detached.is_full() && self.is_first_over(target) {
            self.detach_first_of(target, Reason::Evicted, detached);
        }
        self.trim_timeline(detached);
        self.is_first_over(target)
    }

    /// Whether no sample of the first segment of `target` counts as alive, and it is not the last.
    fn is_first_over(&self, target: &Object<Target>) -> bool {
        let history = target.history(self);
        let next = history.first().and_then(|first| first.end(self).next());
        next.is_some_and(|next| next.first() <= history.oldest)
    }

    /// Detaches what the timeline tells of passes that no history needs any more.
    pub(crate) fn trim_timeline(&mut self, detached: &mut Detached) {
        if self.open == 0 && !self.is_in_pass {
            self.timeline.trim(detached);
        }
    }
}
