// SPDX-License-Identifier: GPL-2.0

//! `taskmon remove`: stop watching tasks.
//!
//! What a user names by PID is removed by the module's command for that PID. All else is removed by
//! the tasks' ids, which the module's list of tasks has, so that a task with the same PID stays.

use crate::{
    cli::Remove,
    kernel_module::{self, refusal, ControlFile, TaskInfo},
    output::{
        fail_with_all,
        format::{as_data, printable},
    },
    procfs::{self, Stat},
    selection::Wanted,
};
use anyhow::{bail, Result};
use nix::errno::Errno;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

/// How often `--all` begins again, because descendants were forked and followed meanwhile.
const MAX_ROUNDS: usize = 1000;

/// Runs `taskmon remove`.
pub fn remove(arguments: &Remove) -> Result<()> {
    let control = ControlFile::open()?;
    if arguments.all {
        return remove_all(&control);
    }
    if arguments.ended {
        return control.send("-ended", "ended tasks");
    }
    let words = arguments.tasks.iter().map(|word| Named::pid_or_name(word));
    let pids = arguments.pids.iter().copied().map(Named::Pid);
    let names = arguments.names.iter().cloned().map(Named::Name);
    let ids = arguments.ids.iter().copied().map(Named::Id);
    let results = words
        .chain(pids.chain(names).chain(ids).map(Ok))
        .map(|named| remove_named(&control, &named?, arguments.tree));
    fail_with_all(results.filter_map(Result::err).collect())
}

/// Watched tasks as the user names them.
enum Named {
    /// All tasks that have or had this PID.
    Pid(u32),
    Name(OsString),
    Id(u64),
}

impl Named {
    /// Interprets a word that is a PID or a name. A word of digits is a PID.
    fn pid_or_name(word: &OsStr) -> Result<Self> {
        match Wanted::pid_or_name(word)? {
            Wanted::Pid(pid) => Ok(Self::Pid(pid)),
            _ => Ok(Self::Name(word.to_os_string())),
        }
    }

    /// Returns whether a watched task is one of these.
    fn includes(&self, task: &TaskInfo) -> bool {
        match self {
            Self::Pid(pid) => task.pid == *pid,
            Self::Name(name) => has_name(task, name.as_bytes()),
            Self::Id(id) => task.id == *id,
        }
    }

    /// Describes that there is no such task.
    fn nothing_found(&self) -> String {
        match self {
            Self::Pid(pid) => format!("{pid} is not watched"),
            Self::Name(name) => format!(
                "no watched task is named {}",
                printable(&as_data(name.as_bytes()))
            ),
            Self::Id(id) => format!("no watched task has the id {id}"),
        }
    }
}

/// Removes the tasks that are named, with the tasks that are followed because of them if `is_tree`
/// is set.
fn remove_named(control: &ControlFile, named: &Named, is_tree: bool) -> Result<()> {
    if let Named::Pid(pid) = named {
        let prefix = if is_tree { "-tree:" } else { "-" };
        return control.send(&format!("{prefix}{pid}"), &pid.to_string());
    }
    let tasks = kernel_module::tasks()?;
    let found = tasks.iter().filter(|task| named.includes(task));
    let selected: HashSet<u64> = found.map(|task| task.id).collect();
    if selected.is_empty() {
        bail!(named.nothing_found());
    }
    remove_selected(control, &tasks, selected, is_tree)
}

/// Returns whether `name` is the name of a task. Of a task that has ended, the command name is
/// known, which the kernel truncates.
fn has_name(task: &TaskInfo, name: &[u8]) -> bool {
    task.name == name
        || (task.ended_us.is_none()
            && procfs::has_name(task.pid, &task.name, name)
            && Stat::of_life(task.pid, task.started_us).is_some())
}

/// Removes all watched tasks.
fn remove_all(control: &ControlFile) -> Result<()> {
    // Tasks that are forked in one round are removed in the next one.
    for _ in 0..MAX_ROUNDS {
        let tasks = kernel_module::tasks()?;
        if tasks.is_empty() {
            return Ok(());
        }
        let all = tasks.iter().map(|task| task.id).collect();
        remove_selected(control, &tasks, all, true)?;
    }
    bail!("tasks are added all the time; some are still watched")
}

/// Removes those of `tasks` whose ids are selected and, if `is_tree` is set, those that are followed
/// because of one of these.
fn remove_selected(
    control: &ControlFile,
    tasks: &[TaskInfo],
    mut selected: HashSet<u64>,
    is_tree: bool,
) -> Result<()> {
    if is_tree {
        add_followed(tasks, &mut selected);
    }
    let (selected, others): (Vec<&TaskInfo>, Vec<&TaskInfo>) =
        tasks.iter().partition(|task| selected.contains(&task.id));
    let mut commands = Vec::new();
    if is_tree {
        // This command also finds what is forked meanwhile. It must not find another tree whose
        // root has had the same PID.
        let kept: HashSet<u32> = others.iter().filter_map(|task| task.root).collect();
        let roots: BTreeSet<u32> = selected.iter().filter_map(|task| task.root).collect();
        let roots = roots.iter().filter(|root| !kept.contains(root));
        commands.extend(roots.map(|root| format!("-tree:{root}")));
    }
    let trees = commands.len();
    commands.extend(selected.iter().map(|task| format!("-id:{}", task.id)));
    let mut refused = control.send_each(&commands).into_iter();
    // ESRCH: it was removed with its tree, or by another program.
    match refused.find(|(_, error)| *error != Errno::ESRCH) {
        None => Ok(()),
        Some((at, error)) => {
            let task = at.checked_sub(trees).map(|at| selected[at].label());
            let subject = task.unwrap_or_else(|| commands[at].clone());
            bail!(refusal(&commands[at], &subject, error))
        }
    }
}

/// Adds to `selected` the tasks that are followed because of a selected one.
fn add_followed(tasks: &[TaskInfo], selected: &mut HashSet<u64>) {
    let mut of_pid: HashMap<u32, Vec<&TaskInfo>> = HashMap::new();
    for task in tasks {
        of_pid.entry(task.pid).or_default().push(task);
    }
    // The root of a tree began before its descendants. Of several tasks with its PID, it is the last
    // one of these. A descendant that was watched before the root has a lower id, and stays.
    let root_of = |task: &TaskInfo| {
        let lives = of_pid.get(&task.root?)?.iter();
        let earlier = lives.filter(|root| root.started_us <= task.started_us);
        let root = earlier.max_by_key(|root| root.started_us)?;
        (root.id <= task.id).then_some(root.id)
    };
    let followed: Vec<u64> = tasks
        .iter()
        .filter(|task| root_of(task).is_some_and(|root| selected.contains(&root)))
        .map(|task| task.id)
        .collect();
    selected.extend(followed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_whose_roots_have_one_pid() {
        let task = |id, pid, root, started_us| TaskInfo {
            id,
            pid,
            root,
            started_us,
            ..TaskInfo::default()
        };
        let tasks = [
            task(6, 11, Some(7), 35),
            task(11, 7, Some(7), 10),
            task(12, 8, Some(7), 10),
            task(13, 9, None, 15),
            task(14, 7, Some(7), 20),
            task(15, 10, Some(7), 30),
        ];
        let followed = |id| {
            let mut selected = HashSet::from([id]);
            add_followed(&tasks, &mut selected);
            selected
        };
        assert_eq!(followed(11), HashSet::from([11, 12]));
        assert_eq!(followed(13), HashSet::from([13]));
        assert_eq!(followed(14), HashSet::from([14, 15]));
    }
}
