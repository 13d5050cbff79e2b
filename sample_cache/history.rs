// SPDX-License-Identifier: GPL-2.0

//! The history of one object: a queue of segments, and the encoder that appends to the last of
//! them.

mod spans;

use super::segment::{Contents, Segment, SPAN};
use crate::{
    abstractions::slab::Ref,
    codec::{Sample, SampleBase, SampleEncoder},
};
use core::{num::NonZeroU64, ops::Range};

/// The samples of one object of the type `T`, numbered from 0. Protected by the lock of the store
/// `S`.
///
/// All samples belong to consecutive passes: sample `n` to the pass `first_pass + n`.
pub(crate) struct History<T, S> {
    /// The oldest segment.
    first: Option<Ref<Segment<T, S>>>,
    /// The newest segment.
    last: Option<Ref<Segment<T, S>>>,
    /// Whether the newest segment is open, that is, not sealed yet.
    is_open: bool,
    /// How many spans the open segment has before the last one. It is a user of their timestamps.
    full_spans: u8,
    /// How many samples may be appended before two limits must be checked again: that of the open
    /// segment, and `max_samples`. 0 if no segment is open.
    budget: u16,
    /// How many bits of data the open segment can hold. 0 if it has several spans, so that a
    /// different sample does not fit.
    capacity: u32,
    encoder: SampleEncoder,
    /// The number of the oldest sample kept.
    oldest: u64,
    /// The number of the next sample.
    next: u64,
    /// The number of the pass to which sample 0 belongs.
    first_pass: u64,
    /// When sample 0 was taken, microseconds since boot, if that was not in a pass.
    first_time_us: Option<NonZeroU64>,
    /// When the last sample was taken, microseconds since boot. Set when no sample will follow it.
    last_time_us: Option<NonZeroU64>,
}

/// How many samples [were given up](History::drop_before), found in two ways.
pub(super) struct Dropped {
    /// How many samples are before the number given.
    pub(super) dropped: u64,
    /// By how many fewer samples the history holds.
    pub(super) fewer: u64,
}

/// A segment that [has been closed](History::close), and which the caller must seal.
pub(super) struct Closed<T, S> {
    pub(super) segment: Ref<Segment<T, S>>,
    pub(super) contents: Contents,
    /// The passes whose timestamps the segment needs, without being a user of them.
    pub(super) passes: Range<u64>,
}

