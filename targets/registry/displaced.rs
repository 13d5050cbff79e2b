// SPDX-License-Identifier: GPL-2.0

//! Displacing ended targets, so that a followed fork has a place when there are `max_targets`.

use super::Registry;
use crate::{abstractions::slab::Ref, targets::target::Target};

/// How many displaced targets may wait for their samples to be freed.
const DISPLACED_MAX: usize = 1024;

/// From how many displaced targets on they must be freed at once.
const DISPLACED_MANY: usize = DISPLACED_MAX / 4;

/// Whether targets were displaced, whose samples must be freed, see
/// [`Targets::free_displaced`](crate::targets::Targets::free_displaced).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Displaced {
    /// None was.
    #[default]
    None,
    /// They may wait for some time.
    Some,
    /// So many wait already that they must be freed at once.
    Many,
}

impl Registry {
    /// Displaces the target that was the first to end, if there are `max_targets`, and another one
    /// if the limit has been lowered. Displaces none while [`DISPLACED_MAX`] wait for their samples
    /// to be freed.
    pub(in crate::targets) fn displace_ended(&mut self) -> Displaced {
        let mut displaced = Displaced::None;
        for _ in 0..2 {
            if !self.is_full() || self.displaced.len() >= DISPLACED_MAX {
                break;
            }
            let Some(ended) = self.ended.first().map(Ref::from) else {
                break;
            };
            self.remove(&ended);
            // It has just left its list.
            let _ = self.displaced.push_back(ended);
            displaced = match self.displaced.len() {
                0..DISPLACED_MANY => Displaced::Some,
                _ => Displaced::Many,
            };
        }
        displaced
    }

    /// Removes one of the displaced targets, for the caller to free its samples.
    pub(in crate::targets) fn take_displaced(&mut self) -> Option<Ref<Target>> {
        self.displaced.pop_front()
    }
}
