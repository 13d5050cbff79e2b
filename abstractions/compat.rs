// SPDX-License-Identifier: GPL-2.0

//! The differences between Linux 7.2 and 7.3, and nothing else.
//!
//! Kbuild sets `linux_7_2` in a build for Linux 7.2. Every later kernel gets what 7.3 gets. This
//! file and the `cfg` can go when 7.3 is the oldest supported kernel: each item names what replaces
//! it.

use kernel::{bindings, error::Error, prelude::*, task::Task};

/// The function of a [`kobj_attribute`](bindings::kobj_attribute) that shows its file.
type Show = unsafe extern "C" fn(
    *mut bindings::kobject,
    *mut bindings::kobj_attribute,
    *mut c_char,
) -> isize;

/// The function of a [`kobj_attribute`](bindings::kobj_attribute) that takes what is written to its
/// file.
type Store = unsafe extern "C" fn(
    *mut bindings::kobject,
    *mut bindings::kobj_attribute,
    *const c_char,
    usize,
) -> isize;

/// Sets the functions of `attribute`.
///
/// Linux 7.2 has no anonymous members around them: when 7.3 is the oldest supported kernel, assign
/// those in sysfs.rs.
pub(super) fn set_functions(attribute: &mut bindings::kobj_attribute, show: Show, store: Store) {
    #[cfg(linux_7_2)]
    {
        attribute.show = Some(show);
        attribute.store = Some(store);
    }
    #[cfg(not(linux_7_2))]
    {
        attribute.__bindgen_anon_1.show = Some(show);
        attribute.__bindgen_anon_2.store = Some(store);
    }
}

/// Runs `f` with `lock` held and interrupts off. With `PREEMPT_RT` interrupts stay on, as with
/// `spin_lock_irq()` of C.
///
/// Linux 7.2 lacks `spin_lock_irq_disable()` and `spin_unlock_irq_enable()`: when 7.3 is the oldest
/// supported kernel, call them in seqlock.rs.
///
/// # Safety
///
/// `lock` is valid. The caller holds neither it nor a lock that is taken with it held.
pub(super) unsafe fn with_lock_irq<R>(lock: *mut bindings::spinlock_t, f: impl FnOnce() -> R) -> R {
    // CAST: Without `PREEMPT_RT` a `spinlock_t` begins with a `raw_spinlock_t`.
    // SAFETY: By the safety requirement.
    unsafe {
        #[cfg(not(linux_7_2))]
        bindings::spin_lock_irq_disable(lock);
        #[cfg(all(linux_7_2, CONFIG_PREEMPT_RT))]
        bindings::spin_lock(lock);
        #[cfg(all(linux_7_2, not(CONFIG_PREEMPT_RT)))]
        let flags = bindings::_raw_spin_lock_irqsave(lock.cast());

        let value = f();

        #[cfg(not(linux_7_2))]
        bindings::spin_unlock_irq_enable(lock);
        #[cfg(all(linux_7_2, CONFIG_PREEMPT_RT))]
        bindings::spin_unlock(lock);
        #[cfg(all(linux_7_2, not(CONFIG_PREEMPT_RT)))]
        bindings::_raw_spin_unlock_irqrestore(lock.cast(), flags);
        value
    }
}

/// Orders the reads before it before the reads after it, by a call of a C helper.
///
/// Linux 7.2 lacks [`smp_mb(Read)`](kernel::sync::barrier): when 7.3 is the oldest supported
/// kernel, call that in barrier.rs.
#[inline(always)]
pub(super) fn read_barrier() {
    #[cfg(linux_7_2)]
    kernel::sync::barrier::smp_rmb();
    #[cfg(not(linux_7_2))]
    kernel::sync::barrier::smp_mb(kernel::sync::barrier::Read);
}

/// Waits until all RCU read-side critical sections that have begun have ended. All CPUs have
/// executed a full memory barrier in between. May sleep.
///
/// Linux 7.2 lacks [`rcu::synchronize_rcu()`](kernel::sync::rcu): when 7.3 is the oldest supported
/// kernel, call that.
pub(crate) fn synchronize_rcu() {
    #[cfg(linux_7_2)]
    // SAFETY: May be called in any context that may sleep.
    unsafe {
        bindings::synchronize_rcu()
    };
    #[cfg(not(linux_7_2))]
    kernel::sync::rcu::synchronize_rcu();
}

/// Returns the error `EOPNOTSUPP`.
///
/// Linux 7.2 lacks the constant [`EOPNOTSUPP`](kernel::error::code): when 7.3 is the oldest
/// supported kernel, use that.
pub(super) fn not_supported() -> Error {
    Error::from_errno(-(bindings::EOPNOTSUPP as c_int))
}

/// Returns the PID of the process of `task` in the initial namespace.
///
/// Linux 7.2 lacks `Task::tgid()`: when 7.3 is the oldest supported kernel, call that.
#[inline(always)]
pub(crate) fn tgid(task: &Task) -> i32 {
    // SAFETY: A `&Task` is a live `task_struct`, whose `tgid` does not change once it can be found.
    unsafe { (*task.as_ptr()).tgid }
}
