// SPDX-License-Identifier: GPL-2.0

//! The capabilities of the current task.
//!
//! The `kernel` crate's `Credential` has user and security IDs, and no capabilities.
//!
//! C header: [`include/linux/capability.h`](srctree/include/linux/capability.h).
//!
//! # Examples
//!
//! ```ignore
//! fn open(file: &File) -> Result<Opened> {
//!     capability::require_admin()?;
//!     Opened::new(file)
//! }
//! ```

use kernel::{bindings, prelude::*};

/// Fails with `EPERM` unless the current task has `CAP_SYS_ADMIN` in the initial user namespace.
///
/// The mode of a file is not enough: a process with the user ID of the file's owner can have its
/// capabilities in another user namespace only. May be called in process context.
pub(crate) fn require_admin() -> Result {
    // SAFETY: `CAP_SYS_ADMIN` is a valid capability, and `capable()` reads the current task only.
    if unsafe { bindings::capable(bindings::CAP_SYS_ADMIN as c_int) } {
        Ok(())
    } else {
        Err(EPERM)
    }
}

/// Returns whether the current task has `CAP_SYS_MODULE` in the initial user namespace. The audit
/// log gets no record of the check. May be called in process context.
pub(crate) fn may_load_modules() -> bool {
    // SAFETY: As above, with `CAP_SYS_MODULE`. The namespace is a static of the kernel.
    unsafe {
        bindings::ns_capable_noaudit(
            &raw mut bindings::init_user_ns,
            bindings::CAP_SYS_MODULE as c_int,
        )
    }
}
