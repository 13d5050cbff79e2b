// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs that are read record by record, and can be written.
//!
//! `kernel::debugfs` shows a whole value at each open and does not pin the module while a file is
//! open; a history of any length needs the iterator of `seq_file`, and a module its reference.
//!
//! # Why no open file outlives the module
//!
//! debugfs takes a reference to the module for each open file, so that it cannot be unloaded. But a
//! load that fails frees the module whatever its reference count is (`do_init_module()`, `fail:`),
//! and a file is there for all to open as soon as it is made. Two things make that harmless:
//!
//! - [`File::open`] refuses until the module's state is `MODULE_STATE_LIVE`, which the loader sets
//!   when nothing can fail any more. So no file is open when a load fails.
//! - An open that is under way then, and refuses, holds the module's code, its file operations and
//!   a reference to it. `debugfs_remove()`, which [`File`]'s drop calls, waits for `open` as debugfs
//!   calls it between `debugfs_file_get()` and `debugfs_file_put()`; but `do_dentry_open()` puts the
//!   reference only after that, through the file operations. So `open` does that itself where it
//!   fails, and leaves operations behind that are the kernel's own.
//!
//! The files are made by `debugfs_create_file_unsafe()`, as the proxy that `debugfs_create_file()`
//! puts before the operations has no `write_iter`: a `writev()` would arrive as several writes. The
//! operations of an open file are thus not kept from running after the file has been removed. None
//! needs what the [`File`] owns: each open file has a reference to the data of its own.
//!
//! C headers: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h),
//! [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h).

use super::written::Written;
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr::{addr_of, NonNull},
};
use kernel::{
    bindings,
    error::{from_err_ptr, from_result, to_result},
    prelude::*,
    seq_file::SeqFile,
    str::CStr,
    sync::{Arc, ArcBorrow},
    ModuleMetadata,
};

/// What a [`File`] shows and takes. All calls come from the process that reads or writes, may sleep,
/// and those with a `Self` are made one at a time for each open file.
pub(crate) trait Records: Sized + Send + 'static {
    /// What all who open the file share.
    type Data: Send + Sync + 'static;
    /// The module that must stay while the file is open.
    type Module: ModuleMetadata;
    /// Whether the file can be written.
    const WRITABLE: bool;

    /// Somebody opens the file.
    fn open(data: &Arc<Self::Data>) -> Result<Self>;

    /// Moves to the first record. Returns false if there is none.
    fn first(&mut self) -> bool;

    /// Moves to the next record. Returns false if there is none.
    fn next(&mut self) -> bool;

    /// Writes the current record to `page`. May be called again for the same record.
    fn show(&mut self, page: &Page<'_>) -> Result;

    /// Somebody writes. Returns how many bytes were consumed. The position, which is where the next
    /// read begins, stays where it is.
    fn write(_data: &Arc<Self::Data>, _text: &Written<'_>) -> Result<usize> {
        Err(EINVAL)
    }
}

/// Where a record is shown.
pub(crate) struct Page<'a>(&'a SeqFile);

impl Page<'_> {
    /// Appends `text`. What no longer fits is shown again later, in a larger buffer.
    pub(crate) fn put(&self, text: &[u8]) {
        // `SeqFile` is a transparent `Opaque`: what a shared reference to it points to may be changed.
        let seq = core::ptr::from_ref(self.0).cast_mut().cast();
        // SAFETY: `self` is a live `seq_file` in its `show`, and `text` is valid for its length.
        unsafe { bindings::seq_write(seq, text.as_ptr().cast(), text.len()) };
    }
}

/// One open file. A write needs its `data` while somebody else reads by the same descriptor.
struct Opened<T: Records> {
    data: Arc<T::Data>,
    /// Used by the `seq_file` operations alone, under the mutex of the `seq_file`.
    cursor: UnsafeCell<Cursor<T>>,
}

