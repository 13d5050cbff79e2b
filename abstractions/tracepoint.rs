// SPDX-License-Identifier: GPL-2.0

//! Probes for `sched_process_fork` and `sched_process_exit`, the scheduler's tracepoints for forks
//! and exits.
//!
//! The `kernel` crate can call a tracepoint (`declare_trace!`), but cannot register a probe for
//! one.
//!
//! C headers: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h),
//! [`include/trace/events/sched.h`](srctree/include/trace/events/sched.h).
//!
//! # Examples
//!
//! ```ignore
//! struct Counter(Atomic<u64>);
//!
//! impl ForkHandler for Counter {
//!     fn forked(&self, _parent: &Task, _child: &Task) {
//!         self.0.fetch_add(1, Relaxed);
//!     }
//! }
//!
//! let probe = ForkProbe::register(Arc::new(Counter(Atomic::new(0)), GFP_KERNEL)?)?;
//! ```

#![cfg_attr(not(CONFIG_TRACEPOINTS), allow(dead_code, unused_imports))]

use super::compat;
use core::ptr::NonNull;
use kernel::{bindings, error::to_result, prelude::*, str::CStr, sync::Arc, task::Task};

/// What a [`ForkProbe`] calls.
///
/// `'static`, because the kernel continues to call a probe that is leaked.
pub(crate) trait ForkHandler: Send + Sync + 'static {
    /// Called for each fork on the machine, in the task that forks, which is `parent`. `child` is
    /// the new process or thread, which has not run yet.
    ///
    /// Must not sleep.
    fn forked(&self, parent: &Task, child: &Task);
}

/// A registered probe for forks. Dropping it waits until no call is in progress; it may sleep.
///
/// # Invariants
///
/// The probe refers to the content of `_handler`, and not to this value, which may be moved.
/// `_handler` is dropped after the probe, because its field comes later, and never if this value is
/// leaked.
pub(crate) struct ForkProbe<T: ForkHandler> {
    _probe: Probe,
    _handler: Arc<T>,
}

impl<T: ForkHandler> ForkProbe<T> {
    /// Registers a probe that calls `handler` from now on.
    ///
    /// May sleep. Fails with `EOPNOTSUPP` in a kernel without tracepoints, or with `ENOMEM`.
    pub(crate) fn register(handler: Arc<T>) -> Result<Self> {
        let data = Arc::as_ptr(&handler).cast_mut().cast();
        let fork: unsafe extern "C" fn(
            *mut c_void,
            *mut bindings::task_struct,
            *mut bindings::task_struct,
        ) = Self::fork;
        // SAFETY: `fork` has the arguments of this tracepoint. By the type invariant `data` stays
        // alive until the probe has been dropped.
        unsafe {
            Ok(Self {
                _probe: Probe::register(c"sched_process_fork", fork as *mut c_void, data)?,
                _handler: handler,
            })
        }
    }

    /// # Safety
    ///
    /// Only for the tracepoint `sched_process_fork` to call, with the data that
    /// [`register`](Self::register) passed.
    unsafe extern "C" fn fork(
        data: *mut c_void,
        parent: *mut bindings::task_struct,
        child: *mut bindings::task_struct,
    ) {
        // CAST: `Task` is a transparent wrapper of `task_struct`.
        // SAFETY: By the invariants of `ForkProbe`, `data` points to a live `T`. The parent is the
        // current task, and the child cannot end before it has run.
        let (handler, parent, child) = unsafe {
            (
                &*data.cast::<T>(),
                &*parent.cast::<Task>(),
                &*child.cast::<Task>(),
            )
        };
        handler.forked(parent, child);
    }
}

/// What an [`ExitProbe`] calls.
///
/// `'static`, because the kernel continues to call a probe that is leaked.
pub(crate) trait ExitHandler: Send + Sync + 'static {
    /// Called for each exit of a thread on the machine, in that thread, which is `thread`. It is
    /// not a zombie yet, and its children have not been reparented. `is_last`: all other threads of
    /// its process have come to this point before.
    ///
    /// Must not sleep.
    fn exits(&self, thread: &Task, is_last: bool);
}

/// A registered probe for exits. Dropping it waits until no call is in progress; it may sleep.
///
/// # Invariants
///
/// As for [`ForkProbe`].
pub(crate) struct ExitProbe<T: ExitHandler> {
    _probe: Probe,
    _handler: Arc<T>,
}

