// SPDX-License-Identifier: GPL-2.0

//! The tasks that a user means: by PID, name, cgroup or systemd unit, or all of the machine.
//!
//! - [`Selection`] has the options that select tasks. Subcommands include it in theirs.
//! - [`Wanted`] is one thing that the user named. It can stand for several tasks.
//! - [`Selected`] is one task that was found, and how messages name it.
//! - [`Cgroup`] is a cgroup of version 2, with the processes in it and below it.

mod cgroup;

pub use cgroup::Cgroup;

use crate::{
    output::{
        fail_with_all,
        format::{as_data, printable, task_label},
    },
    procfs,
};
use anyhow::{anyhow, bail, Context, Result};
use clap::{Args, ValueHint};
use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

/// The options that select tasks. The group of arguments has the id `selection`.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "selection", multiple = true)]
pub struct Selection {
    /// PIDs or thread IDs, separated by commas
    ///
    /// A process is watched with all its threads. The ID of a thread that does not lead a process
    /// selects only that thread.
    #[arg(short, long = "pid", value_name = "PID", value_delimiter = ',', value_parser = parse_pid)]
    pub pids: Vec<u32>,

    /// All processes of this name
    ///
    /// The name is the command name, as `pgrep -x` and `ps -o comm` have it. The kernel keeps 15
    /// bytes of it; a longer name is compared to the file name of the program or script.
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<OsString>,

    /// All processes of this cgroup and of the cgroups below it
    ///
    /// The path of a folder in /sys/fs/cgroup, or a path below that folder, as /proc/PID/cgroup
    /// shows it. The cgroup must be one of version 2.
    #[arg(long = "cgroup", value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub cgroups: Vec<PathBuf>,

    /// All processes of this systemd unit
    ///
    /// The name of a service, scope or slice, such as ssh.service or user.slice. The ending
    /// .service can be left out. The unit must be running.
    #[arg(long = "unit", value_name = "UNIT")]
    pub units: Vec<OsString>,

    /// All processes and kernel threads of the machine, or of the PID namespace
    #[arg(short, long)]
    pub all: bool,
}

impl Selection {
    /// Returns what the options name, in a fixed order: PIDs, names, cgroups, units, all.
    pub fn wanted(&self) -> Vec<Wanted> {
        let pids = self.pids.iter().copied().map(Wanted::Pid);
        let names = self.names.iter().cloned().map(Wanted::Name);
        let cgroups = self.cgroups.iter().cloned().map(Wanted::Cgroup);
        let units = self.units.iter().cloned().map(Wanted::Unit);
        let all = self.all.then_some(Wanted::All);
        pids.chain(names)
            .chain(cgroups)
            .chain(units)
            .chain(all)
            .collect()
    }

    /// Finds the tasks, each of them once. Fails if something was named of which there is no task;
    /// the error names all such things.
    pub fn resolve(&self) -> Result<Vec<Selected>> {
        let mut found: Vec<Selected> = Vec::new();
        let mut errors = Vec::new();
        for wanted in self.wanted() {
            match wanted.resolve() {
                Ok(tasks) => found.extend(tasks),
                Err(error) => errors.push(error),
            }
        }
        fail_with_all(errors)?;
        let mut known = HashSet::new();
        found.retain(|task| known.insert(task.pid));
        Ok(found)
    }

    /// Finds the cgroups and the cgroups of the units, to which processes can move later.
    pub fn cgroups(&self) -> Result<Vec<Cgroup>> {
        let paths = self.cgroups.iter().map(|path| Cgroup::find(path));
        let units = self.units.iter().map(|unit| Cgroup::of_unit(unit));
        paths.chain(units).collect()
    }
}

/// One task that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The PID or, if the user gave one, the thread ID.
    pub pid: u32,
    /// How messages name the task: `nginx (PID 812)`, or `812` if the user gave this number.
    pub label: String,
    /// Whether it stands for its descendants too, as init does for all processes.
    pub is_tree: bool,
}

impl Selected {
    /// Returns the process `pid`, which was found and not named by its PID.
    fn found(pid: u32) -> Self {
        let name = procfs::Stat::of(pid).map_or(b"?".to_vec(), |stat| stat.name);
        Self {
            pid,
            label: task_label(&name, pid),
            is_tree: false,
        }
    }
}

/// One thing that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Pid(u32),
    Name(OsString),
    Cgroup(PathBuf),
    Unit(OsString),
    /// The machine, or the PID namespace.
    All,
}

impl Wanted {
    /// Interprets a word that is a PID or a name. A word of digits is a PID.
    pub fn pid_or_name(word: &OsStr) -> Result<Self> {
        match word.to_str() {
            Some(digits) if is_number(digits) => match parse_pid(digits) {
                Ok(pid) => Ok(Self::Pid(pid)),
                Err(_) => bail!("{digits} is not a valid PID or thread ID"),
            },
            _ => Ok(Self::Name(word.to_os_string())),
        }
    }

