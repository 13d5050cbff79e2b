// SPDX-License-Identifier: GPL-2.0

//! The PIDs of a task as plain numbers, which outlive the task and its PID namespaces.
//!
//! A `struct pid` keeps the namespaces of its task alive, and each of them counts against
//! `user.max_pid_namespaces`. These numbers keep nothing alive.
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h),
//! [`include/linux/pid_namespace.h`](srctree/include/linux/pid_namespace.h),
//! [`include/linux/ns/ns_common_types.h`](srctree/include/linux/ns/ns_common_types.h).

use super::pid::Pid;
use core::{
    mem::{offset_of, size_of},
    ptr::addr_of,
};
use kernel::{alloc::Flags, bindings, pid_namespace::PidNamespace, prelude::*};

/// The PIDs of one task in all namespaces that see it.
pub(crate) struct Numbers {
    /// The identity of the `struct pid` that they are from.
    id: u64,
    /// The PID in the initial namespace.
    global: i32,
    /// The PID in the namespace of each further level, and that namespace; none where there is no
    /// further level.
    deeper: Option<KBox<KVec<Level>>>,
}

/// A PID in one namespace.
struct Level {
    namespace_id: u64,
    number: i32,
}

impl Numbers {
    /// Copies the numbers of `pid`. May sleep if `flags` allow it. Fails with `ENOMEM`, which is
    /// possible only for a task in a namespace other than the initial one.
    pub(crate) fn new(pid: &Pid, flags: Flags) -> Result<Self> {
        let (first, further) = pid.levels().split_first().ok_or(ESRCH)?;
        let mut deeper = None;
        if !further.is_empty() {
            let mut levels = KVec::with_capacity(further.len(), flags)?;
            for upid in further {
                levels.push(
                    Level {
                        // SAFETY: The `struct pid` keeps its namespaces alive.
                        namespace_id: unsafe { id_of(upid.ns) },
                        number: upid.nr,
                    },
                    flags,
                )?;
            }
            deeper = Some(KBox::new(levels, flags)?);
        }
        Ok(Self {
            id: pid.id(),
            global: first.nr,
            deeper,
        })
    }

    /// Whether these are the numbers of `pid`, and not of another task that had them before or after.
    pub(crate) fn is_of(&self, pid: &Pid) -> bool {
        self.id == pid.id()
    }

    /// Whether both are the numbers of one task.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The PID in the initial namespace.
    pub(crate) fn global(&self) -> i32 {
        self.global
    }

    /// The PID in `namespace`, as `pid_nr_ns()`; `None` if the task is not seen from there.
    pub(crate) fn in_namespace(&self, namespace: &PidNamespace) -> Option<i32> {
        // SAFETY: The namespace is live; its level never changes.
        let level = unsafe { (*namespace.as_ptr()).level } as usize;
        let Some(index) = level.checked_sub(1) else {
            return Some(self.global);
        };
        let level = self.deeper.as_ref()?.get(index)?;
        // SAFETY: The namespace is live.
        (level.namespace_id == unsafe { id_of(namespace.as_ptr()) }).then_some(level.number)
    }
}

/// Whether `namespace` is the initial one, which sees all tasks.
pub(crate) fn is_initial(namespace: &PidNamespace) -> bool {
    core::ptr::eq(namespace.as_ptr(), &raw const bindings::init_pid_ns)
}

/// Where `struct ns_common` has its `struct ns_tree`, which is a part without a name: bindgen leaves
/// a gap there. It comes right after `inum`, aligned for its 64-bit members.
const NS_TREE: usize =
    (offset_of!(bindings::ns_common, inum) + size_of::<u32>()).next_multiple_of(align_of::<u64>());

/// The identity of a namespace, which no other one ever gets until the machine is booted again.
///
/// # Safety
///
/// `namespace` is valid.
unsafe fn id_of(namespace: *const bindings::pid_namespace) -> u64 {
    // SAFETY: By the safety requirement. The id is set before anybody can find the namespace, and
    // nobody changes it. `check` has looked whether it is there.
    unsafe {
        let tree = addr_of!((*namespace).ns).cast::<u8>().add(NS_TREE);
        (*tree.cast::<bindings::ns_tree>()).ns_id
    }
}

/// Whether the identity of a namespace is where [`id_of`] reads it: the initial PID namespace has a
/// fixed one. May be called from any context.
pub(super) fn has_namespace_ids() -> bool {
    // SAFETY: The initial namespace is there for ever.
    let id = unsafe { id_of(&raw const bindings::init_pid_ns) };
    id == u64::from(bindings::init_ns_id_PID_NS_INIT_ID)
}