impl<T: ExitHandler> ExitProbe<T> {
    /// Registers a probe that calls `handler` from now on.
    ///
    /// May sleep. Fails like [`ForkProbe::register`].
    pub(crate) fn register(handler: Arc<T>) -> Result<Self> {
        let data = Arc::as_ptr(&handler).cast_mut().cast();
        let exit: unsafe extern "C" fn(*mut c_void, *mut bindings::task_struct, bool) = Self::exit;
        // SAFETY: `exit` has the arguments of this tracepoint. By the type invariant `data` stays
        // alive until the probe has been dropped.
        unsafe {
            Ok(Self {
                _probe: Probe::register(c"sched_process_exit", exit as *mut c_void, data)?,
                _handler: handler,
            })
        }
    }

    /// # Safety
    ///
    /// Only for the tracepoint `sched_process_exit` to call, with the data that
    /// [`register`](Self::register) passed.
    unsafe extern "C" fn exit(
        data: *mut c_void,
        thread: *mut bindings::task_struct,
        is_last: bool,
    ) {
        // CAST: `Task` is a transparent wrapper of `task_struct`.
        // SAFETY: By the invariants of `ExitProbe`, `data` points to a live `T`. The thread is the
        // current task.
        let (handler, thread) = unsafe { (&*data.cast::<T>(), &*thread.cast::<Task>()) };
        handler.exits(thread, is_last);
    }
}

/// A registered probe for any tracepoint.
///
/// # Invariants
///
/// `function` and `data` are registered with `point`, which is part of the kernel and not of a
/// module.
struct Probe {
    point: NonNull<bindings::tracepoint>,
    function: *mut c_void,
    data: *mut c_void,
}

// SAFETY: A probe may be unregistered in any thread. Rust code does not dereference the pointers.
unsafe impl Send for Probe {}
// SAFETY: As above; a `&Probe` gives access to nothing.
unsafe impl Sync for Probe {}

#[cfg(CONFIG_TRACEPOINTS)]
impl Probe {
    /// Registers a probe for the tracepoint `name`. May sleep. Fails with `EOPNOTSUPP` if the
    /// kernel has no such tracepoint, or with `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `function` is a C function that takes `data` and the arguments of the tracepoint. `data`
    /// stays valid for it until the probe has been dropped.
    unsafe fn register(name: &CStr, function: *mut c_void, data: *mut c_void) -> Result<Self> {
        let mut search = (name, None);
        // SAFETY: `find` gets a pointer to `search`, which is valid during the call, and uses it in
        // this call only.
        unsafe { bindings::for_each_kernel_tracepoint(Some(find), (&raw mut search).cast()) };
        let point: NonNull<bindings::tracepoint> = search.1.ok_or_else(compat::not_supported)?;
        // SAFETY: `for_each_kernel_tracepoint()` finds tracepoints of the kernel itself, which are
        // never freed. The rest is the caller's promise.
        to_result(unsafe { bindings::tracepoint_probe_register(point.as_ptr(), function, data) })?;
        // INVARIANT: The probe was registered above.
        Ok(Self {
            point,
            function,
            data,
        })
    }
}

/// Stores `point` in `search` if it has the name that is searched for.
///
/// # Safety
///
/// `point` is valid, and `search` points to a tuple of the type that [`Probe::register`] passes.
#[cfg(CONFIG_TRACEPOINTS)]
unsafe extern "C" fn find(point: *mut bindings::tracepoint, search: *mut c_void) {
    // SAFETY: By the safety requirement. The name of a tracepoint is a string that ends with a
    // zero.
    unsafe {
        let (name, found) = &mut *search.cast::<(&CStr, Option<NonNull<bindings::tracepoint>>)>();
        if CStr::from_char_ptr((*point).name) == *name {
            *found = NonNull::new(point);
        }
    }
}

#[cfg(CONFIG_TRACEPOINTS)]
impl Drop for Probe {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the probe is registered. The call cannot leave it
        // registered: if there is no memory for the new list of probes, `func_remove()` replaces
        // the function by a stub.
        unsafe {
            bindings::tracepoint_probe_unregister(self.point.as_ptr(), self.function, self.data)
        };
        // SAFETY: `tracepoint_srcu` is a static of the kernel. Tracepoints that do not fault call
        // their functions in its read-side critical sections, so that no call is in progress
        // afterwards. `tracepoint_synchronize_unregister()` of C waits for the same. The call
        // sleeps, and so may `drop`.
        unsafe { bindings::synchronize_srcu(&raw mut bindings::tracepoint_srcu) };
    }
}

#[cfg(not(CONFIG_TRACEPOINTS))]
impl Probe {
    /// Fails with `EOPNOTSUPP`.
    ///
    /// # Safety
    ///
    /// None: the arguments are not used.
    unsafe fn register(_name: &CStr, _function: *mut c_void, _data: *mut c_void) -> Result<Self> {
        Err(compat::not_supported())
    }
}
