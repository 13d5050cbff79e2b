// SPDX-License-Identifier: GPL-2.0

//! The identity of a task, which stays known after its end. A target keeps it as numbers and bytes,
//! so no object of the kernel is kept alive for it.

use crate::abstractions::{
    exit_notice::Zombie,
    pid::Pid,
    process_tree,
    task_identity::{self, Name, NAME_LEN},
    upid::{PidNumbers, Upids},
};
use kernel::{alloc::Flags, prelude::*, task::Task};

/// What does not change for as long as a task is watched.
pub(crate) struct Identity {
    /// The task's own PIDs.
    pub(super) pids: Upids,
    /// The PIDs of the process that was the parent when the task was added.
    parent: Option<PidNumbers>,
    /// When the task began, microseconds since boot.
    started_us: u64,
}

impl Identity {
    /// The identity of `task`, which was found by `pid`. May sleep if `flags` allow it. Fails with
    /// `ENOMEM`, which can happen only for tasks in a PID namespace other than the initial one.
    pub(super) fn of(task: &Task, pid: &Pid, flags: Flags) -> Result<Self> {
        let parent = process_tree::parent_pid(task);
        let parent = parent.map(|parent| PidNumbers::new(&parent, flags));
        Ok(Self {
            pids: Upids::new(pid, flags)?,
            parent: parent.transpose()?,
            started_us: task_identity::started_us(task),
        })
    }

    /// Returns the PIDs of the parent; `None` if the task had none.
    pub(crate) fn parent(&self) -> Option<&PidNumbers> {
        self.parent.as_ref()
    }

    /// Returns when the task began, microseconds since boot.
    pub(crate) fn started_us(&self) -> u64 {
        self.started_us
    }
}

/// What can change until a task has ended.
#[derive(Clone, Copy)]
pub(crate) struct LastSeen {
    /// The command name.
    pub(crate) name: Name,
    /// The ID of the cgroup; 0: there is none.
    pub(crate) cgroup: u64,
    /// The wait status. Meaningful only once the task has ended.
    pub(crate) wait_status: i32,
    /// Whether the task is a process, and not one thread. This one does not change; it is here
    /// because the memory would be unused otherwise.
    pub(crate) is_process: bool,
}

impl LastSeen {
    /// Nothing is known of the task.
    pub(super) const fn nothing() -> Self {
        Self {
            name: [0; NAME_LEN],
            cgroup: 0,
            wait_status: 0,
            is_process: true,
        }
    }

    /// What `task` is now. `is_process`: it stands for its process.
    pub(super) fn of(task: &Task, is_process: bool) -> Self {
        Self {
            name: task_identity::name(task),
            cgroup: task_identity::cgroup_id(task).unwrap_or(0),
            wait_status: task_identity::wait_status(task, is_process),
            is_process,
        }
    }

    /// What a process was when it became a zombie.
    pub(super) fn of_zombie(zombie: &Zombie) -> Self {
        Self {
            name: zombie.name,
            cgroup: zombie.cgroup.unwrap_or(0),
            wait_status: zombie.wait_status,
            is_process: true,
        }
    }
}
