// SPDX-License-Identifier: GPL-2.0

//! `taskmon add` and `taskmon remove`: start and stop watching tasks.

use crate::{
    cli::{Add, Remove},
    history::{Overview, Source, TaskOverview},
    kernel_module::{self, ControlFile},
    procfs,
};
use anyhow::{bail, Context, Result};
use nix::errno::Errno;

/// Runs `taskmon add`.
pub fn add(arguments: &Add) -> Result<()> {
    add_tasks(&arguments.tasks, arguments.tree)
}

/// Watches tasks, given as PIDs, thread IDs or process names, with their descendants if `tree` is
/// set. Tries all of them; the error names each one that failed.
pub fn add_tasks(tasks: &[String], tree: bool) -> Result<()> {
    let control = ControlFile::open()?;
    let prefix = if tree { "tree:" } else { "" };
    for_each_task(tasks, |task| match task {
        Named::Pid(pid) => control.send(&format!("{prefix}{pid}"), &pid.to_string()),
        Named::Process(name) => add_named(&control, prefix, name),
    })
}

fn add_named(control: &ControlFile, prefix: &str, name: &str) -> Result<()> {
    let mut pids = pids_named(name)?;
    // `taskmon add taskmon` means other processes.
    let own_pid = std::process::id();
    pids.retain(|pid| *pid != own_pid);
    if pids.is_empty() {
        bail!("no process is named {name}");
    }
    // ESRCH: the process has ended meanwhile. EEXIST: it is already watched.
    let ignored = [Errno::ESRCH, Errno::EEXIST];
    if send_for_each(control, prefix, &pids, name, &ignored)? == 0 {
        bail!("all processes named {name} are already watched");
    }
    Ok(())
}

/// Runs `taskmon remove`.
pub fn remove(arguments: &Remove) -> Result<()> {
    let control = ControlFile::open()?;
    if arguments.all {
        return remove_all(&control);
    }
    if arguments.ended {
        return remove_selected(&control, |task| task.last.is_exit).map(drop);
    }
    let prefix = if arguments.tree { "-tree:" } else { "-" };
    for_each_task(&arguments.tasks, |task| match task {
        Named::Pid(pid) => control.send(&format!("{prefix}{pid}"), &pid.to_string()),
        Named::Process(name) => remove_named(&control, prefix, name),
    })
}

fn remove_named(control: &ControlFile, prefix: &str, name: &str) -> Result<()> {
    let pids = pids_named(name)?;
    // ESRCH: the process is not watched.
    if send_for_each(control, prefix, &pids, name, &[Errno::ESRCH])? == 0 {
        bail!("no watched process is named {name}");
    }
    Ok(())
}

/// Removes all watched tasks that have samples. Fails if tasks without samples remain: the samples
/// are the only list of watched tasks.
fn remove_all(control: &ControlFile) -> Result<()> {
    // Tasks that are forked in one round are removed in the next one.
    while remove_selected(control, |_| true)? > 0 {}
    match kernel_module::statistic("targets")? {
        0 => Ok(()),
        left => bail!(
            "watched tasks without samples remain: {left}; taskmon does not know their PIDs: \
             `taskmon remove PID` removes one, `rmmod taskmonitor` removes all"
        ),
    }
}

/// Removes the watched tasks that `is_selected` selects. Returns how many it selected.
fn remove_selected(
    control: &ControlFile,
    is_selected: impl Fn(&TaskOverview) -> bool,
) -> Result<usize> {
    let watched = Overview::read(&Source::all_watched())?;
    let mut selected = 0;
    for task in watched.tasks.iter().filter(|task| is_selected(task)) {
        selected += 1;
        let pid = task.task.pid;
        match control.try_send(&format!("-{pid}")) {
            // ESRCH: another program has removed it.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => bail!(kernel_module::refusal("-", &pid.to_string(), error)),
        }
    }
    Ok(selected)
}

/// A task as the user names it.
enum Named<'a> {
    Pid(u64),
    Process(&'a str),
}

/// Calls `action` for each task. Fails with the errors of all calls in one line.
fn for_each_task(tasks: &[String], action: impl Fn(Named<'_>) -> Result<()>) -> Result<()> {
    let failures: Vec<String> = tasks
        .iter()
        .map(|task| task.parse().map_or(Named::Process(task), Named::Pid))
        .filter_map(|task| action(task).err())
        .map(|error| format!("{error:#}"))
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    bail!(failures.join("; "))
}

fn pids_named(name: &str) -> Result<Vec<u32>> {
    procfs::pids_named(name.as_bytes()).context("reading /proc")
}

/// Sends a command, `prefix` and the PID, for each process of `name`. Returns how many succeeded.
/// Fails on the first error that is not one of `ignored`.
fn send_for_each(
    control: &ControlFile,
    prefix: &str,
    pids: &[u32],
    name: &str,
    ignored: &[Errno],
) -> Result<usize> {
    let mut succeeded = 0;
    for pid in pids {
        let command = format!("{prefix}{pid}");
        match control.try_send(&command) {
            Ok(()) => succeeded += 1,
            Err(error) if ignored.contains(&error) => {}
            Err(error) => bail!(kernel_module::refusal(
                &command,
                &format!("{pid} ({name})"),
                error
            )),
        }
    }
    Ok(succeeded)
}
