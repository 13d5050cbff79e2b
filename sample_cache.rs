// SPDX-License-Identifier: GPL-2.0

//! All samples: segments in their cache, by target and by age; appending, counting. eviction.rs takes
//! them away.
//!
//! The lock of the [`Store`] is held for a few instructions at a time, or for a chunk of a sampling
//! pass; nobody allocates or sleeps under it. See target.rs for the lock order.

use crate::{
    abstractions::{
        list::List,
        slab::{Cache, Object, Ref, Vacant},
    },
    delta::Sample,
    eviction::Detached,
    history::History,
    recorder::Recorder,
    segment::{Content, Held, Segment, BRIEF_WORDS, WORDS},
    target::Target,
    timeline::Timeline,
};
use core::convert::Infallible;
use kernel::{prelude::*, sync::SpinLock};

/// Segments of each kind set aside for when the slab has none.
const RESERVE: u16 = 32;

/// How many segments are looked at under one lock to check that the counters are right.
const CHECKED_MAX: usize = 4096;

/// Memory for segments.
pub(crate) struct Caches {
    /// For the first segment of a target.
    pub(crate) brief: Cache<Segment>,
    /// For all others.
    pub(crate) full: Cache<Segment>,
}

impl Caches {
    /// Empty caches. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            brief: Cache::new(c"taskmonitor_brief", BRIEF_WORDS, RESERVE)?,
            full: Cache::new(c"taskmonitor_segment", WORDS, RESERVE)?,
        })
    }

    /// Gives slab pages back in which nothing is left. May sleep.
    pub(crate) fn give_back(&self) {
        self.brief.shrink();
        self.full.shrink();
    }

    /// The bytes that all segments take, those included that only a reader still refers to.
    pub(crate) fn bytes(&self) -> u64 {
        self.brief.bytes() + self.full.bytes()
    }
}

/// What all samples have in common.
pub(crate) struct Store {
    /// The segments of all targets, in the order in which they were begun.
    pub(crate) by_age: List<Segment, 0>,
    /// When the samples were taken.
    pub(crate) timeline: Timeline,
    /// Whether a pass is under way, whose moment is needed though no sample may be there yet.
    pub(crate) is_in_pass: bool,
    /// How many histories have a segment that is being filled.
    pub(crate) open: usize,
    /// Kept for each target at most.
    pub(crate) max_samples: u64,
    /// What has become of the samples.
    pub(crate) counts: Counts,
}

/// What has become of the samples.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Taken.
    pub(crate) created: u64,
    /// Held now: the sum of what each history holds, not of the other numbers here.
    pub(crate) alive: u64,
    /// Given up to memory pressure or to `max_samples`.
    pub(crate) evicted: u64,
    /// Freed because somebody said so.
    pub(crate) removed: u64,
    /// Segments that came from the reserve.
    pub(crate) reserve: u64,
    /// Segments that came from evicting the oldest.
    pub(crate) recycled: u64,
}

impl Target {
    pub(crate) fn history<'a>(&'a self, store: &'a Store) -> &'a History {
        &self.state(store).history
    }

    #[inline(always)]
    pub(crate) fn history_mut<'a>(&'a self, store: &'a mut Store) -> &'a mut History {
        &mut self.state_mut(store).history
    }
}

/// How many samples of a target are kept, given `max_samples` of which 0 stands for no limit.
fn limit_of(max_samples: u64) -> u64 {
    match max_samples {
        0 => u64::MAX,
        max_samples => max_samples,
    }
}

impl Store {
    /// No samples. Made in place, being large. `max_samples` as for
    /// [`set_max_samples`](Self::set_max_samples).
    pub(crate) fn new(max_samples: u64) -> impl Init<Self, Infallible> {
        init!(Self {
            by_age: List::new(),
            timeline: Timeline::new(),
            is_in_pass: false,
            open: 0,
            max_samples: limit_of(max_samples),
            counts: Counts {
                created: 0,
                alive: 0,
                evicted: 0,
                removed: 0,
                reserve: 0,
                recycled: 0,
            },
        })
    }

    /// How many segments hold samples, and moments of them.
    pub(crate) fn segments(&self) -> usize {
        self.by_age.len() + self.timeline.segments()
    }

    /// How many samples of each target are kept from now on; 0: as many as memory holds.
    pub(crate) fn set_max_samples(&mut self, max: u64) {
        self.max_samples = limit_of(max);
    }

    /// Appends to the history of `target` the sample of the present pass; `None`: it is the same as
    /// the last. False: it takes a new segment, and `spare` is none. What is more than `max_samples`
    /// then goes to `detached`.
    #[inline(always)]
    pub(crate) fn append(
        &mut self,
        lock: &SpinLock<Store>,
        target: &Object<Target>,
        sample: Option<Sample>,
        spare: &mut Option<Vacant<Segment>>,
        detached: &mut Detached,
    ) -> bool {
        let max_samples = self.max_samples;
        let history = target.history_mut(self);
        let alive = history.alive();
        let fits = history.span_left() != 0
            && match sample {
                Some(sample) if sample != history.last() => history.append(sample),
                _ => {
                    history.repeat();
                    true
                }
            };
        if !fits {
            let Some(vacant) = spare.take() else {
                return false;
            };
            self.begin_segment(lock, target, sample, vacant);
        }
        self.counts.created += 1;
        let history = target.history_mut(self);
        let more = history.alive() - alive;
        let is_over = history.alive() > max_samples;
        if !is_over {
            history.renew_room(max_samples);
        }
        self.counts.alive += more;
        if is_over {
            self.trim(target, detached);
        }
        true
    }

