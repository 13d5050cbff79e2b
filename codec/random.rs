// SPDX-License-Identifier: GPL-2.0

//! Pseudo-random numbers for unit tests: the same sequence in each run.

/// The generator SplitMix64 (G. Steele, D. Lea, C. Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    /// A generator whose sequence depends on `seed` only.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number. All 64-bit values are equally likely.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Returns a number whose length in bits is random, so that small numbers are as likely as
    /// large ones.
    pub(crate) fn next_of_any_length(&mut self) -> u64 {
        self.next() >> (self.next() % 64)
    }
}