/// Where the reads of an open file stand.
struct Cursor<T> {
    records: T,
    /// The index of the record that `records` stands on, and whether there is one.
    at: Option<(bindings::loff_t, bool)>,
}

impl<T: Records> Cursor<T> {
    /// Moves to the record of that index, in one step if it is the one that was left.
    fn seek(&mut self, index: bindings::loff_t) -> bool {
        match self.at {
            Some((at, there)) if at == index && index != 0 => return there,
            _ => {}
        }
        let mut there = self.records.first();
        for _ in 0..index {
            there = there && self.records.next();
        }
        self.at = Some((index, there));
        there
    }

    fn step(&mut self, index: bindings::loff_t) -> bool {
        let there = self.records.next();
        self.at = Some((index, there));
        there
    }
}

/// A file in debugfs, for root alone, which can be opened once the module is loaded. Dropping it
/// removes the file; those who have it open can still use and close it.
///
/// # Invariants
///
/// `entry` is a file made by `debugfs_create_file_unsafe`, whose inode's `i_private` is `data`, or an
/// error, which `debugfs_remove` takes.
pub(crate) struct File<T: Records> {
    entry: *mut bindings::dentry,
    _data: Arc<T::Data>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: debugfs does its own locking, and the data is `Send + Sync`.
unsafe impl<T: Records> Send for File<T> {}
// SAFETY: As above.
unsafe impl<T: Records> Sync for File<T> {}

impl<T: Records> File<T> {
    const OPERATIONS: bindings::file_operations = bindings::file_operations {
        owner: T::Module::THIS_MODULE.as_ptr(),
        open: Some(Self::open),
        read_iter: Some(bindings::seq_read_iter),
        llseek: Some(bindings::seq_lseek),
        release: Some(Self::release),
        write_iter: if T::WRITABLE { Some(Self::write) } else { None },
        ..pin_init::zeroed()
    };

