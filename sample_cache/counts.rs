// SPDX-License-Identifier: GPL-2.0

//! What is counted about samples and segments.

/// Counts of samples and of segments.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Samples taken since the load.
    pub(crate) created: u64,
    /// Samples kept now: the sum of what each history holds, not computed from the other counts.
    pub(crate) alive: u64,
    /// Samples given up because memory was short, or because of `max_samples`.
    pub(crate) evicted: u64,
    /// Samples freed by commands.
    pub(crate) removed: u64,
    /// Segments allocated from the reserve.
    pub(crate) reserve: u64,
    /// Segments allocated by evicting the oldest.
    pub(crate) recycled: u64,
}
