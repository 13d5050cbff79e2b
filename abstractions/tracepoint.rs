// SPDX-License-Identifier: GPL-2.0

//! A probe on the scheduler's tracepoint for forks.
//!
//! C headers: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h),
//! [`include/trace/events/sched.h`](srctree/include/trace/events/sched.h).

#![cfg_attr(not(CONFIG_TRACEPOINTS), allow(dead_code, unused_imports))]

use core::ptr::NonNull;
use kernel::{bindings, error::to_result, prelude::*, str::CStr, sync::Arc, task::Task};

/// What a fork probe calls.
///
/// Called in the task that forks, for each fork of the machine: to be quick, and never to sleep.
pub(crate) trait Watch: Send + Sync + 'static {
    /// `parent`, the current task, has made `child`, a process or a thread, which has not run yet.
    fn forked(&self, parent: &Task, child: &Task);
}

/// Being told. Dropping it waits until no call is under way.
///
/// # Invariants
///
/// The probes refer to what `_watch` holds, and not to this value, which may be moved. `_watch` is let go
/// of after both probes, as the fields stand in this order, and never where this is leaked.
pub(crate) struct Probes<T: Watch> {
    _fork: Probe,
    _watch: Arc<T>,
}

impl<T: Watch> Probes<T> {
    /// Has `watch` told from now on.
    ///
    /// May sleep. Fails with `EOPNOTSUPP` in a kernel without tracepoints, `ENOMEM`.
    pub(crate) fn register(watch: Arc<T>) -> Result<Self> {
        let data = Arc::as_ptr(&watch).cast_mut().cast();
        let fork: unsafe extern "C" fn(
            *mut c_void,
            *mut bindings::task_struct,
            *mut bindings::task_struct,
        ) = Self::fork;
        // SAFETY: The function has the arguments of this tracepoint, and `data` stays alive until the
        // probe has been dropped, as that comes first.
        unsafe {
            Ok(Self {
                _fork: Probe::register(c"sched_process_fork", fork as *mut c_void, data)?,
                _watch: watch,
            })
        }
    }

    /// # Safety
    ///
    /// To be called as a probe of `sched_process_fork`, with the data of `register`.
    unsafe extern "C" fn fork(
        data: *mut c_void,
        parent: *mut bindings::task_struct,
        child: *mut bindings::task_struct,
    ) {
        // SAFETY: `data` is a live `T`, the parent is the current task, and the child cannot end
        // before it has run.
        let (watch, parent, child) = unsafe {
            (
                &*data.cast::<T>(),
                &*parent.cast::<Task>(),
                &*child.cast::<Task>(),
            )
        };
        watch.forked(parent, child);
    }
}

/// One registered probe.
///
/// # Invariants
///
/// `function` and `data` are registered with `point`, which is part of the kernel and never goes.
struct Probe {
    point: NonNull<bindings::tracepoint>,
    function: *mut c_void,
    data: *mut c_void,
}

// SAFETY: Probes may be unregistered from any thread; the pointers are not followed.
unsafe impl Send for Probe {}
// SAFETY: As above.
unsafe impl Sync for Probe {}

#[cfg(CONFIG_TRACEPOINTS)]
impl Probe {
    /// # Safety
    ///
    /// `function` takes what the tracepoint passes, and `data` outlives the probe.
    unsafe fn register(name: &CStr, function: *mut c_void, data: *mut c_void) -> Result<Self> {
        let mut search = (name, None);
        // SAFETY: `find` gets a valid `search`, during the call only.
        unsafe { bindings::for_each_kernel_tracepoint(Some(find), (&raw mut search).cast()) };
        let point: NonNull<bindings::tracepoint> = search.1.ok_or(EOPNOTSUPP)?;
        // SAFETY: The tracepoint is part of the kernel; the rest is as the caller promises.
        to_result(unsafe { bindings::tracepoint_probe_register(point.as_ptr(), function, data) })?;
        // INVARIANT: As just registered.
        Ok(Self {
            point,
            function,
            data,
        })
    }
}

/// Looks at one tracepoint.
///
/// # Safety
///
/// `point` is valid, and `search` what [`Probe::register`] looks for.
#[cfg(CONFIG_TRACEPOINTS)]
unsafe extern "C" fn find(point: *mut bindings::tracepoint, search: *mut c_void) {
    // SAFETY: By the safety requirements. The names of tracepoints are strings.
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
        // SAFETY: By the type invariant. Where memory for the new list of probes is wanting,
        // `func_remove()` puts a stub in the place of the function. Once the readers of `tracepoint_srcu` are done, as
        // `tracepoint_synchronize_unregister()` has it for tracepoints that do not fault, nobody is
        // in the function any more.
        unsafe {
            bindings::tracepoint_probe_unregister(self.point.as_ptr(), self.function, self.data);
            bindings::synchronize_srcu(&raw mut bindings::tracepoint_srcu);
            bindings::synchronize_rcu();
        }
    }
}

#[cfg(not(CONFIG_TRACEPOINTS))]
impl Probe {
    /// # Safety
    ///
    /// None, as it always fails.
    unsafe fn register(_name: &CStr, _function: *mut c_void, _data: *mut c_void) -> Result<Self> {
        Err(EOPNOTSUPP)
    }
}