impl<T: Send + Sync, S> History<T, S> {
    /// An empty history.
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            last: None,
            is_open: false,
            full_spans: 0,
            budget: 0,
            capacity: 0,
            encoder: SampleEncoder::new(),
            oldest: 0,
            next: 0,
            first_pass: 0,
            first_time_us: None,
            last_time_us: None,
        }
    }

    /// Sets the pass to which sample 0 will belong. `time_us`: the time of sample 0, microseconds
    /// since boot, if it is not taken in a pass.
    pub(crate) fn begin(&mut self, first_pass: u64, time_us: Option<u64>) {
        self.first_pass = first_pass;
        self.first_time_us = time_us.and_then(NonZeroU64::new);
    }

    /// Sets the time of the last sample, microseconds since boot. No sample follows it.
    pub(crate) fn end(&mut self, time_us: u64) {
        self.last_time_us = NonZeroU64::new(time_us);
    }

    /// Returns the number of the oldest sample kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Returns the number of the next sample, which is how many have been appended.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the pass to which sample 0 belongs.
    pub(super) fn first_pass(&self) -> u64 {
        self.first_pass
    }

    /// Returns the number of the first sample after `pass`. Sample 0 counts as before any pass, if
    /// it was not taken in one.
    pub(super) fn number_after(&self, pass: u64) -> u64 {
        let number = (pass + 1).saturating_sub(self.first_pass);
        number.max(self.first_time_us.is_some().into())
    }

    /// Returns when sample 0 was taken, microseconds since boot, if that was not in a pass.
    pub(crate) fn first_time_us(&self) -> Option<u64> {
        self.first_time_us.map(NonZeroU64::get)
    }

    /// Returns when the last sample was taken, microseconds since boot, if no sample will follow
    /// it.
    pub(crate) fn last_time_us(&self) -> Option<u64> {
        self.last_time_us.map(NonZeroU64::get)
    }

    /// Returns how many samples are kept.
    #[inline(always)]
    pub(super) fn alive(&self) -> u64 {
        self.next.wrapping_sub(self.oldest)
    }

    /// Returns the last sample, even if it has been evicted.
    pub(crate) fn last_sample(&self) -> Sample {
        self.encoder.last()
    }

    /// Returns the oldest segment.
    pub(super) fn first_segment(&self) -> Option<&Ref<Segment<T, S>>> {
        self.first.as_ref()
    }

    /// Returns the newest segment.
    pub(super) fn last_segment(&self) -> Option<&Ref<Segment<T, S>>> {
        self.last.as_ref()
    }

    /// Takes one sample off the budget. Returns false if the budget was 0. The sample must then be
    /// appended by [`StoreGuard::append`](super::StoreGuard::append), which checks the limits.
    #[inline(always)]
    pub(crate) fn take_budget(&mut self) -> bool {
        let (budget, is_used_up) = self.budget.overflowing_sub(1);
        self.budget = budget;
        if is_used_up {
            self.use_up_budget();
        }
        !is_used_up
    }

    // Cold, so that the compiler does not compute what is stored without a branch.
    #[cold]
    fn use_up_budget(&mut self) {
        self.budget = 0;
    }

    /// Appends a sample that was [taken off the budget](Self::take_budget) to the open segment.
    /// `None` stands for a sample equal to the last one. Returns false if its bits do not fit.
    ///
    /// This is the only function that adds a sample to an existing segment. The caller must count
    /// the sample by [`Store::count_appended`](super::Store::count_appended).
    #[inline(always)]
    pub(crate) fn append(&mut self, sample: Option<Sample>) -> bool {
        match sample {
            None => self.encoder.repeat(),
            Some(sample) => {
                if !self.encode(sample) {
                    return false;
                }
            }
        }
        // 64 bits do not overflow.
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Encodes `sample` into the open segment. Returns false if its bits do not fit.
    #[inline(always)]
    fn encode(&mut self, sample: Sample) -> bool {
        let last = &self.last;
        self.encoder
            .append(sample, self.capacity, move |index, word| {
                if let Some(last) = last {
                    last.set_word(index, word);
                }
            })
    }

    /// Sets the budget to what both limits allow: how many samples the open segment may still get
    /// in its last span, and how many more may be kept, of `max_samples`.
    pub(super) fn renew_budget(&mut self, max_samples: u64) {
        let full = self.retained().saturating_add(SPAN);
        let in_segment = self
            .contents()
            .map_or(0, |contents| full.saturating_sub(contents.count));
        let kept = max_samples.saturating_sub(self.alive());
        self.budget = in_segment.min(kept.try_into().unwrap_or(u16::MAX));
    }

    /// Skips the number of a sample that is not kept, because there is no memory for it. No earlier
    /// sample is kept.
    pub(super) fn skip_sample(&mut self) {
        self.next += 1;
        self.oldest = self.next;
    }

    /// Appends `sample` (`None`: one equal to the last) as the base of a new segment. `capacity`:
    /// how many bits of data that segment can hold. The last segment has been closed.
    ///
    /// Returns the number of the sample, and the base. The caller makes the segment and
    /// [pushes](Self::push) it.
    pub(super) fn begin_segment(
        &mut self,
        sample: Option<Sample>,
        capacity: u32,
    ) -> (u64, SampleBase) {
        let base = self.encoder.begin(sample.unwrap_or(self.last_sample()));
        let number = self.next;
        self.capacity = capacity;
        self.full_spans = 0;
        self.next += 1;
        (number, base)
    }

    /// Adds `segment` as the newest one, which is open. Returns the one that was the newest before.
    pub(super) fn push(&mut self, segment: Ref<Segment<T, S>>) -> Option<Ref<Segment<T, S>>> {
        self.is_open = true;
        if self.first.is_none() {
            self.first = Some(segment.clone());
        }
        self.last.replace(segment)
    }

    /// Closes the newest segment. Returns `None` if it was not open.
    pub(super) fn close(&mut self) -> Option<Closed<T, S>> {
        let contents = self.contents()?;
        let segment = self.last.clone()?;
        let retained = self.retained();
        let first = segment.first() + u64::from(retained);
        let passes = self.passes_needed(first, contents.count.saturating_sub(retained));
        self.is_open = false;
        self.full_spans = 0;
        self.budget = 0;
        Some(Closed {
            segment,
            contents,
            passes,
        })
    }

    /// Removes the oldest segment, after which `next` is the oldest one. If `next` is `None`, the
    /// segment was the newest too, and has been closed. Returns the removed segment.
    pub(super) fn pop(&mut self, next: Option<Ref<Segment<T, S>>>) -> Option<Ref<Segment<T, S>>> {
        if next.is_none() {
            self.last = None;
        }
        core::mem::replace(&mut self.first, next)
    }

    /// Gives up all samples before `number`. The caller counts them.
    pub(super) fn drop_before(&mut self, number: u64) -> Dropped {
        let alive = self.alive();
        let dropped = number.saturating_sub(self.oldest);
        self.oldest = self.oldest.max(number);
        Dropped {
            dropped,
            fewer: alive.saturating_sub(self.alive()),
        }
    }

    /// Returns what `segment`, a segment of this history, holds; `None` if it is not open.
    pub(super) fn open_contents(&self, segment: &Segment<T, S>) -> Option<Contents> {
        let contents = self.contents()?;
        core::ptr::eq(&***self.last.as_ref()?, segment).then_some(contents)
    }

    /// Returns what the open segment holds; `None` if there is none.
    fn contents(&self) -> Option<Contents> {
        let last = self.last.as_ref().filter(|_| self.is_open)?;
        Some(Contents {
            extent: self.encoder.extent(),
            tail: Some(self.encoder.tail()),
            // The budget does not exceed the range.
            count: self.next.wrapping_sub(last.first()) as u16,
        })
    }

    /// Returns the passes whose timestamps are needed to show `count` samples from the number
    /// `first` on: the passes of all of them, except the first and the last sample if the history
    /// has their times.
    pub(super) fn passes_needed(&self, first: u64, count: u16) -> Range<u64> {
        let mut end = first + u64::from(count);
        let has_first_time = first == 0 && self.first_time_us.is_some();
        let has_last_time = self.last_time_us.is_some() && end == self.next;
        end -= u64::from(has_last_time && count != 0);
        self.first_pass + first + u64::from(has_first_time)..self.first_pass + end
    }
}