    /// Counts `taken` samples, each of which was appended to another history where it had room.
    #[inline(always)]
    pub(crate) fn count_taken(&mut self, taken: u64) {
        self.counts.created += taken;
        self.counts.alive += taken;
    }

    /// Says that all samples of the pass have been taken.
    pub(crate) fn end_pass(&mut self, detached: &mut Detached) {
        self.is_in_pass = false;
        self.trim_timeline(detached);
    }

    /// Counts the sample of the present pass as taken and evicted, for want of any memory, which is
    /// only where no segment is left in any history.
    pub(crate) fn forgo(&mut self, target: &Object<Target>) {
        let history = target.history_mut(self);
        let alive = history.alive();
        history.next += 1;
        history.oldest = history.next;
        self.counts.created += 1;
        self.counts.evicted += 1;
        self.counts.alive -= alive;
    }

    /// Says that `target` has ended, and its last sample has been appended.
    pub(crate) fn close(&mut self, target: &Object<Target>) {
        if let Some((last, held)) = target.history_mut(self).close() {
            self.open -= 1;
            self.seal(target, &last, held);
        }
    }

    /// Has `segment` of `target`, which was open until now, hold `held` for ever, and the timeline keep
    /// the moments of that.
    fn seal(&mut self, target: &Object<Target>, segment: &Object<Segment>, held: Held) {
        segment.seal(self, held);
        let passes = target
            .state(self)
            .passes_needed(segment.first(), held.count);
        let moments = self.timeline.retain(&passes);
        segment.end_mut(self).need(moments);
    }

    /// Checks, in a kernel with debug assertions, that the numbers of samples and of open histories are
    /// what the segments say, where these are not too many to look at under one lock.
    pub(crate) fn check(&self) {
        if !cfg!(CONFIG_RUST_DEBUG_ASSERTIONS) || self.by_age.len() > CHECKED_MAX {
            return;
        }
        let (mut held, mut open) = (0, 0);
        for segment in self.by_age.iter() {
            let Some(history) = segment.owner().map(|owner| owner.history(self)) else {
                continue;
            };
            let being_filled = history.held_open(segment);
            open += usize::from(being_filled.is_some());
            let count = being_filled
                .unwrap_or_else(|| segment.end(self).held())
                .count;
            let end = segment.first() + u64::from(count);
            held += end.saturating_sub(segment.first().max(history.oldest));
        }
        let alive = self.counts.alive;
        if (held, open) != (alive, self.open) {
            pr_err!(
                "BUG: {alive} alive, {} open, but the segments hold {held}, {open} open\n",
                self.open
            );
        }
    }

    /// Appends a segment that begins with `sample` to the history of `target`.
    fn begin_segment(
        &mut self,
        lock: &SpinLock<Store>,
        target: &Object<Target>,
        sample: Option<Sample>,
        vacant: Vacant<Segment>,
    ) {
        let history = target.history_mut(self);
        let first = history.next;
        let (sealed, base) = history.begin(sample, vacant.words() as u32 * u64::BITS);
        let owner = Ref::from(target);
        let segment = vacant.fill(Segment::new(first, Content::Samples { owner, base }, lock));
        let last = target.history_mut(self).queue.push(segment.clone());
        if let Some(last) = &last {
            last.end_mut(self).lead_to(segment.clone());
        }
        match (last, sealed) {
            (Some(last), Some(held)) => self.seal(target, &last, held),
            _ => self.open += 1,
        }
        // It is new, hence in no list.
        let _ = self.by_age.push_back(segment);
    }
}

/// Memory for a segment, without ever sleeping: from the slab, else from the reserve, else by
/// evicting the oldest. `None` only where there is nothing to evict that nobody stands in.
pub(crate) fn spare_segment(recorder: &Recorder) -> Option<Vacant<Segment>> {
    let caches = &recorder.segments;
    // A brief one is better than none.
    let reserved = || {
        let full = caches.full.alloc_reserved();
        full.or_else(|| caches.brief.alloc_reserved())
    };
    if let Some(vacant) = caches.full.alloc_now() {
        return Some(vacant);
    }
    if let Some(vacant) = reserved() {
        recorder.store.lock().counts.reserve += 1;
        return Some(vacant);
    }
    loop {
        let mut oldest = Detached::new();
        recorder.store.lock().evict(1, &mut oldest);
        if oldest.len() == 0 {
            return None;
        }
        // Memory that is let go of fills the reserve first.
        oldest.free();
        if let Some(vacant) = reserved() {
            recorder.store.lock().counts.recycled += 1;
            return Some(vacant);
        }
    }
}
