// SPDX-License-Identifier: GPL-2.0

//! The bytes of one write to a file, which can be read more than once.
//!
//! The `kernel` crate's [`IovIterSource`] moves forward as it is read. Only its unsafe `revert()`
//! moves back. Here each read uses its own copy of the `struct iov_iter`.
//!
//! C header: [`include/linux/uio.h`](srctree/include/linux/uio.h).
//!
//! # Examples
//!
//! ```ignore
//! fn ends_with_newline(data: &WriteData<'_>) -> bool {
//!     let mut last = [0];
//!     data.read_at(data.len().saturating_sub(1), &mut last) == 1 && last == *b"\n"
//! }
//! ```

use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    iov::IovIterSource,
    types::{NotThreadSafe, Opaque},
};

/// All bytes of one `write()` or `writev()`.
///
/// They are in memory of the writing process, which can change them between two reads.
///
/// # Invariants
///
/// For as long as `'a`, `iter` is valid and does not change. It is a source of data, the argument
/// of a write that is in progress in the current task.
pub(crate) struct WriteData<'a> {
    iter: NonNull<bindings::iov_iter>,
    _write: PhantomData<&'a bindings::iov_iter>,
    _task: NotThreadSafe,
}

impl WriteData<'_> {
    /// # Safety
    ///
    /// `iter` is the argument of a `write_iter` operation of the current task. For as long as `'a`,
    /// the operation does not return and `iter` does not change.
    pub(super) unsafe fn from_raw(iter: NonNull<bindings::iov_iter>) -> Self {
        // INVARIANT: By the safety requirement.
        Self {
            iter,
            _write: PhantomData,
            _task: NotThreadSafe,
        }
    }

    /// Runs `f` with a copy of the iterator, which is before the first byte.
    fn iterate<R>(&self, f: impl FnOnce(&mut IovIterSource<'_>) -> R) -> R {
        // SAFETY: By the type invariant the iterator is valid and does not change. It owns nothing,
        // so that a copy of its bytes is an iterator too. `dup_iter()` of C also copies it by
        // assignment.
        let copy = Opaque::new(unsafe { self.iter.read() });
        // SAFETY: The copy is a valid source of data, and nothing else refers to it. It points to
        // the same segments as the original, which by the type invariant stay valid for as long as
        // `'a`.
        f(unsafe { IovIterSource::from_raw(copy.get()) })
    }

    /// Returns the number of bytes in the write.
    pub(crate) fn len(&self) -> usize {
        self.iterate(|source| source.len())
    }

    /// Copies bytes, the first of which is at `offset`, to `out`. Returns how many were copied.
    ///
    /// If this is less than the length of `out` and less than the rest of the write, the writer's
    /// memory cannot be read from there on. May sleep.
    pub(crate) fn read_at(&self, offset: usize, out: &mut [u8]) -> usize {
        self.iterate(|source| {
            source.advance(offset);
            source.copy_from_iter(out)
        })
    }
}