    const SEQ_OPERATIONS: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// Makes the file in the root of debugfs.
    ///
    /// Its mode is 0400 also where it can be written: a file with a write bit cannot even be read
    /// under lockdown (`debugfs_locked_down()`), and root's `CAP_DAC_OVERRIDE` writes all the same.
    ///
    /// May sleep. Fails with `ENOMEM` or `EEXIST`. As with all of debugfs, that there is none, as the
    /// machine was booted so, is no error.
    pub(crate) fn create(name: &CStr, data: Arc<T::Data>) -> Result<Self> {
        // SAFETY: The operations are static, and fit `data`, which stays alive until the file has
        // been removed. They can do without it afterwards (see above).
        let entry = unsafe {
            bindings::debugfs_create_file_unsafe(
                name.as_char_ptr(),
                0o400,
                core::ptr::null_mut(),
                Arc::as_ptr(&data).cast_mut().cast(),
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

    /// Whether the module has been loaded, so that no load can fail any more.
    fn is_live() -> bool {
        // SAFETY: `THIS_MODULE` is this module, whose code runs. The loader changes its state at any
        // time, hence the volatile read; nothing else is read because of what it says.
        #[cfg(MODULE)]
        return unsafe { addr_of!((*T::Module::THIS_MODULE.as_ptr()).state).read_volatile() }
            == bindings::module_state_MODULE_STATE_LIVE;
        // What is built in is never freed.
        #[cfg(not(MODULE))]
        return true;
    }

    /// # Safety
    ///
    /// To be called by debugfs, for a file made by `create`.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: Called by debugfs with an inode of ours, and `file` being opened.
        let result = unsafe { Self::try_open(inode, file) };
        if result.is_err() {
            // SAFETY: `open_proxy_open()` has taken a reference to the module and made `f_op` our
            // operations, for `do_dentry_open()` to put the one through the other. Now that one puts
            // none, as the owner of these operations is the kernel itself. The module stays until
            // this returns, as debugfs keeps the file from being removed during the call.
            unsafe {
                (*file).f_op = &raw const bindings::generic_ro_fops;
                #[cfg(CONFIG_MODULE_UNLOAD)]
                bindings::module_put(T::Module::THIS_MODULE.as_ptr());
            }
        }
        from_result(|| result.map(|()| 0))
    }

    /// # Safety
    ///
    /// As for `open`.
    unsafe fn try_open(inode: *mut bindings::inode, file: *mut bindings::file) -> Result {
        if !Self::is_live() {
            return Err(ENXIO);
        }
        // SAFETY: By the invariants of `File`, `i_private` is what its `Arc` holds; debugfs keeps the
        // file from being removed during the call.
        let data: Arc<T::Data> =
            unsafe { ArcBorrow::from_raw((*inode).i_private.cast::<T::Data>()) }.into();
        let records = T::open(&data)?;
        let cursor = UnsafeCell::new(Cursor { records, at: None });
        let opened = KBox::new(Opened { data, cursor }, GFP_KERNEL)?;
        // SAFETY: `file` is being opened, and the operations are static.
        to_result(unsafe { bindings::seq_open(file, &Self::SEQ_OPERATIONS) })?;
        // SAFETY: `seq_open` made `private_data` a `seq_file`, whose `private` is ours.
        unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            (*seq).private = KBox::into_raw(opened).cast();
        }
        Ok(())
    }

    /// # Safety
    ///
    /// To be called by the VFS, once, for a file that `open` opened.
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
    /// To be called by the VFS, for a file that `open` opened.
    unsafe extern "C" fn write(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        from_result(|| {
            // SAFETY: The file is open, so that its `seq_file` and the box that `open` left in it
            // are there. Of the box, nobody has an exclusive reference to `data`.
            let data = unsafe {
                let seq = (*(*kiocb).ki_filp).private_data;
                let opened = (*seq.cast::<bindings::seq_file>()).private;
                &*addr_of!((*opened.cast::<Opened<T>>()).data)
            };
            let iter = NonNull::new(iter).ok_or(EINVAL)?;
            // SAFETY: `iter` is the argument of this operation, and stays as it is until `T::write`
            // has returned.
            let written = T::write(data, &unsafe { Written::from_raw(iter) })?;
            // SAFETY: As above. What is left is written later, by io_uring for one.
            unsafe { bindings::iov_iter_advance(iter.as_ptr(), written) };
            Ok(written as isize)
        })
    }

    /// # Safety
    ///
    /// To be called from a `seq_file` operation with its argument; what an earlier call gave is used
    /// no more.
    unsafe fn cursor<'a>(seq: *mut bindings::seq_file) -> &'a mut Cursor<T> {
        // SAFETY: `open` left the box there, and `seq_file` calls under its mutex, so that nobody
        // else has a reference to the cursor.
        unsafe { &mut *(*(*seq).private.cast::<Opened<T>>()).cursor.get() }
    }

    /// # Safety
    ///
    /// To be called by `seq_file`, for a file that `open` opened.
    unsafe extern "C" fn start(
        seq: *mut bindings::seq_file,
        index: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: Called by `seq_file`.
        let there = unsafe { Self::cursor(seq).seek(*index) };
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
            Self::cursor(seq).step(*index)
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
        // SAFETY: Called by `seq_file` under its mutex, which is all of it that others use meanwhile.
        // The cursor is not part of the `seq_file`.
        let (cursor, seq) = unsafe { (Self::cursor(seq), SeqFile::from_raw(seq)) };
        from_result(|| cursor.records.show(&Page(seq)).map(|()| 0))
    }

    /// What `start` and `next` return: anything but null where there is a record.
    fn token(seq: *mut bindings::seq_file, there: bool) -> *mut c_void {
        NonNull::new(seq)
            .filter(|_| there)
            .map_or(core::ptr::null_mut(), |seq| seq.as_ptr().cast())
    }
}

impl<T: Records> Drop for File<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a file of ours, or an error, which is ignored.
        unsafe { bindings::debugfs_remove(self.entry) };
    }
}
