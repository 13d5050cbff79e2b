// SPDX-License-Identifier: GPL-2.0

//! The tree of processes that one `tree:` command watches.

use crate::abstractions::upid::Upids;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, AtomicFlag, Relaxed},
        Arc,
    },
};

/// A process that was named in a `tree:` command, and its descendants that are watched because of
/// it. Each of these targets has a reference to the tree.
pub(crate) struct Tree {
    /// The PIDs of the process that the command named.
    root: Upids,
    /// The [order](super::Target::order) of the first target that was added after the command.
    /// Written under the lock of the registry.
    first_order: Atomic<u64>,
    /// Whether no more targets are added. Written under the lock of the registry.
    is_dissolved: AtomicFlag,
}

impl Tree {
    /// A tree whose root is the process with the PIDs `root`. May sleep. Fails with `ENOMEM`.
    pub(super) fn new(root: Upids) -> Result<Arc<Self>> {
        let tree = Self {
            root,
            first_order: Atomic::new(0),
            is_dissolved: AtomicFlag::new(false),
        };
        Ok(Arc::new(tree, GFP_KERNEL)?)
    }

    /// Returns the PIDs of the root.
    pub(crate) fn root(&self) -> &Upids {
        &self.root
    }

    /// Sets the [order](super::Target::order) of the next target that is added. The caller holds
    /// the lock of the registry.
    pub(super) fn set_first_order(&self, order: u64) {
        self.first_order.store(order, Relaxed);
    }

    /// Returns whether the target with this [order](super::Target::order) and these PIDs, which
    /// belongs to the tree, is its root or is watched because of it. All others were watched
    /// before.
    pub(super) fn owns(&self, order: u64, pids: &Upids) -> bool {
        order >= self.first_order.load(Relaxed) || pids.is_same(&self.root)
    }

    /// Marks the tree as removed: no more targets are added. The caller holds the lock of the
    /// registry.
    pub(super) fn dissolve(&self) {
        self.is_dissolved.store(true, Relaxed);
    }

    /// Returns whether no more targets are added. The caller holds the lock of the registry.
    pub(super) fn is_dissolved(&self) -> bool {
        self.is_dissolved.load(Relaxed)
    }
}
