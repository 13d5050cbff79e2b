// SPDX-License-Identifier: GPL-2.0

//! The spans of the open segment, if that is a run (runs.rs).

use super::History;
use crate::sample_cache::segment::{Contents, Segment, SPAN};
use core::ops::Range;

impl<T: Send + Sync, S> History<T, S> {
    /// Begins another span of the open segment, if that is a run whose last span is full, and which
    /// can hold another one.
    ///
    /// Returns the passes of the full span. The caller must make the segment a user of their
    /// timestamps.
    pub(in crate::sample_cache) fn begin_span(&mut self) -> Option<Range<u64>> {
        let Contents { extent, count, .. } = self.contents()?;
        let retained = self.retained();
        if extent.bits != 0 || retained.checked_add(SPAN) != Some(count) {
            return None;
        }
        let first = self.last.as_ref()?.first() + u64::from(retained);
        self.full_spans += 1;
        self.capacity = 0;
        Some(self.passes_needed(first, SPAN))
    }

    /// Returns how many samples are in the full spans of the open segment.
    pub(super) fn retained(&self) -> u16 {
        u16::from(self.full_spans).saturating_mul(SPAN)
    }

    /// Returns of how many samples of `segment`, a segment of this history that holds `count`, it
    /// is a user of the timestamps. Those that have been cut count too.
    pub(in crate::sample_cache) fn retained_of(&self, segment: &Segment<T, S>, count: u16) -> u16 {
        self.open_contents(segment)
            .map_or(count, |_| self.retained())
    }
}
