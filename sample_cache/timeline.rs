// SPDX-License-Identifier: GPL-2.0

//! The timeline: the timestamps of passes. All objects are sampled in each pass, so its timestamp
//! is kept once for all of them.
//!
//! Passes are numbered from 1. Their timestamps are kept in segments of their own kind. Such a
//! segment is kept as long as a timestamp in it may be needed:
//!
//! - It counts its users: the spans of samples that need a timestamp in it, [`SPAN`] passes at
//!   most. Most segments of samples are one span. It becomes a user when the segment is sealed, or,
//!   in a run (runs.rs), when the next span begins. It is a user until it is cut or detached. A
//!   timestamp takes about 12 bits, so those of a span are in about 15 segments of the timeline.
//! - The last span of an open segment has one sample for each of the latest passes, `SPAN` at most.
//!   So it needs timestamps of the last `SPAN` passes only. Segments of the timeline that hold one
//!   of these are kept even without a user, as long as a segment of samples is open.
//!
//! Any other segment of the timeline is freed, even one between two that are needed. So the memory
//! of the timeline is bounded by the samples that are kept.

use super::{
    detached::Detached,
    segment::{Contents, Kind, Segment, SPAN},
};
use crate::{
    abstractions::{
        list::List,
        read_once::{load_relaxed, store_relaxed},
        slab::{Object, Ref, UninitObject},
    },
    codec::{Extent, TimestampEncoder},
};
use core::ops::Range;
use kernel::sync::{atomic::Atomic, SpinLock};

/// The timestamps of passes, part of a store `S`. Protected by the lock of the store.
pub(super) struct Timeline<T, S> {
    /// The segments that no open segment of samples needs, oldest first. Each has users.
    aged: List<Segment<T, S>, 0>,
    /// The segments after the aged ones, oldest first.
    young: List<Segment<T, S>, 0>,
    /// Whether the newest segment is open. If so, it is a young one.
    is_open: bool,
    encoder: TimestampEncoder,
    /// How many timestamps the newest segment holds.
    count: u16,
    /// The number of the next pass.
    next: u64,
}

impl<T: Send + Sync, S> Timeline<T, S> {
    /// An empty timeline.
    pub(super) const fn new() -> Self {
        Self {
            aged: List::new(),
            young: List::new(),
            is_open: false,
            encoder: TimestampEncoder::new(),
            count: 0,
            next: 1,
        }
    }

    /// Returns the number of the next pass.
    pub(super) fn next_pass(&self) -> u64 {
        self.next
    }

    /// Returns when the latest pass began, microseconds since boot; 0 if there was none.
    pub(super) fn last_us(&self) -> u64 {
        self.encoder.last()
    }

    /// Returns how many segments there are.
    pub(super) fn segments(&self) -> usize {
        self.aged.len() + self.young.len()
    }

    /// Returns the segment after `segment`.
    fn after(&self, segment: &Object<Segment<T, S>>) -> Option<&Object<Segment<T, S>>> {
        if self.aged.contains(segment) {
            self.aged.next(segment).or(self.young.first())
        } else {
            self.young.next(segment)
        }
    }

    /// Adds a user to each segment that holds timestamps of `passes`, which are among the last
    /// [`SPAN`]. Returns the first of these segments; `None` if `passes` is empty.
    pub(super) fn retain(&mut self, passes: &Range<u64>) -> Option<Ref<Segment<T, S>>> {
        let mut first = None;
        // From the newest one backwards: the segments of a busy task span few passes.
        let mut at = self.young.last().filter(|_| !passes.is_empty());
        while let Some(segment) = at {
            if segment.first() < passes.end {
                if let Some(users) = users(segment) {
                    store_relaxed(users, load_relaxed(users).wrapping_add(1));
                }
                first = Some(segment);
            }
            if segment.first() <= passes.start {
                break;
            }
            at = self.young.prev(segment);
        }
        first.map(Ref::from)
    }

    /// Undoes a [`retain`](Self::retain) that returned `first`. Moves aged segments that have no
    /// users any more to `detached`.
    pub(super) fn release(
        &mut self,
        first: Ref<Segment<T, S>>,
        passes: &Range<u64>,
        detached: &mut Detached<T, S>,
    ) {
        let mut has_unused = false;
        let needed = |segment: &&Object<Segment<T, S>>| segment.first() < passes.end;
        let all = core::iter::successors(Some(&*first), |segment| self.after(segment));
        for users in all.take_while(needed).filter_map(|segment| users(segment)) {
            let left = load_relaxed(users).wrapping_sub(1);
            store_relaxed(users, left);
            has_unused |= left == 0;
        }
        if has_unused {
            self.detach_unused(first, passes, detached);
        }
    }

    /// Detaches the aged segments without users, from `first` to the end of `passes`.
    #[inline(never)]
    fn detach_unused(
        &mut self,
        first: Ref<Segment<T, S>>,
        passes: &Range<u64>,
        detached: &mut Detached<T, S>,
    ) {
        let mut at = Some(first);
        while let Some(segment) = at {
            let after = self.after(&segment);
            at = after
                .filter(|after| after.first() < passes.end)
                .map(Ref::from);
            if is_used(&segment) {
                continue;
            }
            if let Some(unused) = self.aged.remove(&segment) {
                detached.push(unused);
            }
        }
    }

