// SPDX-License-Identifier: GPL-2.0

//! Files that are read record by record.
//!
//! The `kernel` crate's [`SeqFile`] is what one record is written to. The crate has no iterator
//! over records (`struct seq_operations`), so that its files show one value. Text can be written to
//! a [`SeqFile`] only by [`seq_print!`], which formats it. This file adds [`Records`], the
//! iterator, and [`SeqWrite`], which copies bytes.
//!
//! C header: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h).
//!
//! [`seq_print!`]: kernel::seq_print
//!
//! # Examples
//!
//! ```ignore
//! struct Lines {
//!     text: Arc<KVec<&'static str>>,
//!     line: usize,
//! }
//!
//! impl Records for Lines {
//!     fn first(&mut self) -> bool {
//!         self.line = 0;
//!         self.line < self.text.len()
//!     }
//!
//!     fn next(&mut self) -> bool {
//!         self.line += 1;
//!         self.line < self.text.len()
//!     }
//!
//!     fn show(&mut self, file: &SeqFile) -> Result {
//!         file.write(self.text.get(self.line).ok_or(EINVAL)?.as_bytes());
//!         Ok(())
//!     }
//! }
//! ```

use core::{cell::UnsafeCell, marker::PhantomData, ptr::addr_of};
use kernel::{
    bindings,
    error::{from_result, to_result},
    prelude::*,
    seq_file::SeqFile,
};

/// An iterator over the records of an open file.
///
/// All methods are called in the task that reads or seeks, and may sleep. They are called one at a
/// time.
pub(crate) trait Records: Sized + Send + 'static {
    /// Moves to the first record. Returns false if there is none.
    fn first(&mut self) -> bool;

    /// Moves to the next record. Returns false if there is none.
    fn next(&mut self) -> bool;

    /// Moves to the first record that has come since the last one was shown. Called when a task
    /// reads on after the end of the file. Returns false if there is none.
    fn resume(&mut self) -> bool {
        false
    }

    /// Writes the current record to `file`. It is called again for the same record if that did not
    /// fit.
    fn show(&mut self, file: &SeqFile) -> Result;
}

/// Writes bytes to a file.
pub(crate) trait SeqWrite {
    /// Appends `bytes`. If they do not fit, `seq_file` shows the record again, in a larger buffer.
    fn write(&self, bytes: &[u8]);
}

impl SeqWrite for SeqFile {
    fn write(&self, bytes: &[u8]) {
        // CAST: `SeqFile` is a transparent `Opaque`, so that memory behind a shared reference to it
        // may change.
        let file = core::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: A `&SeqFile` is a valid `seq_file` that no other thread accesses; see
        // `SeqFile::from_raw`. `bytes` are valid for their length.
        unsafe { bindings::seq_write(file, bytes.as_ptr().cast(), bytes.len()) };
    }
}

/// The `private` of an open `seq_file`.
struct Private<R, S> {
    /// Accessed by the `seq_file` operations only, with the mutex of the `seq_file` held.
    cursor: UnsafeCell<Cursor<R>>,
    /// What writes to the file use, also while another task reads.
    shared: S,
}

/// The position of the reads.
struct Cursor<R> {
    records: R,
    /// The index of the current record of `records`, and its state; `None` at first.
    at: Option<(bindings::loff_t, At)>,
}

/// What a [`Cursor`] is at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// A record.
    Record,
    /// The end: there is no more record.
    End,
    /// The end, which the read that began at this position of the file has come to.
    EndFrom(bindings::loff_t),
}

impl<R: Records> Cursor<R> {
    /// Moves to the record `index`, for a read that begins at `position`. Returns false if it does
    /// not exist.
    ///
    /// If that is the current record and not the first one, does nothing; at the end, resumes, but
    /// only after a read has returned nothing, which is how a task learns that it is the end: a
    /// read that has returned something has moved the position. Otherwise moves to the first
    /// record, and then `index` steps forward.
    fn seek(&mut self, index: bindings::loff_t, position: bindings::loff_t) -> bool {
        let at = match self.at {
            Some((at, state)) if at == index && index != 0 => match state {
                At::EndFrom(end) if end == position && self.records.resume() => At::Record,
                At::End | At::EndFrom(_) => At::EndFrom(position),
                At::Record => At::Record,
            },
            _ => {
                let mut is_there = self.records.first();
                for _ in 0..index {
                    is_there = is_there && self.records.next();
                }
                if is_there {
                    At::Record
                } else {
                    At::End
                }
            }
        };
        self.at = Some((index, at));
        at == At::Record
    }

    /// Moves to the next record, which has that `index`. Returns false if it does not exist.
    fn step(&mut self, index: bindings::loff_t) -> bool {
        let is_there = self.records.next();
        let at = if is_there { At::Record } else { At::End };
        self.at = Some((index, at));
        is_there
    }
}

