// SPDX-License-Identifier: GPL-2.0

//! Runs: segments that hold one sample, repeated. Idle tasks have them.
//!
//! A run takes the same memory whatever its length. So, unlike other segments, it may be longer
//! than one [`SPAN`]: up to 65,535 samples, or 16 spans, of which the last may be incomplete.
//!
//! - When the last span of an open run is full and the next sample is the same, another span
//!   [begins](Store::extend_run). The run becomes a user of the timestamps of the full span, as a
//!   segment does when it is sealed. And it becomes the youngest of all segments: it is as old as
//!   its last span.
//! - A different sample does not fit a run of several spans, but begins a new segment. Otherwise
//!   the run would have to be written into the data, where it could not be cut.
//! - The spans of a run are given up one after the other, the oldest first. A span is [cut
//!   off](Store::cut) without decoding: its timestamps are released, and the number of cut spans is
//!   noted in the state of the segment. The last span is given up with the segment.
//!
//! A reader takes no notice of cut spans. It skips samples that are older than the oldest one kept.

use super::{
    eviction::Reason,
    has_history::HasHistory,
    segment::{Contents, SPAN},
    store::{Detached, Segment, Store},
};
use crate::abstractions::slab::{Object, Ref};

impl<T: HasHistory> Store<T> {
    /// Begins another span of the open segment of `owner`, if that is a run whose last span is
    /// full. The caller appends the next sample, which is equal to the last.
    pub(super) fn extend_run(&mut self, owner: &Object<T>) {
        let Some(passes) = owner.history_mut(self).begin_span() else {
            return;
        };
        let Some(run) = owner.history(self).last_segment().cloned() else {
            return;
        };
        let timestamps = self.timeline.retain(&passes);
        run.state_mut(self).add_timestamps(timestamps);
        if let Some(run) = self.by_age.remove(&run) {
            // It has just left the list.
            let _ = self.by_age.push_back(run);
        }
    }

    /// Gives up the oldest span of `segment`, the oldest segment of its history. Returns false, and
    /// does nothing, if it has one span only.
    #[inline(always)]
    pub(super) fn cut(
        &mut self,
        segment: &Object<Segment<T>>,
        reason: Reason,
        detached: &mut Detached<T>,
    ) -> bool {
        let end = self.end_to_cut(segment);
        end.is_some_and(|end| self.cut_to(segment, end, reason, detached))
    }

    /// Gives up the oldest span of `segment`, which ends before the sample `end`, and is not the
    /// only one. Returns whether that was done.
    // Not inlined, because this is rare.
    #[inline(never)]
    fn cut_to(
        &mut self,
        segment: &Object<Segment<T>>,
        end: u64,
        reason: Reason,
        detached: &mut Detached<T>,
    ) -> bool {
        let Some(owner) = segment.owner() else {
            return false;
        };
        let history = owner.history(self);
        let state = segment.state(self);
        let cut = state.cut().saturating_add(SPAN);
        let retained = history.retained_of(segment, self.contents_of(segment).count);
        let passes = history.passes_needed(end - u64::from(SPAN), SPAN);
        let needed = history.passes_needed(end, retained.saturating_sub(cut));
        let first = state.timestamps().filter(|_| !needed.is_empty());
        let first = first.and_then(|first| self.timeline.seek(first, needed.start));
        let first = first.map(Ref::from);
        let before = segment.state_mut(self).cut_span(first);
        let dropped = owner.history_mut(self).drop_before(end);
        self.count_dropped(dropped, reason);
        if let Some(before) = before {
            self.timeline.release(before, &passes, detached);
        }
        detached.count_cut();
        true
    }

    /// Puts `run`, the oldest segment, which has been cut, back into the list by age. It becomes
    /// the youngest if it `may_be_spared` and is open.
    #[inline(never)]
    pub(super) fn put_back(&mut self, run: Ref<Segment<T>>, may_be_spared: bool) {
        let is_spared = may_be_spared && self.is_open(&run);
        // It has just left the list.
        let _ = match is_spared {
            true => self.by_age.push_back(run),
            false => self.by_age.push_front(run),
        };
    }

    /// Returns the number of the first sample after the oldest span of `segment`, if it has more
    /// than one.
    #[inline(always)]
    pub(super) fn end_to_cut(&self, segment: &Object<Segment<T>>) -> Option<u64> {
        let cut = segment.state(self).cut();
        let left = self.contents_of(segment).count.saturating_sub(cut);
        let end = segment.first() + u64::from(cut) + u64::from(SPAN);
        (left > SPAN).then_some(end)
    }

    /// Returns whether `segment`, a segment of samples, is open.
    pub(super) fn is_open(&self, segment: &Object<Segment<T>>) -> bool {
        self.open_contents(segment).is_some()
    }

    /// Returns what `segment`, a segment of samples, holds, including what has been cut.
    #[inline(always)]
    pub(super) fn contents_of(&self, segment: &Object<Segment<T>>) -> Contents {
        let sealed = segment.state(self).contents();
        match sealed.count {
            0 => self.open_contents(segment).unwrap_or(sealed),
            _ => sealed,
        }
    }

    /// Returns what `segment`, a segment of samples, holds; `None` if it is not open.
    #[inline(never)]
    fn open_contents(&self, segment: &Object<Segment<T>>) -> Option<Contents> {
        let history = segment.owner().map(|owner| owner.history(self));
        history.and_then(|history| history.open_contents(segment))
    }
}
