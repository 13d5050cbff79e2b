// SPDX-License-Identifier: GPL-2.0

//! When each pass began. All targets are sampled in each pass, so its moment is kept once, for all.
//!
//! Passes are numbered from 1. Their moments are kept in segments of the timeline, each for as long as
//! somebody may need a moment in it:
//!
//! - Each has a count of users, the sealed segments of samples that need a moment in it. Those are
//!   counted when they are sealed, and discounted when they are detached. As a segment of samples spans
//!   [`SPAN`] passes at most, that is some 15 segments of the timeline, whose moments take 12 bits or so.
//! - A history that is still being appended to has one sample in each pass, and its open segment `SPAN`
//!   samples at most. So it needs moments of the last `SPAN` passes only, and segments that hold such
//!   are kept without a count as long as there is an open segment of samples.
//!
//! So a segment of the timeline that nobody needs goes, also from between two that are needed, and
//! memory is bounded by the samples that are held.

use crate::{
    abstractions::{
        list::List,
        once::peek,
        slab::{Object, Ref, Vacant},
    },
    delta::Extent,
    eviction::Detached,
    history::SPAN,
    moments,
    sample_cache::Store,
    segment::{Content, Held, Segment},
};
use core::ops::Range;
use kernel::sync::{
    atomic::{Atomic, Relaxed},
    SpinLock,
};

/// The moments of the passes.
pub(crate) struct Timeline {
    /// Segments that no open segment of samples needs, oldest first. Each has users.
    aged: List<Segment, 0>,
    /// The segments after those, oldest first.
    young: List<Segment, 0>,
    /// Whether the last segment is being filled. It is one of the young ones then.
    open: bool,
    encoder: moments::Encoder,
    /// Moments in the last segment.
    held: u16,
    /// The number of the next pass.
    next: u64,
}

impl Timeline {
    /// No passes yet.
    pub(crate) const fn new() -> Self {
        Self {
            aged: List::new(),
            young: List::new(),
            open: false,
            encoder: moments::Encoder::new(),
            held: 0,
            next: 1,
        }
    }

    /// The number of the next pass.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// When the last pass began, microseconds since boot; 0: there was none.
    pub(crate) fn last_us(&self) -> u64 {
        self.encoder.last()
    }

    /// How many segments it takes.
    pub(crate) fn segments(&self) -> usize {
        self.aged.len() + self.young.len()
    }

    /// The segment after `segment`.
    fn after(&self, segment: &Object<Segment>) -> Option<&Object<Segment>> {
        if self.aged.contains(segment) {
            self.aged.next(segment).or(self.young.first())
        } else {
            self.young.next(segment)
        }
    }