    /// Detaches the young segments without users. No segment of samples is open, and no pass is
    /// under way.
    pub(super) fn trim(&mut self, detached: &mut Detached<T, S>) {
        while let Some(first) = self.young.first() {
            let is_last = self.young.len() == 1;
            if is_last && is_used(first) {
                // It stays open for the next passes.
                return;
            }
            self.is_open &= !is_last;
            self.age_first(detached);
        }
    }

    /// Moves the first young segment to the aged ones, or to `detached` if it has no users.
    fn age_first(&mut self, detached: &mut Detached<T, S>) {
        match self.young.pop_front() {
            Some(first) if is_used(&first) => {
                // It has just left its list.
                let _ = self.aged.push_back(first);
            }
            Some(first) => detached.push(first),
            None => {}
        }
    }

    /// Ages the segments that hold no timestamp of the last [`SPAN`] passes, nor of the one
    /// under way.
    fn age(&mut self, detached: &mut Detached<T, S>) {
        while let Some(first) = self.young.first() {
            // The first pass after those of `first`.
            let end = self.young.next(first).map(|second| second.first());
            if end.is_none_or(|end| end + u64::from(SPAN) + 1 > self.next) {
                return;
            }
            self.age_first(detached);
        }
    }

    /// Returns what the open segment holds; `None` if there is none.
    fn contents(&self) -> Option<Contents> {
        let extent = Extent {
            bits: self.encoder.bits(),
            run: 0,
        };
        self.is_open.then_some(Contents {
            extent,
            tail: Some(self.encoder.tail()),
            count: self.count,
        })
    }

    /// Appends the timestamp of the next pass to the open segment. Returns false, and appends
    /// nothing, if there is none or it has no space.
    pub(super) fn try_append(&mut self, time_us: u64) -> bool {
        let (true, Some(last)) = (self.is_open && self.count < u16::MAX, self.young.last()) else {
            return false;
        };
        let done = self
            .encoder
            .append(time_us, last.capacity(), |index, word| {
                last.set_word(index, word)
            });
        if done {
            self.count += 1;
            self.next += 1;
        }
        done
    }

    /// Appends the timestamp of the next pass as the first one of a new segment. Further passes are
    /// expected `period_us` apart. `lock` is the lock of the store.
    ///
    /// Returns the segment that was open until now, with what it holds. The caller must seal it.
    pub(super) fn begin_segment(
        &mut self,
        time_us: u64,
        period_us: u32,
        memory: UninitObject<Segment<T, S>>,
        lock: &SpinLock<S>,
        detached: &mut Detached<T, S>,
    ) -> Option<(Ref<Segment<T, S>>, Contents)> {
        let contents = self.contents();
        let before = self.young.last().map(Ref::from);
        let base = self.encoder.begin(time_us, period_us);
        let users = Atomic::new(0);
        let kind = Kind::Timestamps { base, users };
        // The segment is new, so it is in no list.
        let _ = self
            .young
            .push_back(memory.init(Segment::new(self.next, kind, lock)));
        self.is_open = true;
        self.count = 1;
        self.next += 1;
        self.age(detached);
        before.zip(contents)
    }

    /// Follows the timeline from `from` on to the segment that holds the timestamp of `pass`, or
    /// would hold it; `None` if that is before `from`.
    pub(super) fn seek<'a>(
        &'a self,
        from: &'a Object<Segment<T, S>>,
        pass: u64,
    ) -> Option<&'a Object<Segment<T, S>>> {
        core::iter::successors(Some(from), |segment| self.after(segment))
            .take_while(|segment| segment.first() <= pass)
            .last()
    }

    /// Returns the segment that holds the timestamp of `pass`, and how much it holds; `None` if it
    /// has been freed. The search begins at `near`, the first segment of which a segment of samples
    /// is a user, or at the newest segment if `near` is `None`.
    pub(super) fn find<'a>(
        &'a self,
        store: &S,
        near: Option<&'a Object<Segment<T, S>>>,
        pass: u64,
    ) -> Option<(&'a Object<Segment<T, S>>, Contents)> {
        let segment = match near {
            Some(near) => self.seek(near, pass)?,
            None => core::iter::successors(self.young.last(), |segment| self.young.prev(segment))
                .find(|segment| segment.first() <= pass)?,
        };
        let is_last = self
            .young
            .last()
            .is_some_and(|last| core::ptr::eq(last, segment));
        let contents = self.contents().filter(|_| is_last);
        let contents = contents.unwrap_or_else(|| segment.state(store).contents());
        let passes = segment.first()..segment.first() + u64::from(contents.count);
        passes.contains(&pass).then_some((segment, contents))
    }
}

/// Returns the number of users of `segment`; `None` if it holds samples. The number is accessed
/// under the lock of the [`Store`](super::Store) only.
fn users<T: Send + Sync, S>(segment: &Segment<T, S>) -> Option<&Atomic<u32>> {
    match segment.kind() {
        Kind::Timestamps { users, .. } => Some(users),
        Kind::Samples { .. } => None,
    }
}

fn is_used<T: Send + Sync, S>(segment: &Segment<T, S>) -> bool {
    users(segment).is_some_and(|users| load_relaxed(users) != 0)
}
