// SPDX-License-Identifier: GPL-2.0

//! `taskmon add`: start watching tasks.

use crate::{
    cli::Add,
    kernel_module::{refusal, ControlFile},
    output::fail_with_all,
    selection::{Selected, Wanted},
};
use anyhow::{bail, Result};
use nix::errno::Errno;

/// Runs `taskmon add`.
pub fn add(arguments: &Add) -> Result<()> {
    let words = arguments.tasks.iter().map(|word| Wanted::pid_or_name(word));
    let options = arguments.selection.wanted().into_iter().map(Ok);
    add_each(words.chain(options), arguments.tree)
}

/// Watches the tasks that each of `wanted` stands for, with their descendants if `is_tree` is set.
/// Tries all of them; the error says for each one why it failed.
pub fn add_each(wanted: impl Iterator<Item = Result<Wanted>>, is_tree: bool) -> Result<()> {
    let control = ControlFile::open()?;
    let results = wanted.map(|wanted| add_wanted(&control, &wanted?, is_tree));
    fail_with_all(results.filter_map(Result::err).collect())
}

fn add_wanted(control: &ControlFile, wanted: &Wanted, is_tree: bool) -> Result<()> {
    let found = wanted.resolve()?;
    let command = |task: &Selected| match is_tree || task.is_tree {
        true => format!("tree:{}", task.pid),
        false => task.pid.to_string(),
    };
    let commands: Vec<String> = found.iter().map(command).collect();
    let refused = control.send_each(&commands);
    let is_named = !matches!(wanted, Wanted::Pid(_));
    let failed = refused
        .iter()
        // A process that was found may end meanwhile, or be watched already.
        .find(|(_, error)| !is_named || !matches!(error, Errno::ESRCH | Errno::EEXIST));
    if let Some((at, error)) = failed {
        bail!(refusal(&commands[*at], &found[*at].label, *error));
    }
    if refused.len() < found.len() {
        return Ok(());
    }
    if refused.iter().any(|(_, error)| *error == Errno::EEXIST) {
        bail!("all {} are already watched", wanted.description());
    }
    bail!(wanted.nothing_found())
}
