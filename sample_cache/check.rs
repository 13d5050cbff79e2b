// SPDX-License-Identifier: GPL-2.0

//! Checking the counts against the segments.

use super::{counts::Counts, has_history::HasHistory, store::Store};
use kernel::prelude::*;

/// How many segments [`Store::counts`] checks under the lock.
const CHECK_MAX: usize = 4096;

impl<T: HasHistory> Store<T> {
    /// Returns the counts.
    ///
    /// In a kernel with debug assertions, first checks the number of samples alive and the number
    /// of open segments against the segments, and that no span was cut whose samples are kept, and
    /// logs a `BUG:` otherwise. There is no check if there are more than [`CHECK_MAX`] segments.
    pub(crate) fn counts(&self) -> Counts {
        if cfg!(CONFIG_RUST_DEBUG_ASSERTIONS) && self.by_age.len() <= CHECK_MAX {
            self.check();
        }
        self.counts
    }

    fn check(&self) {
        let (mut held, mut open) = (0, 0);
        for segment in self.by_age.iter() {
            let Some(history) = segment.owner().map(|owner| owner.history(self)) else {
                continue;
            };
            open += usize::from(self.is_open(segment));
            let cut = u64::from(segment.state(self).cut());
            if cut != 0 && segment.first() + cut > history.oldest() {
                pr_err!("BUG: {} is kept, but has been cut\n", history.oldest());
            }
            let end = segment.first() + u64::from(self.contents_of(segment).count);
            held += end.saturating_sub(segment.first().max(history.oldest()));
        }
        let alive = self.counts.alive;
        if (held, open) != (alive, self.open) {
            pr_err!(
                "BUG: {alive} alive, {} open, but the segments hold {held}, {open} open\n",
                self.open
            );
        }
    }
}
