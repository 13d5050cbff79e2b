// SPDX-License-Identifier: GPL-2.0

//! Strings of bits in 64-bit words. Pure functions. Bits are laid down from the lowest of each word.

/// What can be asked for one of its words; 0 where there is none.
pub(crate) trait Words {
    /// The word at `index`.
    fn word(&self, index: usize) -> u64;
}

impl Words for [u64] {
    fn word(&self, index: usize) -> u64 {
        self.get(index).copied().unwrap_or(0)
    }
}

/// Appends bits. Holds the word that is being filled, and hands each word that is full to the caller's
/// `store`, so that what was stored never changes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Writer {
    /// The word that is being filled; its unused bits are 0.
    word: u64,
    len: u32,
}

impl Writer {
    /// A writer that has written nothing.
    pub(crate) const fn new() -> Self {
        Self { word: 0, len: 0 }
    }

    /// How many bits have been written.
    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// The bits that have not been stored.
    pub(crate) fn tail(&self) -> u64 {
        self.word
    }

    /// Appends the lowest `count` bits of `bits`, the others of which are 0. `count` is at most 64.
    /// There is room for them.
    #[inline(always)]
    pub(crate) fn put(&mut self, bits: u64, count: u32, store: impl FnMut(usize, u64)) {
        self.put_within(u32::MAX, bits, count, store);
    }

    /// The same where that makes less than `capacity`, which is a whole number of words, and more than
    /// has been written. Where it does not, does nothing, and returns `None`; else whether a word became
    /// full.
    #[inline(always)]
    pub(crate) fn put_within(
        &mut self,
        capacity: u32,
        bits: u64,
        count: u32,
        mut store: impl FnMut(usize, u64),
    ) -> Option<bool> {
        let used = self.len % 64;
        let word = self.word | bits << used;
        let len = self.len.wrapping_add(count);
        // Within the word that is being filled there is room.
        let is_full = used.wrapping_add(count) >= 64;
        if is_full {
            if len >= capacity {
                return None;
            }
            store((self.len / 64) as usize, word);
            // In two steps, as a shift by 64 would be none.
            self.word = bits >> 1 >> (63 - used);
        } else {
            self.word = word;
        }
        self.len = len;
        Some(is_full)
    }
}

/// Reads bits in the order in which they were written, never past `end`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reader {
    at: u32,
    end: u32,
}

impl Reader {
    /// A reader of the first `end` bits.
    pub(crate) const fn new(end: u32) -> Self {
        Self { at: 0, end }
    }

    /// How many bits have been read.
    #[inline(always)]
    pub(crate) fn at(&self) -> u32 {
        self.at
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// The next bits, up to 64 of them. Those behind the end mean nothing.
    #[inline(always)]
    pub(crate) fn peek<W: Words + ?Sized>(&self, words: &W) -> u64 {
        let index = (self.at / 64) as usize;
        let used = self.at % 64;
        // In two steps, as a shift by 64 would be none.
        words.word(index) >> used | words.word(index + 1) << 1 << (63 - used)
    }

    /// Goes on by `count` bits. False, and at the end, where fewer are left.
    #[inline(always)]
    pub(crate) fn pass(&mut self, count: u32) -> bool {
        let at = self.at.saturating_add(count);
        self.at = at.min(self.end);
        at <= self.end
    }

    /// Takes the next `count` bits, at most 64; 0 where fewer are left.
    #[inline(always)]
    pub(crate) fn take<W: Words + ?Sized>(&mut self, words: &W, count: u32) -> u64 {
        let bits = self.peek(words) & low_bits(count);
        if self.pass(count) {
            bits
        } else {
            0
        }
    }
}

/// The lowest `count` bits, at most 64.
#[inline(always)]
pub(crate) fn low_bits(count: u32) -> u64 {
    match count {
        0 => 0,
        _ => u64::MAX >> (64 - count.min(64)),
    }
}
