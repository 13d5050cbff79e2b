// SPDX-License-Identifier: GPL-2.0

//! A set of process numbers that can be asked without a lock, in every fork and exit of the machine.

use crate::abstractions::once::peek;
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// No task has a number as large (`PID_MAX_LIMIT`).
const NUMBERS: usize = 4 << 20;

/// A set of numbers in the initial pid namespace: a bit for each that there can be, 512 KiB.
pub(crate) struct Marks(KVVec<Atomic<u64>>);

impl Marks {
    /// The empty set. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut words = KVVec::with_capacity(NUMBERS / 64, GFP_KERNEL)?;
        for _ in 0..NUMBERS / 64 {
            words.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(words))
    }

    fn place(&self, number: i32) -> Option<(&Atomic<u64>, u64)> {
        let word = self.0.get(number as usize / 64)?;
        Some((word, 1 << (number as usize % 64)))
    }

    /// Whether `number` is in the set.
    #[inline(always)]
    pub(crate) fn has(&self, number: i32) -> bool {
        self.place(number)
            .is_some_and(|(word, bit)| peek(word) & bit != 0)
    }

    /// Adds or removes `number`. Changes are made one at a time, under the lock of the registry.
    pub(crate) fn set(&self, number: i32, is_in: bool) {
        if let Some((word, bit)) = self.place(number) {
            let others = word.load(Relaxed) & !bit;
            word.store(if is_in { others | bit } else { others }, Relaxed);
        }
    }
}
