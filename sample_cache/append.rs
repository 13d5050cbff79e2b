// SPDX-License-Identifier: GPL-2.0

//! Appending samples to a history: beginning and sealing segments.

use super::{
    has_history::HasHistory,
    history::Closed,
    segment::Kind,
    slab_caches::SpareSegment,
    store::{Detached, Segment, Store, StoreGuard},
};
use crate::{
    abstractions::slab::{Object, Ref, UninitObject},
    codec::Sample,
};

impl<T: HasHistory> StoreGuard<'_, T> {
    /// Appends the sample of the latest pass to the history of `owner`; `None`: one equal to the
    /// last. If less time waited was read than before, that of the sample before is kept: what a
    /// thread has waited can be missing while it exits.
    ///
    /// If a new segment is needed, it is made from `spare`. If that is empty then, returns false
    /// and appends nothing. If the history exceeds `max_samples` afterwards, evicts the oldest
    /// samples, and moves segments that hold no others to `detached`. If a new segment exceeds
    /// `max_kib`, evicts the oldest segment of all.
    pub(crate) fn append(
        &mut self,
        owner: &Object<T>,
        sample: Option<Sample>,
        spare: &mut SpareSegment<T>,
        detached: &mut Detached<T>,
    ) -> bool {
        let history = owner.history_mut(self);
        let last = history.last_sample();
        let sample = sample.map(|sample| Sample {
            wait: sample.wait.max(last.wait),
            ..sample
        });
        let sample = sample.filter(|sample| *sample != last);
        if sample.is_none() {
            self.extend_run(owner);
        }
        let history = owner.history_mut(self);
        // `max_samples` is enforced afterwards: the new sample displaces the oldest one.
        history.renew_budget(u64::MAX);
        let fits = history.take_budget() && history.append(sample);
        if !fits {
            let Some(memory) = spare.take() else {
                return false;
            };
            self.begin_segment(owner, sample, memory);
        }
        self.count_appended(1);
        self.enforce_max_samples(owner, detached);
        if !fits {
            self.enforce_max_bytes(detached);
        }
        true
    }

    /// Appends a segment that begins with `sample` to the history of `owner`.
    fn begin_segment(
        &mut self,
        owner: &Object<T>,
        sample: Option<Sample>,
        memory: UninitObject<Segment<T>>,
    ) {
        self.close(owner);
        let capacity = memory.words() as u32 * u64::BITS;
        let history = owner.history_mut(self);
        let (number, base) = history.begin_segment(sample, capacity);
        let kind = Kind::Samples {
            owner: Ref::from(owner),
            base,
        };
        let segment = memory.init(Segment::new(number, kind, self.lock_ref()));
        if let Some(before) = owner.history_mut(self).push(segment.clone()) {
            before.state_mut(self).set_next(segment.clone());
        }
        self.open += 1;
        self.small += usize::from(segment.is_small());
        // The segment is new, so it is in no list.
        let _ = self.by_age.push_back(segment);
    }
}

impl<T: HasHistory> Store<T> {
    /// Counts samples that were appended to histories.
    #[inline(always)]
    pub(crate) fn count_appended(&mut self, samples: u64) {
        self.counts.created += samples;
        self.counts.alive += samples;
    }

    /// Counts the sample of the latest pass as taken and evicted, because there is no memory for
    /// it.
    ///
    /// There is none only if all segments of all histories have been evicted, so `owner` has no
    /// samples.
    pub(crate) fn skip_sample(&mut self, owner: &Object<T>) {
        let history = owner.history_mut(self);
        let alive = history.alive();
        history.skip_sample();
        self.counts.created += 1;
        self.counts.evicted += 1;
        self.counts.alive -= alive;
    }

    /// Seals the open segment of the history of `owner`, if there is one. From now on the segment
    /// is a user of the timestamps that it needs.
    pub(crate) fn close(&mut self, owner: &Object<T>) {
        let Some(closed) = owner.history_mut(self).close() else {
            return;
        };
        let Closed {
            segment,
            contents,
            passes,
        } = closed;
        self.open -= 1;
        segment.seal(self, contents);
        let timestamps = self.timeline.retain(&passes);
        segment.state_mut(self).add_timestamps(timestamps);
    }
}
