// SPDX-License-Identifier: GPL-2.0

//! The tree of processes that one `tree:` command watches.

use crate::abstractions::upid::Upids;
use kernel::{
    prelude::*,
    sync::{
        atomic::{AtomicFlag, Relaxed},
        Arc,
    },
};

/// A process that was named in a `tree:` command, and its descendants that are watched because of
/// it. Each of these targets has a reference to the tree.
pub(crate) struct Tree {
    /// The PIDs of the process that the command named.
    root: Upids,
    /// Whether no more targets are added. Written under the lock of the registry.
    is_dissolved: AtomicFlag,
}

impl Tree {
    /// A tree whose root is the process with the PIDs `root`. May sleep. Fails with `ENOMEM`.
    pub(super) fn new(root: Upids) -> Result<Arc<Self>> {
        let is_dissolved = AtomicFlag::new(false);
        Ok(Arc::new(Self { root, is_dissolved }, GFP_KERNEL)?)
    }

    /// Returns the PIDs of the root.
    pub(crate) fn root(&self) -> &Upids {
        &self.root
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
