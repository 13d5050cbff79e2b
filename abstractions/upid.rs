// SPDX-License-Identifier: GPL-2.0

//! A task's PIDs as numbers, which outlive the task and its PID namespaces.
//!
//! The `kernel` crate gives a task's PIDs while the task exists ([`Task::tgid_nr_ns`]). A `struct
//! pid` outlives its task, and keeps the task's PID namespaces alive, each of which counts against
//! `user.max_pid_namespaces`. The numbers here keep nothing alive.
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h),
//! [`include/linux/pid_namespace.h`](srctree/include/linux/pid_namespace.h),
//! [`include/linux/ns/ns_common_types.h`](srctree/include/linux/ns/ns_common_types.h).
//!
//! [`Task::tgid_nr_ns`]: kernel::task::Task::tgid_nr_ns
//!
//! # Examples
//!
//! ```ignore
//! let upids = Upids::new(&pid, GFP_KERNEL)?;
//! drop(pid);
//! match upids.in_namespace(namespace) {
//!     Some(pid) => pr_info!("PID {pid}\n"),
//!     None => pr_info!("not visible\n"),
//! }
//! ```

use super::pid::Pid;
use core::{
    mem::{offset_of, size_of},
    num::NonZeroI32,
    ptr::addr_of,
};
use kernel::{alloc::Flags, bindings, pid_namespace::PidNamespace, prelude::*, sync::Arc};

/// The identity of one task, and its PIDs in all PID namespaces that see it.
pub(crate) struct Upids {
    /// The [identity](Pid::id) of the `struct pid` from which the PIDs were copied.
    id: u64,
    numbers: PidNumbers,
}

/// The PIDs of one task in all PID namespaces that see it. Another task may have had the same ones
/// before, or may have them later.
///
/// A clone allocates nothing.
#[derive(Clone)]
pub(crate) struct PidNumbers {
    /// The PID in the initial namespace. Not 0, so that an `Option` of these numbers takes no more
    /// memory than they do.
    global: NonZeroI32,
    /// The PIDs in the namespaces below the initial one, by level; `None` if there are none.
    deeper: Option<Arc<KVec<Upid>>>,
}

/// The PID in one namespace, like `struct upid` of C.
struct Upid {
    /// The namespace's identity, see [`id_of`].
    namespace_id: u64,
    number: i32,
}

impl Upids {
    /// Copies the PIDs of `pid`. May sleep if `flags` allow it. Fails with `ENOMEM`, which can
    /// happen only for a task in a namespace other than the initial one.
    pub(crate) fn new(pid: &Pid, flags: Flags) -> Result<Self> {
        Ok(Self {
            id: pid.id(),
            numbers: PidNumbers::new(pid, flags)?,
        })
    }

    /// Returns whether these are the PIDs of `pid`'s task, and not of another task that had the
    /// same PIDs before or after it.
    pub(crate) fn is_of(&self, pid: &Pid) -> bool {
        self.id == pid.id()
    }

    /// Returns whether both are the PIDs of one task.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Returns the PID in the initial namespace.
    pub(crate) fn global(&self) -> i32 {
        self.numbers.global.get()
    }

    /// Returns the PID in `namespace`; see [`PidNumbers::in_namespace`].
    pub(crate) fn in_namespace(&self, namespace: &PidNamespace) -> Option<i32> {
        self.numbers.in_namespace(namespace)
    }
}

impl PidNumbers {
    /// Copies the PIDs of `pid`. May sleep if `flags` allow it. Fails with `ENOMEM`, which can
    /// happen only for a task in a namespace other than the initial one.
    pub(crate) fn new(pid: &Pid, flags: Flags) -> Result<Self> {
        let (first, further) = pid.levels().split_first().ok_or(ESRCH)?;
        let mut deeper = None;
        if !further.is_empty() {
            let mut levels = KVec::with_capacity(further.len(), flags)?;
            for upid in further {
                levels.push(
                    Upid {
                        // SAFETY: A `struct pid` keeps the namespaces of its levels alive.
                        namespace_id: unsafe { id_of(upid.ns) },
                        number: upid.nr,
                    },
                    flags,
                )?;
            }
            deeper = Some(Arc::new(levels, flags)?);
        }
        Ok(Self {
            global: NonZeroI32::new(first.nr).ok_or(ESRCH)?,
            deeper,
        })
    }

    /// Returns the PID in `namespace`, like `pid_nr_ns()`; `None` if the namespace does not see the
    /// task.
    pub(crate) fn in_namespace(&self, namespace: &PidNamespace) -> Option<i32> {
        // SAFETY: A `PidNamespace` is a live `struct pid_namespace`, whose level never changes.
        let level = unsafe { (*namespace.as_ptr()).level } as usize;
        let Some(index) = level.checked_sub(1) else {
            return Some(self.global.get());
        };
        let upid = self.deeper.as_ref()?.get(index)?;
        // SAFETY: As above.
        (upid.namespace_id == unsafe { id_of(namespace.as_ptr()) }).then_some(upid.number)
    }
}

/// Returns whether `namespace` is the initial PID namespace, which sees all tasks.
pub(crate) fn is_initial(namespace: &PidNamespace) -> bool {
    core::ptr::eq(namespace.as_ptr(), &raw const bindings::init_pid_ns)
}

/// The offset of the anonymous member `struct ns_tree` in `struct ns_common`. bindgen leaves a gap
/// in place of that member: after `inum`, and aligned for the 64-bit members of `struct ns_tree`.
/// In Linux 7.2 it is in an anonymous union with `ns_rcu`, at the same offset.
const NS_TREE: usize =
    (offset_of!(bindings::ns_common, inum) + size_of::<u32>()).next_multiple_of(align_of::<u64>());

/// Returns the identity of a namespace, which no other namespace gets until the next boot.
///
/// # Safety
///
/// `namespace` points to a live namespace, and [`has_namespace_ids`] has returned true.
unsafe fn id_of(namespace: *const bindings::pid_namespace) -> u64 {
    // SAFETY: By the safety requirement. The kernel sets the identity before the namespace can be
    // found, and does not change it. In Linux 7.2 it shares its memory with `ns_rcu`, which PID
    // namespaces do not use.
    unsafe {
        let tree = addr_of!((*namespace).ns).cast::<u8>().add(NS_TREE);
        (*tree.cast::<bindings::ns_tree>()).ns_id
    }
}

/// Returns whether the identity of a namespace is where [`id_of`] reads it: the identity of the
/// initial PID namespace is a constant. May be called from any context.
pub(super) fn has_namespace_ids() -> bool {
    // SAFETY: The initial namespace is static. Even if the identity is elsewhere, `id_of` reads
    // within the structure, because more members follow `inum`.
    let id = unsafe { id_of(&raw const bindings::init_pid_ns) };
    id == u64::from(bindings::init_ns_id_PID_NS_INIT_ID)
}
