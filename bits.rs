// SPDX-License-Identifier: GPL-2.0

//! Strings of bits in 64-bit words, and small numbers in few bits. Pure functions.
//!
//! Bits are laid down from the lowest of each word. Numbers are Golomb-Rice coded with a parameter
//! that follows their mean, as in Rice, "Some Practical Universal Noiseless Coding Techniques"
//! (JPL 79-22): what stands above the lowest `k` bits in unary, then those `k` bits.

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

/// Appends bits. Holds the word that is being filled, and hands each word that it touches to the
/// caller's `store`, so that what was stored before never changes but for bits that were not in use.
#[derive(Clone, Copy, Default)]
pub(crate) struct Writer {
    word: u64,
    len: u32,
}

impl Writer {
    /// A writer that has written nothing.
    pub(crate) const fn new() -> Self {
        Self { word: 0, len: 0 }
    }

    /// How many bits have been written.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Appends the lowest `count` bits of `bits`, the others of which are 0. `count` is at most 64.
    #[inline(always)]
    pub(crate) fn put(&mut self, bits: u64, count: u32, mut store: impl FnMut(usize, u64)) {
        if count == 0 {
            return;
        }
        let used = self.len % 64;
        let index = (self.len / 64) as usize;
        let word = if used == 0 { 0 } else { self.word } | bits << used;
        store(index, word);
        self.word = word;
        if used + count > 64 {
            self.word = bits >> (64 - used);
            store(index + 1, self.word);
        }
        self.len += count;
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

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// The next bits, up to 64 of them, 0 behind the end.
    #[inline(always)]
    fn peek<W: Words + ?Sized>(&self, words: &W) -> u64 {
        let index = (self.at / 64) as usize;
        let used = self.at % 64;
        let left = self.end.saturating_sub(self.at);
        let mut bits = words.word(index) >> used;
        if used != 0 && left > 64 - used {
            bits |= words.word(index + 1) << (64 - used);
        }
        if left < 64 {
            bits &= (1 << left) - 1;
        }
        bits
    }

    /// Takes the next `count` bits, at most 64.
    #[inline(always)]
    pub(crate) fn take<W: Words + ?Sized>(&mut self, words: &W, count: u32) -> u64 {
        if count == 0 {
            return 0;
        }
        let bits = self.peek(words) & (u64::MAX >> (64 - count));
        self.at += count;
        bits
    }
}

/// A coded number.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    /// Its bits, the others are 0.
    pub(crate) bits: u64,
    /// How many they are.
    pub(crate) len: u32,
}

/// Unary parts of this length say that the number stands in full behind them.
const ESCAPE: u32 = 16;
/// What a single number may add to the mean.
const CLIP: u64 = 1 << 28;

/// The mean of the numbers so far, by which the next is coded: eight times it, fading by an eighth.
///
/// Coder and decoder see the same numbers, hence the same means.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Mean(u32);

impl Mean {
    /// The mean of numbers around `number`.
    pub(crate) const fn of(number: u16) -> Self {
        Self(number as u32 * 8)
    }

    /// The parameter: about the binary logarithm of the mean.
    #[inline(always)]
    fn k(self) -> u32 {
        (self.0 >> 3 | 1).ilog2()
    }

    /// Takes `number`, which has been coded, into the mean.
    #[inline(always)]
    pub(crate) fn follow(&mut self, number: u64) {
        // At most 8 * CLIP - CLIP + CLIP - 1, which fits.
        self.0 = self.0 - (self.0 >> 3) + number.min(CLIP - 1) as u32;
    }

    /// The code of `number`; `None` where it is so far from the mean that it is written in full.
    #[inline(always)]
    pub(crate) fn code(self, number: u64) -> Option<Code> {
        let k = self.k();
        let above = number >> k;
        if above >= ESCAPE.into() {
            return None;
        }
        // `above` ones, a zero, and the lowest k bits: at most 16 + 28 bits in all.
        let unary = (1 << above) - 1;
        let low = number & ((1 << k) - 1);
        Some(Code {
            bits: unary | low << (above + 1),
            len: above as u32 + 1 + k,
        })
    }

    /// How many bits [`put`](Self::put) takes for `number`.
    pub(crate) fn cost(self, number: u64) -> u32 {
        self.code(number).map_or(ESCAPE + 64, |code| code.len)
    }

    /// Writes `number`.
    pub(crate) fn put(&mut self, number: u64, to: &mut Writer, mut store: impl FnMut(usize, u64)) {
        match self.code(number) {
            Some(Code { bits, len }) => to.put(bits, len, store),
            None => {
                to.put((1 << ESCAPE) - 1, ESCAPE, &mut store);
                to.put(number, 64, &mut store);
            }
        }
        self.follow(number);
    }

    /// Reads what [`put`](Self::put) wrote.
    #[inline(always)]
    pub(crate) fn take<W: Words + ?Sized>(&mut self, from: &mut Reader, words: &W) -> u64 {
        let k = self.k();
        let bits = from.peek(words);
        let above = bits.trailing_ones().min(ESCAPE);
        let number = if above < ESCAPE {
            from.at += above + 1 + k;
            u64::from(above) << k | bits >> (above + 1) & ((1 << k) - 1)
        } else {
            from.at += ESCAPE;
            from.take(words, 64)
        };
        self.follow(number);
        number
    }
}
