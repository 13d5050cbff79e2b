// SPDX-License-Identifier: GPL-2.0

//! Writing and reading sequences of bits in 64-bit words, from the lowest bit of each word up.

/// A source of 64-bit words.
pub(crate) trait Words {
    /// Returns the word at `index`; 0 if there is none.
    fn word(&self, index: usize) -> u64;
}

impl Words for [u64] {
    fn word(&self, index: usize) -> u64 {
        self.get(index).copied().unwrap_or(0)
    }
}

/// Appends bits. The word that is being filled is kept here. Each full word is passed to the
/// caller's `store` function, so a stored word never changes.
pub(super) struct BitWriter {
    /// The word that is being filled; its unused bits are 0.
    word: u64,
    /// How many bits have been written.
    len: u32,
}

impl BitWriter {
    /// A writer that has written nothing.
    pub(super) const fn new() -> Self {
        Self { word: 0, len: 0 }
    }

    /// Returns how many bits have been written.
    #[inline(always)]
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Returns the bits that have not been passed to `store` yet.
    pub(super) fn tail(&self) -> u64 {
        self.word
    }

    /// Appends the lowest `count` bits of `bits`, 64 at most. The other bits of `bits` are 0.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32, store: impl FnMut(usize, u64)) {
        self.put_within(u32::MAX, bits, count, store);
    }

    /// Appends like [`put`](Self::put), if the new length is less than `capacity` bits.
    ///
    /// `capacity` is a multiple of 64 and greater than the current length. Returns `None`, and
    /// appends nothing, if the bits do not fit; else whether a word became full.
    #[inline(always)]
    pub(super) fn put_within(
        &mut self,
        capacity: u32,
        bits: u64,
        count: u32,
        mut store: impl FnMut(usize, u64),
    ) -> Option<bool> {
        // The shift is by the length modulo 64.
        let word = self.word | bits.wrapping_shl(self.len);
        let len = self.len.wrapping_add(count);
        // The word that is being filled is within the capacity, so the length is checked only when
        // that word is full.
        let is_full = self.len ^ len >= 64;
        if is_full {
            if len >= capacity {
                return None;
            }
            store((self.len / 64) as usize, word);
            // Two shifts, because a shift by 64 is undefined.
            self.word = bits >> 1 >> (63 - self.len % 64);
        } else {
            self.word = word;
        }
        self.len = len;
        Some(is_full)
    }
}

/// Reads bits in the order in which they were written, never past `end`.
pub(super) struct BitReader {
    /// How many bits have been read.
    at: u32,
    /// How many bits there are.
    end: u32,
}

impl BitReader {
    /// A reader of the first `end` bits.
    pub(super) const fn new(end: u32) -> Self {
        Self { at: 0, end }
    }

    /// Returns how many bits have been read.
    #[inline(always)]
    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// Returns whether all bits have been read.
    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// Returns the next 64 bits without reading them. Bits after the end are arbitrary.
    #[inline(always)]
    pub(super) fn peek<W: Words + ?Sized>(&self, words: &W) -> u64 {
        let index = (self.at / 64) as usize;
        let used = self.at % 64;
        // Two shifts, because a shift by 64 is undefined.
        words.word(index) >> used | words.word(index + 1) << 1 << (63 - used)
    }

    /// Skips `count` bits. If fewer are left, skips all of them and returns false.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) -> bool {
        let at = self.at.saturating_add(count);
        self.at = at.min(self.end);
        at <= self.end
    }

    /// Reads the next `count` bits, 64 at most. If fewer are left, skips all of them and returns 0.
    #[inline(always)]
    pub(super) fn take<W: Words + ?Sized>(&mut self, words: &W, count: u32) -> u64 {
        let bits = self.peek(words) & low_bits(count);
        if self.skip(count) {
            bits
        } else {
            0
        }
    }
}

/// Returns a mask of the lowest `count` bits, 64 at most.
#[inline(always)]
pub(super) fn low_bits(count: u32) -> u64 {
    match count {
        0 => 0,
        _ => u64::MAX >> (64 - count.min(64)),
    }
}
