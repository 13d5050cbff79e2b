// SPDX-License-Identifier: GPL-2.0

//! Segments one after the other.

use crate::{abstractions::slab::Ref, segment::Segment};

/// Segments of one target, or those of the timeline, oldest first.
#[derive(Default)]
pub(crate) struct Queue {
    first: Option<Ref<Segment>>,
    last: Option<Ref<Segment>>,
}

impl Queue {
    /// No segments.
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            last: None,
        }
    }

    /// The oldest segment.
    pub(crate) fn first(&self) -> Option<&Ref<Segment>> {
        self.first.as_ref()
    }

    /// The newest segment.
    pub(crate) fn last(&self) -> Option<&Ref<Segment>> {
        self.last.as_ref()
    }

    /// Puts `segment` at the end. Returns the one that was last, which is to lead to it.
    #[must_use]
    pub(crate) fn push(&mut self, segment: Ref<Segment>) -> Option<Ref<Segment>> {
        if self.first.is_none() {
            self.first = Some(segment.clone());
        }
        self.last.replace(segment)
    }

    /// Has the queue begin with `first`, a segment of it or none. Returns the one that was first.
    pub(crate) fn cut(&mut self, first: Option<Ref<Segment>>) -> Option<Ref<Segment>> {
        if first.is_none() {
            self.last = None;
        }
        core::mem::replace(&mut self.first, first)
    }
}
