// SPDX-License-Identifier: GPL-2.0

//! Taking segments from their targets: the oldest of all, or of one; and with them what the timeline
//! tells of their passes.
//!
//! Under the lock of the [`Store`]. What was taken is let go of later, without it, as a
//! [`Gone`].

use crate::{
    abstractions::slab::{Last, Object, Ref},
    sample_cache::{Caches, Store},
    segment::{Gone, Segment},
    target::Target,
};

/// How many segments that were evicted may live on because a reader stands in them or before them.
/// Past that, such a reader loses its way and goes on at the oldest that is left.
const PINNED_MAX: usize = 4096;

/// Why a segment is taken from its target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Memory is short, or there are too many.
    Evicted,
    /// Somebody said so.
    Removed,
}

impl Store {
    /// Takes the oldest segment of `target`, and counts its samples as gone.
    pub(crate) fn take_oldest_of(
        &mut self,
        target: &Object<Target>,
        reason: Reason,
    ) -> Option<Gone> {
        let oldest = {
            let first = target.history(self).first()?.clone();
            self.by_age.remove(&first)?
        };
        let gone = self.detach(oldest, reason, false);
        self.trim_timeline(false);
        Some(gone)
    }

    /// Evicts the oldest segments of all, as many as `gone` has places for. Returns how many.
    pub(crate) fn evict(&mut self, caches: &Caches, gone: &mut [Option<Gone>]) -> usize {
        let is_crowded = caches.len() > self.segments() + PINNED_MAX;
        let mut count = 0;
        for place in gone {
            let Some(oldest) = self.by_age.pop_front() else {
                break;
            };
            *place = Some(self.detach(oldest, Reason::Evicted, is_crowded));
            count += 1;
        }
        self.trim_timeline(is_crowded);
        count
    }

    /// Takes `oldest`, which was the first of all or the first of its target, from that target, and
    /// counts its samples as gone. `is_crowded`: whoever stands in it is to lose the way.
    fn detach(&mut self, oldest: Ref<Segment>, reason: Reason, is_crowded: bool) -> Gone {
        self.bytes -= oldest.size();
        let references = oldest.references();
        let end = oldest.end_mut(self);
        // We have one reference, and the target has another, or two to its last segment. More are made
        // under this lock only, or by those who have one.
        let is_alone = references == 2 + usize::from(end.next().is_none());
        end.go();
        let next = if is_alone {
            end.lead_nowhere()
        } else {
            end.next().cloned()
        };
        if is_crowded {
            end.lead_nowhere();
        }
        let owner = oldest.owner();
        let queued = owner.and_then(|owner| {
            if !is_alone {
                self.seal(owner, &oldest);
            }
            self.cut(owner, next, reason)
        });
        match queued {
            Some(queued) if is_alone => match Last::of_pair(oldest, queued) {
                Ok(last) => Gone::Alone(last),
                Err((oldest, _)) => Gone::Held(oldest),
            },
            _ => Gone::Held(oldest),
        }
    }

    /// Has `segment` of `target` hold for ever what it holds now, where it is still being filled.
    fn seal(&mut self, target: &Object<Target>, segment: &Object<Segment>) {
        if let Some(held) = target.history(self).held_open(segment) {
            segment.seal(self, held);
        }
    }

    /// Has the history of `target` go on at `next`, behind its oldest segment, which is given back.
    fn cut(
        &mut self,
        target: &Object<Target>,
        next: Option<Ref<Segment>>,
        reason: Reason,
    ) -> Option<Ref<Segment>> {
        let history = target.history_mut(self);
        let after = next.as_ref().map_or(history.next, |next| next.first());
        let gone = after.saturating_sub(history.oldest);
        history.oldest = history.oldest.max(after);
        let queued = history.cut(next);
        match reason {
            Reason::Evicted => self.counts.evicted += gone,
            Reason::Removed => self.counts.removed += gone,
        }
        queued
    }

    /// Has `target` keep no more than `max_samples`, and takes one segment of which nothing is left
    /// by that; to be called again then.
    pub(crate) fn trim(&mut self, target: &Object<Target>) -> Option<Gone> {
        let max_samples = self.max_samples;
        let history = target.history_mut(self);
        let keep = history.next.saturating_sub(max_samples);
        let extra = keep.saturating_sub(history.oldest);
        history.oldest += extra;
        history.renew_room(max_samples);
        let oldest = history.oldest;
        self.counts.evicted += extra;
        let next = target.history(self).first()?.end(self).next()?;
        if next.first() > oldest {
            return None;
        }
        self.take_oldest_of(target, Reason::Evicted)
    }

    /// Drops what the timeline tells of passes older than any sample. `is_crowded` as for
    /// [`detach`](Self::detach).
    pub(crate) fn trim_timeline(&mut self, is_crowded: bool) {
        let oldest = self.by_age.first().and_then(|segment| {
            let origin = segment.owner()?.history(self).origin;
            Some(origin + segment.first())
        });
        let present = || self.is_in_pass.then(|| self.timeline.next() - 1);
        let oldest = oldest.or_else(present);
        while let Some(first) = self.timeline.first() {
            let first = first.clone();
            let next = first.end(self).next().cloned();
            let needed = match (&next, oldest) {
                (Some(next), Some(oldest)) => next.first() > oldest,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if needed {
                return;
            }
            let sealed = self.timeline.cut(next);
            self.bytes -= first.size();
            let end = first.end_mut(self);
            end.go();
            if is_crowded {
                end.lead_nowhere();
            }
            if let Some(held) = sealed {
                first.seal(self, held);
            }
        }
    }
}
