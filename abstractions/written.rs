// SPDX-License-Identifier: GPL-2.0

//! The bytes of one write, which can be looked at more than once.
//!
//! The kernel crate's `IovIterSource` goes forward only, but for an unsafe call. C looks again by
//! copying the `struct iov_iter`, as `dup_iter()` does, which leaves the original where it is.
//!
//! C headers: [`include/linux/uio.h`](srctree/include/linux/uio.h).

use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    iov::IovIterSource,
    types::{NotThreadSafe, Opaque},
};

/// The bytes that one `write()` or `writev()` hands over, from its beginning to its end.
///
/// They lie in the writer's memory, which may change from one look to the next.
///
/// # Invariants
///
/// `iter` is an `iov_iter` of a write that is under way in the current task, a source of data, and
/// nobody changes it while `'a` lasts.
pub(crate) struct Written<'a> {
    iter: NonNull<bindings::iov_iter>,
    _write: PhantomData<&'a bindings::iov_iter>,
    _task: NotThreadSafe,
}

impl Written<'_> {
    /// # Safety
    ///
    /// `iter` is the argument of a `write_iter` operation that lasts as long as `'a`, and that does
    /// not advance it meanwhile.
    pub(super) unsafe fn from_raw(iter: NonNull<bindings::iov_iter>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self {
            iter,
            _write: PhantomData,
            _task: NotThreadSafe,
        }
    }

    /// Runs `f` with an iterator of its own, which stands at the first byte.
    fn iterate<R>(&self, f: impl FnOnce(&mut IovIterSource<'_>) -> R) -> R {
        // SAFETY: By the type invariants the iterator is valid and does not change. It owns nothing:
        // C copies it in the same way.
        let copy = Opaque::new(unsafe { self.iter.read() });
        // SAFETY: The copy is valid, a source of data, and used through this reference alone; what it
        // points to is the writer's, which stays while the write is under way.
        f(unsafe { IovIterSource::from_raw(copy.get()) })
    }

    /// How many bytes are written.
    pub(crate) fn len(&self) -> usize {
        self.iterate(|source| source.len())
    }

    /// Copies the bytes from `at` on to `out`. Returns how many; fewer than fit and are there: the
    /// writer's memory cannot be read from that place on. May sleep.
    pub(crate) fn peek(&self, at: usize, out: &mut [u8]) -> usize {
        self.iterate(|source| {
            source.advance(at);
            source.copy_from_iter(out)
        })
    }
}
