// SPDX-License-Identifier: GPL-2.0

//! Removes from the module what a recorder has added.

use crate::kernel_module::{self, ControlFile, TaskInfo};
use anyhow::Result;
use std::collections::BTreeSet;

/// How often the rest is looked for: while a task is removed, its children can fork.
const MAX_ROUNDS: usize = 100;

/// Removes the tasks with these ids. Those that are not watched any more are no error.
pub fn remove(control: &ControlFile, ids: &[u64]) {
    let words: Vec<String> = ids.iter().map(|id| format!("-id:{id}")).collect();
    // An error means that another program has removed them.
    let _ = control.send_each(&words);
}

/// Removes the trees of the processes with these PIDs. The tasks in them that were watched before
/// stay watched, but are not followed any more.
pub fn remove_trees(control: &ControlFile, roots: &[u32]) {
    let words: Vec<String> = roots.iter().map(|pid| format!("-tree:{pid}")).collect();
    // An error means that another program has removed them.
    let _ = control.send_each(&words);
}

/// Removes the tasks with these ids, which this recorder has added, and those that the module
/// follows because of one of the processes `trees` and that were added after the id `max_id`.
pub fn remove_all(
    control: &ControlFile,
    ids: &[u64],
    trees: &BTreeSet<u32>,
    max_id: u64,
) -> Result<()> {
    remove(control, ids);
    for _ in 0..MAX_ROUNDS {
        let is_left = |task: &TaskInfo| {
            task.id > max_id && task.root.is_some_and(|root| trees.contains(&root))
        };
        let tasks = kernel_module::tasks()?;
        let left: Vec<u64> = tasks
            .iter()
            .filter(|task| is_left(task))
            .map(|task| task.id)
            .collect();
        if left.is_empty() {
            break;
        }
        remove(control, &left);
    }
    Ok(())
}
