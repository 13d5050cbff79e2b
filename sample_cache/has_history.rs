// SPDX-License-Identifier: GPL-2.0

//! What the sample cache must know about the objects whose samples it keeps.

use super::store::{History, Store};

/// A slab object that has a history.
pub(crate) trait HasHistory: Sized + Send + Sync {
    /// Returns the history of the object.
    fn history<'a>(&'a self, store: &'a Store<Self>) -> &'a History<Self>;

    /// Returns the history of the object, to change it.
    fn history_mut<'a>(&'a self, store: &'a mut Store<Self>) -> &'a mut History<Self>;
}