    /// Counts a user of each segment that holds moments of `passes`, which are among the last [`SPAN`].
    /// Returns the first of them.
    pub(crate) fn retain(&mut self, passes: &Range<u64>) -> Option<Ref<Segment>> {
        let mut first = None;
        // From the last one on, where the passes of a task that consumes CPU time are.
        let mut at = self.young.last().filter(|_| !passes.is_empty());
        while let Some(segment) = at {
            if segment.first() < passes.end {
                if let Some(users) = users(segment) {
                    users.store(peek(users).wrapping_add(1), Relaxed);
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

    /// Discounts the user that [`retain`](Self::retain) counted, which returned `first`. Segments that
    /// nobody needs by that go to `detached`.
    pub(crate) fn release(
        &mut self,
        first: Ref<Segment>,
        passes: &Range<u64>,
        detached: &mut Detached,
    ) {
        let mut has_unused = false;
        let needed = |segment: &&Object<Segment>| segment.first() < passes.end;
        let all = core::iter::successors(Some(&*first), |segment| self.after(segment));
        for users in all.take_while(needed).filter_map(|segment| users(segment)) {
            let left = peek(users).wrapping_sub(1);
            users.store(left, Relaxed);
            has_unused |= left == 0;
        }
        if has_unused {
            self.detach_unused(first, passes, detached);
        }
    }

    /// Detaches those segments from `first` on, up to the end of `passes`, that nobody needs.
    #[inline(never)]
    fn detach_unused(&mut self, first: Ref<Segment>, passes: &Range<u64>, detached: &mut Detached) {
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

    /// Detaches the young segments that nobody uses, where no segment of samples is open, and no pass is
    /// under way whose moment may be needed.
    pub(crate) fn trim(&mut self, detached: &mut Detached) {
        while let Some(first) = self.young.first() {
            let is_last = self.young.len() == 1;
            if is_last && is_used(first) {
                // The next passes may go there.
                return;
            }
            self.open &= !is_last;
            self.age_first(detached);
        }
    }

    /// Detaches the first of the young ones where nobody uses it; else it has aged.
    fn age_first(&mut self, detached: &mut Detached) {
        match self.young.pop_front() {
            Some(first) if is_used(&first) => {
                // It has just left its list.
                let _ = self.aged.push_back(first);
            }
            Some(first) => detached.push(first),
            None => {}
        }
    }

    /// Has those segments age that hold no moment of the last [`SPAN`] passes, nor of that under way.
    fn age(&mut self, detached: &mut Detached) {
        while let Some(first) = self.young.first() {
            // The first pass behind those of `first`.
            let end = self.young.next(first).map(|second| second.first());
            if end.is_none_or(|end| end + u64::from(SPAN) + 1 > self.next) {
                return;
            }
            self.age_first(detached);
        }
    }

    fn held(&self) -> Option<Held> {
        let extent = Extent {
            bits: self.encoder.bits(),
            run: 0,
        };
        self.open.then_some(Held {
            extent,
            tail: Some(self.encoder.tail()),
            count: self.held,
        })
    }

    /// Writes down the next pass where the last segment has room for it.
    fn append(&mut self, moment: u64) -> bool {
        let (true, Some(last)) = (self.open && self.held < u16::MAX, self.young.last()) else {
            return false;
        };
        let done = self.encoder.append(moment, last.capacity(), |index, word| {
            last.set_word(index, word)
        });
        if done {
            self.held += 1;
            self.next += 1;
        }
        done
    }

    /// The segment that holds the moment of `pass`, and what is in it. `near` is the first one that a
    /// sealed segment of samples needs; none for one that is open.
    pub(crate) fn find<'a>(
        &'a self,
        store: &Store,
        near: Option<&'a Object<Segment>>,
        pass: u64,
    ) -> Option<(&'a Object<Segment>, Held)> {
        let is_before = |segment: &&Object<Segment>| segment.first() <= pass;
        let segment = match near {
            Some(near) => core::iter::successors(Some(near), |segment| self.after(segment))
                .take_while(is_before)
                .last()?,
            None => core::iter::successors(self.young.last(), |segment| self.young.prev(segment))
                .find(is_before)?,
        };
        let is_last = self
            .young
            .last()
            .is_some_and(|last| core::ptr::eq(last, segment));
        let held = self.held().filter(|_| is_last);
        let held = held.unwrap_or_else(|| segment.end(store).held());
        let passes = segment.first()..segment.first() + u64::from(held.count);
        passes.contains(&pass).then_some((segment, held))
    }
}

/// How many sealed segments of samples need a moment in `segment`. Accessed under the lock of the
/// [`Store`] only.
fn users(segment: &Segment) -> Option<&Atomic<u32>> {
    match segment.content() {
        Content::Moments { users, .. } => Some(users),
        Content::Samples { .. } => None,
    }
}

fn is_used(segment: &Segment) -> bool {
    users(segment).is_some_and(|users| peek(users) != 0)
}

/// Writes down that the next pass begins at `moment`, microseconds since boot, which is kept until
/// [`Store::end_pass`] at least; `step` are expected until the pass after it. False: it takes a new
/// segment, and `spare` is none.
pub(crate) fn begin_pass(
    store: &mut Store,
    lock: &SpinLock<Store>,
    (moment, step): (u64, u32),
    spare: &mut Option<Vacant<Segment>>,
    detached: &mut Detached,
) -> bool {
    let begun = store.timeline.append(moment)
        || begin_segment(store, lock, (moment, step), spare, detached);
    store.is_in_pass |= begun;
    begun
}

/// Writes it down as the first one of a new segment; false where `spare` is none.
fn begin_segment(
    store: &mut Store,
    lock: &SpinLock<Store>,
    (moment, step): (u64, u32),
    spare: &mut Option<Vacant<Segment>>,
    detached: &mut Detached,
) -> bool {
    let Some(vacant) = spare.take() else {
        return false;
    };
    let timeline = &mut store.timeline;
    let sealed = timeline.held();
    let last = timeline.young.last().map(Ref::from);
    let base = timeline.encoder.rebase(moment, step);
    let users = Atomic::new(0);
    let content = Content::Moments { base, users };
    let segment = vacant.fill(Segment::new(timeline.next, content, lock));
    // It is new, hence in no list.
    let _ = timeline.young.push_back(segment);
    timeline.open = true;
    timeline.held = 1;
    timeline.next += 1;
    timeline.age(detached);
    if let (Some(last), Some(held)) = (last, sealed) {
        last.seal(store, held);
    }
    true
}
