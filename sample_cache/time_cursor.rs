// SPDX-License-Identifier: GPL-2.0

//! Looking up the moments of passes in the timeline.

use crate::{
    abstractions::slab::Ref,
    moments,
    recorder::Recorder,
    segment::{Content, Copy, Segment},
};
use core::convert::Infallible;
use kernel::prelude::*;

/// Looks up moments: O(1) where the passes asked for rise one by one. Works on a copy of the segment in
/// which it stands, of which it keeps no reference.
pub(crate) struct Cursor {
    copy: Copy,
    decoder: moments::Decoder,
    /// The pass whose moment the decoder gives next.
    pass: u64,
    /// The moment before that.
    moment_us: u64,
}

impl Cursor {
    /// A cursor that has looked up nothing. Made in place, being large.
    pub(crate) fn new() -> impl Init<Self, Infallible> {
        init!(Self {
            copy <- Copy::new(),
            decoder: moments::Decoder::empty(),
            pass: 0,
            moment_us: 0,
        })
    }

    /// The moment at which `pass` began, that of a sample in `segment`; `None` where `segment` has been
    /// evicted, and the moment with it.
    #[inline(always)]
    pub(crate) fn moment_of(
        &mut self,
        recorder: &Recorder,
        segment: Option<&Ref<Segment>>,
        pass: u64,
    ) -> Option<u64> {
        if pass == self.pass {
            if let Some(moment) = self.decoder.next(&self.copy) {
                self.pass += 1;
                self.moment_us = moment;
                return Some(moment);
            }
        }
        self.find_moment_of(recorder, segment?, pass)
    }

    #[inline(never)]
    fn find_moment_of(
        &mut self,
        recorder: &Recorder,
        segment: &Ref<Segment>,
        pass: u64,
    ) -> Option<u64> {
        if pass + 1 == self.pass {
            return Some(self.moment_us);
        }
        if pass < self.pass {
            self.decoder = moments::Decoder::empty();
        }
        loop {
            while let Some(moment) = self.decoder.next(&self.copy) {
                self.pass += 1;
                self.moment_us = moment;
                if self.pass > pass {
                    return Some(moment);
                }
            }
            self.load(recorder, segment, pass)?;
        }
    }

    /// Loads the segment that holds `pass`, which is the present one again if that has grown.
    fn load(&mut self, recorder: &Recorder, segment: &Ref<Segment>, pass: u64) -> Option<()> {
        self.pass = 0;
        self.decoder = moments::Decoder::empty();
        let (found, held) = {
            let store = recorder.store.lock();
            let near = segment.end(&store).moments();
            let (found, held) = store.timeline.find(&store, near, pass)?;
            (Ref::from(found), held)
        };
        if let Content::Moments { base, .. } = found.content() {
            self.copy.fill(&found, &held);
            self.decoder = moments::Decoder::new(*base, held.extent.bits);
            self.pass = found.first();
        }
        Some(())
    }
}
