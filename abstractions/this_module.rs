// SPDX-License-Identifier: GPL-2.0

//! The module to which this code belongs.
//!
//! The `kernel` crate gives it to code that knows the module's own type
//! (`ModuleMetadata::THIS_MODULE`), which this layer does not. Linux 7.2 does not give it at all.
//!
//! C headers: [`include/linux/init.h`](srctree/include/linux/init.h),
//! [`include/linux/module.h`](srctree/include/linux/module.h).

use kernel::bindings;

/// `THIS_MODULE` of C: valid while code of the module runs; null if the code is built into the
/// kernel.
#[cfg(MODULE)]
pub(super) const THIS_MODULE: *mut bindings::module =
    (&raw const bindings::__this_module).cast_mut();
#[cfg(not(MODULE))]
pub(super) const THIS_MODULE: *mut bindings::module = core::ptr::null_mut();

/// Returns whether the module has been loaded, so that the load cannot fail any more. May be called
/// from any context.
#[cfg(MODULE)]
pub(super) fn is_live() -> bool {
    // SAFETY: `THIS_MODULE` is valid while code of the module runs. The loader may change the state
    // at any time, so the read is volatile. No other read depends on its order.
    let state = unsafe { (&raw const (*THIS_MODULE).state).read_volatile() };
    state == bindings::module_state_MODULE_STATE_LIVE
}

/// Returns true: code that is built into the kernel is never freed.
#[cfg(not(MODULE))]
pub(super) fn is_live() -> bool {
    true
}
