// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs that are read record by record ([`Records`]), and that can be written.
//!
//! A file of `kernel::debugfs` shows one value, which is formatted as a whole into one buffer, and
//! does not keep the module loaded while it is open.
//!
//! # Why no open file outlives the module
//!
//! debugfs takes a reference to the module for each open file, so that the module cannot be
//! unloaded. But a load that fails frees the module in spite of references (`do_init_module()`,
//! `fail:`), and a file can be opened as soon as it has been created. Two things prevent a use of
//! freed code:
//!
//! - [`File::open`] fails until the module's state is `MODULE_STATE_LIVE`, which the loader sets
//!   when the load cannot fail any more. So no file is open when a load fails.
//! - A call of [`File::open`] that fails may be in progress when a load fails. It uses the module's
//!   code, its file operations, and a reference to it. `debugfs_remove()`, which the drop of a
//!   [`File`] calls, waits for that call, because debugfs makes it between `debugfs_file_get()` and
//!   `debugfs_file_put()`. But after that, `do_dentry_open()` would still drop the reference,
//!   through the file operations. So `open` drops the reference itself if it fails, and replaces
//!   the file's operations by operations of the kernel.
//!
//! The files are created by `debugfs_create_file_unsafe()`. The proxy operations of
//! `debugfs_create_file()` have no `write_iter`, so that one `writev()` would become several
//! writes. Without the proxy, the operations of an open file can run after the file has been
//! removed. They do not use what the [`File`] owns: each open file has its own reference to the
//! data.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h).
//!
//! # Examples
//!
//! ```ignore
//! // `Lines` is the example of seq_file.rs.
//! impl FileOperations for Lines {
//!     type Data = KVec<&'static str>;
//!     type Shared = ();
//!     const WRITABLE: bool = false;
//!
//!     fn open(text: &Arc<Self::Data>) -> Result<(Self, ())> {
//!         Ok((Self { text: text.clone(), line: 0 }, ()))
//!     }
//! }
//!
//! let file = debugfs_file::File::<Lines>::create(c"lines", text)?;
//! ```

use super::{
    seq_file::{Records, SeqFileOf},
    this_module::{self, THIS_MODULE},
    write_data::WriteData,
};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    error::{from_err_ptr, from_result},
    prelude::*,
    str::CStr,
    sync::{Arc, ArcBorrow},
};

/// What opening and writing a [`File`] do. A value of the type iterates over the records for one
/// open file.
///
/// All methods are called in the task that opens or writes, and may sleep.
pub(crate) trait FileOperations: Records {
    /// What all open files share.
    type Data: Send + Sync + 'static;
    /// What the writes to one open file share. It is dropped when the file is closed.
    type Shared: Send + Sync + 'static;
    /// Whether the file can be written.
    const WRITABLE: bool;

    /// Opens the file. Returns the iterator for the reads, and what the writes share.
    fn open(data: &Arc<Self::Data>) -> Result<(Self, Self::Shared)>;

    /// Takes the bytes of one write. Returns how many were consumed. The file's position does not
    /// change, so that the next read continues where the last one ended.
    ///
    /// May be called while other tasks read from the same open file or write to it.
    fn write(_shared: &Self::Shared, _bytes: &WriteData<'_>) -> Result<usize> {
        Err(EINVAL)
    }
}

/// A file in debugfs with mode 0400, which can be opened once the module has been loaded.
///
/// Dropping this removes the file; it may sleep. Tasks that have the file open can still use and
/// close it.
///
/// # Invariants
///
/// `entry` is a file created by `debugfs_create_file_unsafe()`, whose inode's `i_private` points to
/// the content of `_data`; or an error, which `debugfs_remove()` ignores.
pub(crate) struct File<T: FileOperations> {
    entry: *mut bindings::dentry,
    _data: Arc<T::Data>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: A file may be removed in any thread, and the data is `Send + Sync`.
unsafe impl<T: FileOperations> Send for File<T> {}
// SAFETY: As above; a `&File` gives access to nothing.
unsafe impl<T: FileOperations> Sync for File<T> {}

/// The `seq_file` of an open file.
type Opened<T> = SeqFileOf<T, <T as FileOperations>::Shared>;

impl<T: FileOperations> File<T> {
    const OPERATIONS: bindings::file_operations = bindings::file_operations {
        owner: THIS_MODULE,
        open: Some(Self::open),
        read_iter: Some(bindings::seq_read_iter),
        llseek: Some(bindings::seq_lseek),
        release: Some(Self::release),
        write_iter: if T::WRITABLE { Some(Self::write) } else { None },
        ..pin_init::zeroed()
    };

