// SPDX-License-Identifier: GPL-2.0

//! What the current task may do.
//!
//! C header: [`include/linux/capability.h`](srctree/include/linux/capability.h).

use kernel::{bindings, prelude::*};

/// Fails with `EPERM` unless the current task administers the machine (`CAP_SYS_ADMIN` in the initial
/// user namespace). A file's mode does not tell: who is root in another user namespace may own it.
pub(crate) fn require_admin() -> Result {
    // SAFETY: May be called in any task.
    if unsafe { bindings::capable(bindings::CAP_SYS_ADMIN as c_int) } {
        Ok(())
    } else {
        Err(EPERM)
    }
}

/// Whether the current task may load modules (`CAP_SYS_MODULE` in the initial user namespace). That it
/// may not is no event for the audit log.
pub(crate) fn may_load_modules() -> bool {
    // SAFETY: May be called in any task.
    unsafe { bindings::capable_noaudit(bindings::CAP_SYS_MODULE as c_int) }
}
