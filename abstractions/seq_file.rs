// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs that are read record by record, and can be written.
//!
//! `kernel::debugfs` shows a whole value at each open and does not pin the module while a file is
//! open; a history of any length needs the iterator of `seq_file`, and a module its reference.
//!
//! C headers: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h),
//! [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h).

use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    error::{from_err_ptr, from_result},
    prelude::*,
    str::CStr,
    sync::{Arc, ArcBorrow},
    uaccess::{UserPtr, UserSlice, UserSliceReader},
    ModuleMetadata,
};

/// What a [`File`] shows and takes. All calls come from the process that reads or writes, may sleep,
/// and those with a `Self` are made one at a time for each open file.
pub(crate) trait SeqFile: Sized + Send {
    /// What all who open the file share.
    type Data: Send + Sync + 'static;
    /// The module that must stay while the file is open.
    type Module: ModuleMetadata;
    /// Whether the file can be written.
    const WRITABLE: bool;

    /// Somebody opens the file.
    fn open(data: &Arc<Self::Data>) -> Result<Self>;

    /// Goes to the first record. False: there is none.
    fn first(&mut self) -> bool;

    /// Goes on to the next record. False: there is none.
    fn next(&mut self) -> bool;

    /// Writes the current record to `page`. May be called again for the same record.
    fn show(&mut self, page: &mut Page<'_>) -> Result;

    /// Somebody writes. Returns how many bytes were consumed.
    fn write(_data: &Arc<Self::Data>, _from: UserSliceReader) -> Result<usize> {
        Err(EINVAL)
    }
}

/// Where a record is shown.
pub(crate) struct Page<'a>(&'a mut bindings::seq_file);

impl Page<'_> {
    /// Appends `text`. What no longer fits is shown again later, in a larger buffer.
    pub(crate) fn put(&mut self, text: &[u8]) {
        // SAFETY: `self` is a live `seq_file` in its `show`, and `text` is valid for its length.
        unsafe { bindings::seq_write(self.0, text.as_ptr().cast(), text.len()) };
    }
}

/// One open file.
struct Opened<T: SeqFile> {
    file: T,
    /// The index of the record that `file` stands on, and whether there is one.
    at: Option<(bindings::loff_t, bool)>,
}

impl<T: SeqFile> Opened<T> {
    /// Goes to the record of that index, in one step where it is the one that was left.
    fn seek(&mut self, index: bindings::loff_t) -> bool {
        match self.at {
            Some((at, there)) if at == index && index != 0 => return there,
            _ => {}
        }
        let mut there = self.file.first();
        for _ in 0..index {
            there = there && self.file.next();
        }
        self.at = Some((index, there));
        there
    }

    fn step(&mut self, index: bindings::loff_t) -> bool {
        let there = self.file.next();
        self.at = Some((index, there));
        there
    }
}

/// A file in debugfs. Dropping it removes the file; those who have it open can still close it.
///
/// # Invariants
///
/// `entry` is a file made by `debugfs_create_file_full`, whose inode's `i_private` is `data`, or an
/// error, which `debugfs_remove` takes.
pub(crate) struct File<T: SeqFile> {
    entry: *mut bindings::dentry,
    _data: Arc<T::Data>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: debugfs does its own locking, and the data is `Send + Sync`.
unsafe impl<T: SeqFile> Send for File<T> {}
// SAFETY: As above.
unsafe impl<T: SeqFile> Sync for File<T> {}

impl<T: SeqFile> File<T> {
    const OPERATIONS: bindings::file_operations = bindings::file_operations {
        owner: T::Module::THIS_MODULE.as_ptr(),
        open: Some(Self::open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(Self::release),
        write: if T::WRITABLE { Some(Self::write) } else { None },
        ..pin_init::zeroed()
    };

    const SEQ_OPERATIONS: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// Makes the file in the root of debugfs, for root alone.
    ///
    /// May sleep. Fails with `ENOMEM` or `EEXIST`. As with all of debugfs, that there is none, as the
    /// machine was booted so, is no error.
    pub(crate) fn create(name: &CStr, data: Arc<T::Data>) -> Result<Self> {
        let mode = if T::WRITABLE { 0o600 } else { 0o400 };
        // SAFETY: The operations are static, and fit `data`, which stays alive until the file has
        // been removed.
        let entry = unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                mode,
                core::ptr::null_mut(),
                Arc::as_ptr(&data).cast_mut().cast(),
                core::ptr::null(),
                &Self::OPERATIONS,
            )
        };
        match from_err_ptr(entry) {
            Err(error) if error != EPERM && error != ENODEV => Err(error),
            // INVARIANT: As made above.
            _ => Ok(Self {
                entry,
                _data: data,
                _type: PhantomData,
            }),
        }
    }

