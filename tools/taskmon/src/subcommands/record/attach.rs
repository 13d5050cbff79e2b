// SPDX-License-Identifier: GPL-2.0

//! Makes the module watch tasks that run already, and processes that move into a cgroup later.

use super::{
    launch::STOPPED,
    ours::{Membership, Root},
};
use crate::{
    cli::Record,
    kernel_module::{refusal, statistic, ControlFile, TaskInfo},
    selection::{Cgroup, Selected},
};
use anyhow::{bail, Result};
use nix::errno::Errno;
use std::collections::HashSet;

/// The tasks that were named on the command line.
pub struct Attachment {
    selected: Vec<Selected>,
    /// The cgroups of which all processes are recorded, also those that move in later.
    cgroups: Vec<Cgroup>,
    /// Whether descendants are recorded too.
    has_tree: bool,
    is_all: bool,
}

impl Attachment {
    /// Finds the tasks. Nothing is watched yet.
    pub fn of(arguments: &Record) -> Result<Self> {
        Ok(Self {
            selected: arguments.selection.resolve()?,
            cgroups: arguments.selection.cgroups()?,
            has_tree: !arguments.alone,
            is_all: arguments.selection.all,
        })
    }

    /// Returns whether all tasks of the machine are recorded.
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// Makes the module watch the tasks. `watched` are the tasks that it watches already.
    ///
    /// Tasks that were found by a name or in a cgroup can have ended meanwhile. If another task
    /// cannot be watched, or no task is left, those that were added are removed again.
    pub fn add(&self, control: &ControlFile, watched: &[TaskInfo]) -> Result<Vec<Root>> {
        let created = statistic("created")?;
        let mut roots = Vec::new();
        for task in &self.selected {
            match self.add_one(control, watched, task.pid) {
                Ok(root) => roots.push(root),
                Err(Errno::ESRCH) if is_found(task) => {}
                Err(error) => {
                    remove(control, &roots);
                    bail!("cannot watch {}", refusal("", &task.label, error));
                }
            }
        }
        if roots.is_empty() {
            bail!("all selected processes have ended");
        }
        // A new target is sampled at once, unless sampling is stopped.
        let is_added = |root: &Root| root.membership == Membership::Added;
        if roots.iter().any(is_added) && statistic("created")? == created {
            remove(control, &roots);
            bail!(STOPPED);
        }
        Ok(roots)
    }

    /// Makes the module watch the processes that have moved into one of the cgroups, except those
    /// with the PIDs `recorded`. Returns the error if one cannot be watched.
    pub fn add_new(
        &self,
        control: &ControlFile,
        watched: &[TaskInfo],
        recorded: &HashSet<u32>,
    ) -> (Vec<Root>, Option<Errno>) {
        let own_pid = std::process::id();
        let mut roots = Vec::new();
        let mut failure = None;
        // A cgroup that cannot be read has been removed.
        let pids = self
            .cgroups
            .iter()
            .flat_map(|cgroup| cgroup.processes().unwrap_or_default());
        for pid in pids.filter(|pid| *pid != own_pid && !recorded.contains(pid)) {
            match self.add_one(control, watched, pid) {
                Ok(root) => roots.push(root),
                Err(Errno::ESRCH) => {}
                Err(error) => failure = Some(error),
            }
        }
        (roots, failure)
    }

    /// Returns whether more processes can be added: whether a cgroup has processes.
    pub fn can_grow(&self) -> bool {
        let has_processes = |cgroup: &Cgroup| cgroup.processes().is_ok_and(|pids| !pids.is_empty());
        self.cgroups.iter().any(has_processes)
    }

    /// Returns whether processes can move in later.
    pub fn has_cgroups(&self) -> bool {
        !self.cgroups.is_empty()
    }

    fn add_one(
        &self,
        control: &ControlFile,
        watched: &[TaskInfo],
        pid: u32,
    ) -> Result<Root, Errno> {
        let root = Root {
            pid,
            has_tree: self.has_tree,
            is_followed_by_us: self.has_tree,
            membership: Membership::Added,
        };
        let was_watched = watched
            .iter()
            .any(|task| task.pid == pid && task.ended_us.is_none());
        let membership = if was_watched {
            Membership::Shared
        } else {
            Membership::Added
        };
        if self.has_tree {
            match control.try_send(&format!("tree:{pid}")) {
                Ok(()) => return Ok(Root { membership, ..root }),
                // It is followed already, because of somebody else.
                Err(Errno::EEXIST) => {
                    return Ok(Root {
                        is_followed_by_us: false,
                        membership: Membership::Shared,
                        ..root
                    })
                }
                // A thread that leads no process has no descendants.
                Err(Errno::ESRCH) => {}
                Err(error) => return Err(error),
            }
        }
        let root = Root {
            has_tree: false,
            is_followed_by_us: false,
            ..root
        };
        match control.try_send(&pid.to_string()) {
            Ok(()) => Ok(root),
            Err(Errno::EEXIST) => Ok(Root {
                membership: Membership::Shared,
                ..root
            }),
            Err(error) => Err(error),
        }
    }
}

/// Returns whether a task was found, and not named by its PID.
fn is_found(task: &Selected) -> bool {
    task.label != task.pid.to_string()
}

/// Removes tasks that have just been added.
fn remove(control: &ControlFile, roots: &[Root]) {
    for root in roots {
        let prefix = if root.is_followed_by_us {
            "-tree:"
        } else {
            "-"
        };
        if root.membership == Membership::Added {
            // An error means that another program has removed it.
            let _ = control.try_send(&format!("{prefix}{}", root.pid));
        }
    }
}