    /// Finds the tasks. Fails if there is none. Whether a PID exists is not checked.
    pub fn resolve(&self) -> Result<Vec<Selected>> {
        let pids = match self {
            Self::Pid(pid) => {
                return Ok(vec![Selected {
                    pid: *pid,
                    label: pid.to_string(),
                    is_tree: false,
                }])
            }
            Self::Name(name) => procfs::pids_named(name.as_bytes()).context("reading /proc")?,
            Self::Cgroup(path) => Cgroup::find(path)?.processes()?,
            Self::Unit(name) => Cgroup::of_unit(name)?.processes()?,
            Self::All => procfs::roots().context("reading /proc")?,
        };
        // `--name taskmon` means other processes. And a recording of a cgroup lasts until its
        // processes have ended.
        let own_pid = std::process::id();
        let found: Vec<Selected> = pids
            .into_iter()
            .filter(|pid| *pid != own_pid)
            .map(Selected::found)
            .map(|task| Selected {
                is_tree: *self == Self::All,
                ..task
            })
            .collect();
        if found.is_empty() {
            bail!("{}", self.nothing_found());
        }
        Ok(found)
    }

    /// Describes that there is no such task.
    pub fn nothing_found(&self) -> String {
        match self {
            Self::Pid(pid) => format!("{pid}: no such task"),
            Self::Name(name) => format!("no process is named {}", shown(name)),
            Self::Cgroup(path) => {
                format!("no process is in the cgroup {}", shown(path.as_os_str()))
            }
            Self::Unit(name) => format!("no process is in the unit {}", shown(name)),
            Self::All => "/proc shows no process".to_string(),
        }
    }

    /// Describes the tasks that it stands for: `processes named nginx`.
    pub fn description(&self) -> String {
        match self {
            Self::Pid(pid) => format!("tasks with the PID {pid}"),
            Self::Name(name) => format!("processes named {}", shown(name)),
            Self::Cgroup(path) => format!("processes of the cgroup {}", shown(path.as_os_str())),
            Self::Unit(name) => format!("processes of the unit {}", shown(name)),
            Self::All => "processes".to_string(),
        }
    }
}

/// Returns text of the user for a message.
fn shown(text: &OsStr) -> String {
    printable(&as_data(text.as_bytes()))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses a PID or thread ID, from 1 to 2147483647.
pub fn parse_pid(word: &str) -> Result<u32> {
    let pid = word.parse().ok().filter(|_| is_number(word));
    pid.filter(|pid| (1..=i32::MAX as u32).contains(pid))
        .ok_or_else(|| anyhow!("a PID is a number from 1 to 2147483647"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn words() {
        let pid = |word: &str| Wanted::pid_or_name(word.as_ref());
        assert_eq!(pid("1").unwrap(), Wanted::Pid(1));
        assert_eq!(pid("2147483647").unwrap(), Wanted::Pid(2_147_483_647));
        for word in ["0", "2147483648", "99999999999999999999999"] {
            let error = pid(word).unwrap_err().to_string();
            assert_eq!(error, format!("{word} is not a valid PID or thread ID"));
        }
        for word in ["", "+1", "-1", "1a", "init"] {
            assert_eq!(pid(word).unwrap(), Wanted::Name(word.into()));
        }
        let not_text = OsStr::from_bytes(b"\xff1");
        let name = Wanted::pid_or_name(not_text).unwrap();
        assert_eq!(name, Wanted::Name(not_text.into()));
    }

    #[test]
    fn the_parent_by_pid_and_name() {
        let parent = nix::unistd::getppid().as_raw() as u32;
        let name = OsString::from_vec(procfs::Stat::of(parent).unwrap().name);
        let selection = Selection {
            pids: vec![parent],
            names: vec![name.clone()],
            ..Selection::default()
        };
        let found = selection.resolve().unwrap();
        // It is found twice and selected once.
        assert_eq!(found.iter().filter(|task| task.pid == parent).count(), 1);
        assert_eq!(found[0].label, parent.to_string());
        let named = Wanted::Name(name.clone()).resolve().unwrap();
        let label = task_label(name.as_bytes(), parent);
        assert!(named.iter().any(|task| task.label == label));
    }

    #[test]
    fn all_failures_are_named() {
        let selection = Selection {
            names: vec!["no-such-name".into(), OsStr::from_bytes(b"\xff\n").into()],
            ..Selection::default()
        };
        let error = selection.resolve().unwrap_err().to_string();
        assert!(error.starts_with("no process is named no-such-name; no process is named "));
        assert!(!error.contains('\n'));
    }

    #[test]
    fn all() {
        let found = Wanted::All.resolve().unwrap();
        assert_eq!(found[0].pid, 1);
        assert!(found.iter().all(|task| task.is_tree));
    }
}