/// The functions of open files whose records are an `R` and which share an `S` with their writes.
pub(super) struct SeqFileOf<R, S>(PhantomData<fn(R, S)>);

impl<R: Records, S: Sync> SeqFileOf<R, S> {
    const OPERATIONS: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// Makes `file` a `seq_file`. May sleep. Fails with `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `file` is being opened, and its `private_data` is null. If this succeeds, the file's
    /// operations are `seq_read_iter()`, `seq_lseek()`, functions that call those of this type, and
    /// [`release`](Self::release), which is called once, after all others.
    pub(super) unsafe fn open(file: *mut bindings::file, records: R, shared: S) -> Result {
        let cursor = UnsafeCell::new(Cursor { records, at: None });
        let private = KBox::new(Private { cursor, shared }, GFP_KERNEL)?;
        // SAFETY: By the safety requirement; the operations are static.
        to_result(unsafe { bindings::seq_open(file, &Self::OPERATIONS) })?;
        // SAFETY: `seq_open()` has made `private_data` a `seq_file`, whose `private` it leaves to
        // its caller.
        unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            (*seq).private = KBox::into_raw(private).cast();
        }
        Ok(())
    }

    /// Frees what [`open`](Self::open) has allocated.
    ///
    /// # Safety
    ///
    /// `open` has succeeded for `file`, which is being closed: neither the `seq_file` nor what it
    /// refers to is used afterwards.
    pub(super) unsafe fn release(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the safety requirement. `open` left a box in `private`.
        unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            drop(KBox::from_raw((*seq).private.cast::<Private<R, S>>()));
            bindings::seq_release(inode, file)
        }
    }

    /// Returns what the file shares with its writes.
    ///
    /// # Safety
    ///
    /// [`open`](Self::open) has succeeded for `file`, and [`release`](Self::release) is not called
    /// for as long as `'a`.
    pub(super) unsafe fn shared<'a>(file: *mut bindings::file) -> &'a S {
        // SAFETY: By the safety requirement the box that `open` left in `private` is valid. There
        // is no exclusive reference to it, only to the content of `cursor`.
        unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            &*addr_of!((*(*seq).private.cast::<Private<R, S>>()).shared)
        }
    }

    /// # Safety
    ///
    /// Only for a `seq_file` operation, with its argument. The result of an earlier call is not
    /// used any more.
    unsafe fn cursor<'a>(seq: *mut bindings::seq_file) -> &'a mut Cursor<R> {
        // SAFETY: `open` left the box in `private`. `seq_file` calls its operations with its mutex
        // held, so that there is no other reference to the content of `cursor`.
        unsafe { &mut *(*(*seq).private.cast::<Private<R, S>>()).cursor.get() }
    }

    /// # Safety
    ///
    /// Only for `seq_file` to call, for a file for which [`open`](Self::open) has succeeded.
    unsafe extern "C" fn start(
        seq: *mut bindings::seq_file,
        index: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: By the safety requirement; `seq_file` passes a valid index. It changes `read_pos`
        // with its mutex held only, as now.
        let is_there = unsafe {
            let position = (*seq).read_pos;
            Self::cursor(seq).seek(*index, position)
        };
        Self::token(seq, is_there)
    }

    /// # Safety
    ///
    /// As for [`start`](Self::start).
    unsafe extern "C" fn next(
        seq: *mut bindings::seq_file,
        _record: *mut c_void,
        index: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: By the safety requirement; `seq_file` passes a valid index.
        let is_there = unsafe {
            *index += 1;
            Self::cursor(seq).step(*index)
        };
        Self::token(seq, is_there)
    }

    /// # Safety
    ///
    /// As for [`start`](Self::start).
    unsafe extern "C" fn stop(_seq: *mut bindings::seq_file, _record: *mut c_void) {}

    /// # Safety
    ///
    /// As for [`start`](Self::start).
    unsafe extern "C" fn show(seq: *mut bindings::seq_file, _record: *mut c_void) -> c_int {
        // SAFETY: By the safety requirement. `seq_file` makes this call with its mutex held, so
        // that no other thread accesses anything in it but that mutex. The cursor is not part of
        // the `seq_file`.
        let (cursor, file) = unsafe { (Self::cursor(seq), SeqFile::from_raw(seq)) };
        from_result(|| cursor.records.show(file).map(|()| 0))
    }

    /// What `start` and `next` return: a pointer that is not null if there is a record.
    fn token(seq: *mut bindings::seq_file, is_there: bool) -> *mut c_void {
        if is_there {
            seq.cast()
        } else {
            core::ptr::null_mut()
        }
    }
}
