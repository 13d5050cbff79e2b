// SPDX-License-Identifier: GPL-2.0

//! Coding of run lengths: how often a sample is repeated.
//!
//! A length is written as groups of three bits, the lowest first. The bit before each group is 1 if
//! another group follows.

use super::bits::{low_bits, BitReader, Words};

/// The prefix of a run, two bits.
pub(super) const BEGIN: u64 = 0b01;
/// How many bits of a length one group holds.
const GROUP: u32 = 3;

/// Returns how many bits a run of the length `run` takes, prefix included; 0 if `run` is 0.
pub(super) fn cost(run: u64) -> u32 {
    match run {
        0 => 0,
        _ => 2 + (1 + GROUP) * (u64::BITS - run.leading_zeros()).div_ceil(GROUP),
    }
}

/// Writes a run of the length `run`, prefix included; nothing if `run` is 0. `put` appends bits.
pub(super) fn put<R>(mut run: u64, mut put: impl FnMut(u64, u32) -> R) {
    if run != 0 {
        put(BEGIN, 2);
    }
    while run != 0 {
        let group = run & low_bits(GROUP);
        run >>= GROUP;
        put(u64::from(run != 0) | group << 1, 1 + GROUP);
    }
}

/// Reads a run whose prefix has been read. Returns its length.
pub(super) fn take<W: Words + ?Sized>(from: &mut BitReader, words: &W) -> u64 {
    let mut run = 0;
    let mut shift = 0;
    while shift < u64::BITS {
        let group = from.take(words, 1 + GROUP);
        run |= group >> 1 << shift;
        shift += GROUP;
        if group & 1 == 0 {
            break;
        }
    }
    run
}
