// SPDX-License-Identifier: GPL-2.0

//! Looking up timestamps of passes for a reader.

use super::{segment::Kind, segment_copy::SegmentCopy, store::Segment, SampleCache};
use crate::{abstractions::slab::Ref, codec::TimestampDecoder};
use core::convert::Infallible;
use kernel::prelude::*;

/// A position in the timeline. It has a copy of one segment, and no reference to that. Looking up
/// consecutive passes is O(1) for each.
pub(super) struct TimeCursor {
    copy: SegmentCopy,
    decoder: TimestampDecoder,
    /// The pass whose timestamp the decoder returns next.
    pass: u64,
    /// The timestamp before that one, microseconds since boot.
    last_us: u64,
}

impl TimeCursor {
    /// A cursor at no position. Initialised in place, because it is large.
    pub(super) fn new() -> impl Init<Self, Infallible> {
        init!(Self {
            copy <- SegmentCopy::new(),
            decoder: TimestampDecoder::empty(),
            pass: 0,
            last_us: 0,
        })
    }

    /// Returns when `pass` began, microseconds since boot. `segment` holds a sample of that pass.
    ///
    /// Returns `None` if `segment` has been detached and the timestamp has been freed. No spinlock
    /// may be held.
    #[inline(always)]
    pub(super) fn time_of<T: Send + Sync>(
        &mut self,
        samples: &SampleCache<T>,
        segment: Option<&Ref<Segment<T>>>,
        pass: u64,
    ) -> Option<u64> {
        if pass == self.pass {
            if let Some(time_us) = self.decoder.next(&self.copy) {
                self.pass += 1;
                self.last_us = time_us;
                return Some(time_us);
            }
        }
        self.find(samples, segment?, pass)
    }

    #[inline(never)]
    fn find<T: Send + Sync>(
        &mut self,
        samples: &SampleCache<T>,
        segment: &Ref<Segment<T>>,
        pass: u64,
    ) -> Option<u64> {
        if pass + 1 == self.pass {
            return Some(self.last_us);
        }
        if pass < self.pass {
            self.decoder = TimestampDecoder::empty();
        }
        loop {
            while let Some(time_us) = self.decoder.next(&self.copy) {
                self.pass += 1;
                self.last_us = time_us;
                if self.pass > pass {
                    return Some(time_us);
                }
            }
            self.load(samples, segment, pass)?;
        }
    }

    /// Copies the segment that holds the timestamp of `pass`. If the segment has only grown since
    /// it was copied, it is copied again. Returns `None` if there is no such segment.
    fn load<T: Send + Sync>(
        &mut self,
        samples: &SampleCache<T>,
        segment: &Ref<Segment<T>>,
        pass: u64,
    ) -> Option<()> {
        self.pass = 0;
        self.decoder = TimestampDecoder::empty();
        let (found, contents) = {
            let store = samples.lock();
            let near = segment.state(&store).timestamps();
            let (found, contents) = store.timeline.find(&store, near, pass)?;
            (Ref::from(found), contents)
        };
        if let Kind::Timestamps { base, .. } = found.kind() {
            self.copy.fill(&found, &contents);
            self.decoder = TimestampDecoder::new(*base, contents.extent.bits);
            self.pass = found.first();
        }
        Some(())
    }
}
