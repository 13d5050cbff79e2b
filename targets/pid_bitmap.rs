// SPDX-License-Identifier: GPL-2.0

//! A bitmap of the PIDs of all living targets. Each fork of the machine tests it without a lock.

use crate::abstractions::read_once::load_relaxed;
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// No PID is this large (`PID_MAX_LIMIT`).
const PIDS: usize = 4 << 20;

/// A set of PIDs of the initial PID namespace: one bit for each possible PID, 512 KiB.
pub(crate) struct PidBitmap(KVVec<Atomic<u64>>);

impl PidBitmap {
    /// An empty set. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut words = KVVec::with_capacity(PIDS / 64, GFP_KERNEL)?;
        for _ in 0..PIDS / 64 {
            words.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(words))
    }

    /// Returns the word that has the bit of `pid`, and a mask of that bit. `None` if `pid` is
    /// negative or too large.
    fn place(&self, pid: i32) -> Option<(&Atomic<u64>, u64)> {
        let word = self.0.get(pid as usize / 64)?;
        Some((word, 1 << (pid as usize % 64)))
    }

    /// Returns whether `pid` is in the set.
    #[inline(always)]
    pub(crate) fn contains(&self, pid: i32) -> bool {
        self.place(pid)
            .is_some_and(|(word, bit)| load_relaxed(word) & bit != 0)
    }

    /// Adds `pid` if `is_member`, else removes it. The caller holds the lock of the registry, which
    /// orders all changes.
    pub(super) fn set(&self, pid: i32, is_member: bool) {
        if let Some((word, bit)) = self.place(pid) {
            let others = word.load(Relaxed) & !bit;
            word.store(if is_member { others | bit } else { others }, Relaxed);
        }
    }
}
