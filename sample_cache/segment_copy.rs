// SPDX-License-Identifier: GPL-2.0

//! A private copy of the data of one segment, which a reader decodes without a lock.

use super::segment::{Contents, Segment, WORDS};
use crate::{abstractions::slab::Object, codec::Words};
use core::convert::Infallible;
use kernel::{prelude::*, sync::atomic::Relaxed};

/// The number of words in a copy. A power of two, so that reducing an index modulo this number
/// takes the place of a bounds check at each word.
const PLACES: usize = (WORDS as usize + 1).next_power_of_two();

/// A copy of the words of a segment.
#[derive(Clone, Copy)]
pub(super) struct SegmentCopy {
    words: [u64; PLACES],
}

impl SegmentCopy {
    /// An empty copy. Initialised in place, because it is too large for the stack.
    pub(super) fn new() -> impl Init<Self, Infallible> {
        init!(Self {
            words <- pin_init::init_zeroed(),
        })
    }

    /// Copies the words that belong to `contents`, which `segment` holds.
    pub(super) fn fill<T: Send + Sync, S>(
        &mut self,
        segment: &Object<Segment<T, S>>,
        contents: &Contents,
    ) {
        let bits = contents.extent.bits;
        let stored = bits.div_ceil(u64::BITS) as usize;
        for (word, source) in self.words.iter_mut().zip(segment.words()).take(stored) {
            *word = source.load(Relaxed);
        }
        let last = self.words.get_mut((bits / u64::BITS) as usize);
        if let (Some(tail), Some(last)) = (contents.tail, last) {
            *last = tail;
        }
    }
}

impl Words for SegmentCopy {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self.words[index % PLACES]
    }
}
