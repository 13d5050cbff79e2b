// SPDX-License-Identifier: GPL-2.0

//! The PIDs of all watched tasks, as a bitmap that each fork of the machine can test without a lock.

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
    /// The empty set. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut words = KVVec::with_capacity(PIDS / 64, GFP_KERNEL)?;
        for _ in 0..PIDS / 64 {
            words.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(words))
    }

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

    /// Adds or removes `pid`. The caller holds the lock of the registry, which orders all changes.
    pub(super) fn set(&self, pid: i32, is_in: bool) {
        if let Some((word, bit)) = self.place(pid) {
            let others = word.load(Relaxed) & !bit;
            word.store(if is_in { others | bit } else { others }, Relaxed);
        }
    }
}
