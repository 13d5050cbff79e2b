// SPDX-License-Identifier: GPL-2.0

//! How a run is coded, the number of times that a sample is repeated: in groups of three bits, each
//! with a bit before it that says whether another one follows. Pure functions.

use crate::bits::{low_bits, Reader, Words};

/// What begins a run.
pub(crate) const BEGIN: u64 = 0b01;
/// The bits of a run's length in one group.
const GROUP: u32 = 3;

/// How many bits a run takes.
pub(crate) fn cost(run: u64) -> u32 {
    match run {
        0 => 0,
        _ => 2 + (1 + GROUP) * (u64::BITS - run.leading_zeros()).div_ceil(GROUP),
    }
}

/// Writes a run, if it is one. Returns what `write` does: how many bits have been written then.
pub(crate) fn put(mut run: u64, mut write: impl FnMut(u64, u32) -> u32) -> u32 {
    let mut len = match run {
        0 => write(0, 0),
        _ => write(BEGIN, 2),
    };
    while run != 0 {
        let group = run & low_bits(GROUP);
        run >>= GROUP;
        len = write(u64::from(run != 0) | group << 1, 1 + GROUP);
    }
    len
}

/// Reads what [`put`] wrote, but for what begins it.
pub(crate) fn take<W: Words + ?Sized>(from: &mut Reader, words: &W) -> u64 {
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