    /// Creates the file in the root of debugfs.
    ///
    /// Its mode is 0400 even if it can be written: under lockdown, a file with a write bit cannot
    /// even be read (`debugfs_locked_down()`), and root can write without that bit
    /// (`CAP_DAC_OVERRIDE`).
    ///
    /// May sleep. Fails with `ENOMEM` or `EEXIST`. If the kernel has no debugfs, or debugfs was
    /// disabled at boot, this succeeds without a file, as is usual with debugfs.
    pub(crate) fn create(name: &CStr, data: Arc<T::Data>) -> Result<Self> {
        // SAFETY: The operations are static and fit the type of `data`. `open` uses the content of
        // `data` only during `debugfs_remove()` or before it, and `File` keeps it alive until then.
        // The other operations do not need the file to exist (see the head of this file).
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
            // INVARIANT: `entry` was created above, or is one of these two errors.
            _ => Ok(Self {
                entry,
                _data: data,
                _type: PhantomData,
            }),
        }
    }

    /// # Safety
    ///
    /// Only for debugfs to call, for a file created by [`create`](Self::create).
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the safety requirement; `file` is being opened.
        let result = unsafe { Self::try_open(inode, file) };
        if result.is_err() {
            // SAFETY: `open_proxy_open()` has taken a reference to the module, and has set `f_op`
            // to our operations, through which `do_dentry_open()` would drop the reference.
            // `generic_ro_fops` has no owner, so that it drops none. The module stays until this
            // returns, because debugfs does not remove the file during the call.
            unsafe {
                (*file).f_op = &raw const bindings::generic_ro_fops;
                #[cfg(CONFIG_MODULE_UNLOAD)]
                bindings::module_put(THIS_MODULE);
            }
        }
        from_result(|| result.map(|()| 0))
    }

    /// # Safety
    ///
    /// As for [`open`](Self::open).
    unsafe fn try_open(inode: *mut bindings::inode, file: *mut bindings::file) -> Result {
        if !this_module::is_live() {
            return Err(ENXIO);
        }
        // SAFETY: By the invariants of `File`, `i_private` points to the content of an `Arc`. That
        // is alive, because debugfs does not remove the file during the call.
        let data = unsafe { ArcBorrow::from_raw((*inode).i_private.cast::<T::Data>()) };
        let data: Arc<T::Data> = data.into();
        let (records, shared) = T::open(&data)?;
        // SAFETY: `file` is being opened, and its operations are `OPERATIONS`.
        unsafe { Opened::<T>::open(file, records, shared) }
    }

    /// # Safety
    ///
    /// Only for the VFS to call, once, for a file that [`open`](Self::open) has opened.
    unsafe extern "C" fn release(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the safety requirement; the VFS does not use the file afterwards.
        unsafe { Opened::<T>::release(inode, file) }
    }

    /// # Safety
    ///
    /// Only for the VFS to call, for a file that [`open`](Self::open) has opened.
    unsafe extern "C" fn write(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        from_result(|| {
            // SAFETY: By the safety requirement the file is open, and the VFS does not close it
            // during a write.
            let shared = unsafe { Opened::<T>::shared((*kiocb).ki_filp) };
            let iter = NonNull::new(iter).ok_or(EINVAL)?;
            // SAFETY: `iter` is the argument of this operation, and does not change until
            // `T::write` has returned.
            let consumed = T::write(shared, &unsafe { WriteData::from_raw(iter) })?;
            // SAFETY: As above. The caller, io_uring for example, writes later what is left.
            unsafe { bindings::iov_iter_advance(iter.as_ptr(), consumed) };
            Ok(consumed as isize)
        })
    }
}

impl<T: FileOperations> Drop for File<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant `entry` is a file, or an error, which is ignored.
        unsafe { bindings::debugfs_remove(self.entry) };
    }
}
