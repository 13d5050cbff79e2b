// SPDX-License-Identifier: GPL-2.0

//! What a recording says of the machine while it goes on: how the wall clock is set, and the paths of
//! the recorded tasks' cgroups.

use super::about;
use crate::{kernel_module::TaskInfo, selection::Cgroup, wall_clock::Clock};
use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant},
};

/// By how much the offset of the wall clock must have changed, in microseconds. Two readings of the
/// clocks differ by less.
const CHANGED_US: u128 = 10_000;
/// How often the cgroups are searched at most. Each search reads all folders.
const SEARCH_INTERVAL: Duration = Duration::from_secs(2);

/// What has been written of the machine.
pub struct Surroundings {
    clock: Clock,
    /// The ids of the cgroups that were looked for.
    cgroups: HashSet<u64>,
    searched: Option<Instant>,
}

impl Surroundings {
    /// Returns what is known after the first lines, which have `clock`.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            cgroups: HashSet::new(),
            searched: None,
        }
    }

    /// Returns the present time if the wall clock has been set since the last call that returned
    /// one.
    pub fn new_clock(&mut self) -> Option<Clock> {
        let clock = about::clock();
        let change_us = clock.offset_us().abs_diff(self.clock.offset_us());
        (change_us > CHANGED_US).then(|| {
            self.clock = clock;
            clock
        })
    }

    /// Returns the ids and paths of the cgroups of `tasks` that were not returned before. A cgroup
    /// that has been removed meanwhile has none.
    pub fn new_cgroups<'a>(
        &mut self,
        tasks: impl Iterator<Item = &'a TaskInfo>,
    ) -> Vec<(u64, PathBuf)> {
        let is_unknown = |id: &u64| !self.cgroups.contains(id);
        let unknown: HashSet<u64> = tasks
            .filter_map(|task| task.cgroup)
            .filter(is_unknown)
            .collect();
        let is_early = |searched: Instant| searched.elapsed() < SEARCH_INTERVAL;
        if unknown.is_empty() || self.searched.is_some_and(is_early) {
            return Vec::new();
        }
        self.searched = Some(Instant::now());
        let mut found = Cgroup::paths();
        found.retain(|(id, _)| unknown.contains(id));
        self.cgroups.extend(unknown);
        found
    }
}