    /// # Safety
    ///
    /// `inode` belongs to a `File<T>` that has not been removed.
    unsafe fn data(inode: *const bindings::inode) -> Arc<T::Data> {
        // SAFETY: By the invariants of `File`, `i_private` is what its `Arc` holds.
        unsafe { ArcBorrow::from_raw((*inode).i_private.cast::<T::Data>()).into() }
    }

    /// # Safety
    ///
    /// To be called by debugfs, for a file made by `create`.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        from_result(|| {
            // SAFETY: debugfs keeps the file from being removed during the call.
            let data = unsafe { Self::data(inode) };
            let opened = KBox::new(
                Opened {
                    file: T::open(&data)?,
                    at: None,
                },
                GFP_KERNEL,
            )?;
            // SAFETY: `file` is being opened, and the operations are static.
            kernel::error::to_result(unsafe { bindings::seq_open(file, &Self::SEQ_OPERATIONS) })?;
            // SAFETY: `seq_open` made `private_data` a `seq_file`, whose `private` is ours.
            unsafe {
                let seq = (*file).private_data.cast::<bindings::seq_file>();
                (*seq).private = KBox::into_raw(opened).cast();
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// To be called by debugfs, once, for a file that `open` opened.
    unsafe extern "C" fn release(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The file was opened by `open`, which left a box there, and is used no more.
        unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            drop(KBox::from_raw((*seq).private.cast::<Opened<T>>()));
            bindings::seq_release(inode, file)
        }
    }

    /// # Safety
    ///
    /// To be called by debugfs, for a file that `open` opened.
    unsafe extern "C" fn write(
        file: *mut bindings::file,
        from: *const c_char,
        len: usize,
        position: *mut bindings::loff_t,
    ) -> isize {
        from_result(|| {
            // SAFETY: debugfs keeps the file from being removed during the call.
            let data = unsafe { Self::data((*file).f_inode) };
            let from = UserSlice::new(UserPtr::from_ptr(from.cast_mut().cast()), len);
            let written = T::write(&data, from.reader())?;
            // SAFETY: `position` is valid for the call.
            unsafe { *position += written as bindings::loff_t };
            Ok(written as isize)
        })
    }

    /// # Safety
    ///
    /// To be called from a `seq_file` operation with its argument.
    unsafe fn opened<'a>(seq: *mut bindings::seq_file) -> &'a mut Opened<T> {
        // SAFETY: `open` left the box there, and `seq_file` calls under its mutex.
        unsafe { &mut *(*seq).private.cast() }
    }

    /// # Safety
    ///
    /// To be called by `seq_file`, for a file that `open` opened.
    unsafe extern "C" fn start(
        seq: *mut bindings::seq_file,
        index: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: Called by `seq_file`.
        let there = unsafe { Self::opened(seq).seek(*index) };
        Self::token(seq, there)
    }

    /// # Safety
    ///
    /// As for `start`.
    unsafe extern "C" fn next(
        seq: *mut bindings::seq_file,
        _record: *mut c_void,
        index: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: Called by `seq_file`, with a valid index.
        let there = unsafe {
            *index += 1;
            Self::opened(seq).step(*index)
        };
        Self::token(seq, there)
    }

    /// # Safety
    ///
    /// As for `start`.
    unsafe extern "C" fn stop(_seq: *mut bindings::seq_file, _record: *mut c_void) {}

    /// # Safety
    ///
    /// As for `start`.
    unsafe extern "C" fn show(seq: *mut bindings::seq_file, _record: *mut c_void) -> c_int {
        // SAFETY: Called by `seq_file`. What `opened` returns is not part of the `seq_file`.
        let (opened, seq) = unsafe { (Self::opened(seq), &mut *seq) };
        from_result(|| opened.file.show(&mut Page(seq)).map(|()| 0))
    }

    /// What `start` and `next` return: anything but null where there is a record.
    fn token(seq: *mut bindings::seq_file, there: bool) -> *mut c_void {
        NonNull::new(seq)
            .filter(|_| there)
            .map_or(core::ptr::null_mut(), |seq| seq.as_ptr().cast())
    }
}

impl<T: SeqFile> Drop for File<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a file of ours, or an error, which is ignored.
        unsafe { bindings::debugfs_remove(self.entry) };
    }
}
