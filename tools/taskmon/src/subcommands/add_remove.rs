// SPDX-License-Identifier: GPL-2.0

//! The control words as commands: add, remove, start, stop, clear.

use crate::{
    cli::{Add, Remove},
    history::{Overview, Source, Span},
    kernel_module, procfs,
};
use anyhow::{anyhow, bail, Context, Result};
use nix::errno::Errno;
use std::{collections::BTreeSet, fs::File};

/// `start`, `stop` or `clear`.
pub fn word(word: &str) -> Result<()> {
    kernel_module::obey(&kernel_module::control()?, word)
        .map_err(|error| anyhow!(kernel_module::refusal(word, word, error)))
}

/// Watches tasks by number or name.
pub fn add(command: &Add) -> Result<()> {
    add_all(&command.tasks, command.tree)
}

/// Watches all tasks that these numbers and names mean. One that cannot be watched does not keep
/// the others from it.
pub fn add_all(tasks: &[String], tree: bool) -> Result<()> {
    let control = kernel_module::control()?;
    let prefix = if tree { "tree:" } else { "" };
    let mut failures = Vec::new();
    for task in tasks {
        let added = match number(task) {
            Some(pid) => obey(&control, &format!("{prefix}{pid}"), &pid.to_string()),
            None => add_named(&control, prefix, task),
        };
        failures.extend(added.err());
    }
    all_done(&failures)
}

fn add_named(control: &File, prefix: &str, name: &str) -> Result<()> {
    // The one who asks may well have the name in its own command line, but is none of them.
    let own = std::process::id();
    let mut pids = procfs::named(name).context("/proc")?;
    pids.retain(|pid| *pid != own);
    if pids.is_empty() {
        bail!("no process has the name {name}");
    }
    let mut added = 0;
    for pid in &pids {
        let word = format!("{prefix}{pid}");
        match kernel_module::obey(control, &word) {
            Ok(()) => added += 1,
            // Gone meanwhile, or here already: either is what was asked for.
            Err(Errno::ESRCH | Errno::EEXIST) => {}
            Err(error) => bail!(kernel_module::refusal(
                &word,
                &format!("{pid} ({name})"),
                error
            )),
        }
    }
    if added == 0 {
        bail!("all processes of the name {name} are watched already");
    }
    Ok(())
}

/// Stops watching tasks.
pub fn remove(command: &Remove) -> Result<()> {
    let control = kernel_module::control()?;
    if command.all {
        return remove_all(&control);
    }
    if command.ended {
        return remove_watched(&control, |span| span.last.is_end).map(drop);
    }
    let prefix = if command.tree { "-tree:" } else { "-" };
    let mut failures = Vec::new();
    for task in &command.tasks {
        let removed = match number(task) {
            Some(pid) => obey(&control, &format!("{prefix}{pid}"), &pid.to_string()),
            None => remove_named(&control, prefix, task),
        };
        failures.extend(removed.err());
    }
    all_done(&failures)
}

/// Removes all that have samples, by which alone they are known. Fails where others are left.
fn remove_all(control: &File) -> Result<()> {
    // What is forked meanwhile is seen the next time.
    while remove_watched(control, |_| true)? > 0 {}
    match kernel_module::statistic("targets")? {
        0 => Ok(()),
        left => bail!(
            "{left} more watched tasks have no samples, so that their numbers are not known here: \
             `taskmon remove PID` removes one, `rmmod taskmonitor` all"
        ),
    }
}

/// Removes those, and says how many they were.
fn remove_watched(control: &File, which: impl Fn(&Span) -> bool) -> Result<usize> {
    let watched = Overview::read(&Source::Module(BTreeSet::new()))?;
    let chosen: Vec<&Span> = watched.spans.iter().filter(|span| which(span)).collect();
    for span in &chosen {
        let pid = span.task.pid;
        match kernel_module::obey(control, &format!("-{pid}")) {
            // Somebody else was faster.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => bail!(kernel_module::refusal("-", &pid.to_string(), error)),
        }
    }
    Ok(chosen.len())
}

fn remove_named(control: &File, prefix: &str, name: &str) -> Result<()> {
    let mut removed = 0;
    for pid in procfs::named(name).context("/proc")? {
        let word = format!("{prefix}{pid}");
        match kernel_module::obey(control, &word) {
            Ok(()) => removed += 1,
            Err(Errno::ESRCH) => {}
            Err(error) => bail!(kernel_module::refusal(
                &word,
                &format!("{pid} ({name})"),
                error
            )),
        }
    }
    if removed == 0 {
        bail!("no watched process has the name {name}");
    }
    Ok(())
}

/// The number that a word is, if it is one.
fn number(word: &str) -> Option<u64> {
    word.parse().ok()
}

fn obey(control: &File, word: &str, what: &str) -> Result<()> {
    match kernel_module::obey(control, word) {
        Ok(()) => Ok(()),
        Err(Errno::EINVAL) => bail!("{what} is no number of a task"),
        Err(error) => bail!(kernel_module::refusal(word, what, error)),
    }
}

/// All failures in one line.
fn all_done(failures: &[anyhow::Error]) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let sentences: Vec<String> = failures
        .iter()
        .map(|failure| format!("{failure:#}"))
        .collect();
    bail!(sentences.join("; "))
}
