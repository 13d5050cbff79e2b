// SPDX-License-Identifier: GPL-2.0

//! Taking a command's samples out of the module, and no others.

use crate::{
    history::{About, Source, Spool},
    kernel_module,
};
use anyhow::{anyhow, Context, Error, Result};
use nix::fcntl::{Flock, FlockArg};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs::File,
};

/// By which a sample, and with it its task, is known: number, which one, when.
type Mark = (u32, u64, u64);

/// Moves the samples of the root, and of its descendants where `about` says so, out of the module.
/// Where that fails, they are kept, and the error says where.
///
/// The module lists tasks in the order in which they were added, and does not say of which tree they
/// are. What comes after the root is ours, unless it is still there once the tree was removed. Other
/// recorders wait meanwhile: they would remove what that is told by.
pub fn collect(
    control: &File,
    about: &About,
    root: u32,
    begun_us: u64,
    names: HashMap<u32, String>,
) -> Result<Spool> {
    let (spool, marks, _others_wait) =
        copy(control, about, root, begun_us, names).map_err(|error| left(&error, about, root))?;
    let word = about
        .tree
        .map_or(format!("-{root}"), |root| format!("-tree:{root}"));
    // Somebody may have removed it before: then there is nothing to remove.
    let _ = kernel_module::obey(control, &word);
    let others = still_there(&marks);
    match others.and_then(|others| without(&spool, about, &others)) {
        Ok(None) => Ok(spool),
        Ok(Some(own)) => Ok(own),
        Err(error) => Err(spool.rescued(&error)),
    }
}

/// What to say when the samples could not be taken out of the module.
pub fn left(error: &Error, about: &About, root: u32) -> Error {
    if !kernel_module::is_loaded() {
        return anyhow!("{error:#}");
    }
    let option = if about.tree.is_some() { "--tree " } else { "" };
    anyhow!(
        "{error:#}; the samples are still in the module: `taskmon export` reads them, \
         `taskmon remove {option}{root}` frees them"
    )
}

/// A copy of what the module has of the root and was added later, with each task's last sample.
/// Other recorders wait until the lock goes.
fn copy(
    control: &File,
    about: &About,
    root: u32,
    begun_us: u64,
    mut names: HashMap<u32, String>,
) -> Result<(Spool, Vec<Mark>, Flock<File>)> {
    let lock = control.try_clone().context("the control file")?;
    let others_wait = Flock::lock(lock, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .context("locking the control file")?;
    let mut last_marks: Vec<Mark> = Vec::new();
    let spool = Spool::write(about, |writer| {
        let only = if about.tree.is_some() {
            BTreeSet::new()
        } else {
            BTreeSet::from([root])
        };
        let mut history = Source::Module(only).open()?;
        let mut at = None;
        let mut is_ours = false;
        while let Some((task, sample)) = history.next()? {
            if at != Some(task.index) {
                at = Some(task.index);
                let is_recent = sample.time_us >= begun_us;
                is_ours = is_recent && (task.pid == root || !last_marks.is_empty());
                if is_ours {
                    let name = names.remove(&task.pid).or_else(|| task.name.clone());
                    writer.task(task.pid, name.as_deref())?;
                    last_marks.push((0, 0, 0));
                }
            }
            if let Some(mark) = last_marks.last_mut().filter(|_| is_ours) {
                *mark = (sample.pid, sample.num, sample.time_us);
                writer.sample(&sample)?;
            }
        }
        Ok(())
    })?;
    Ok((spool, last_marks, others_wait))
}

/// Which of these samples the module still has.
fn still_there(marks: &[Mark]) -> Result<HashSet<Mark>> {
    if kernel_module::statistic("targets")? == 0 {
        return Ok(HashSet::new());
    }
    let marks: HashSet<Mark> = marks.iter().copied().collect();
    let mut found = HashSet::new();
    let mut history = Source::Module(BTreeSet::new()).open()?;
    while let Some((_, sample)) = history.next()? {
        let mark = (sample.pid, sample.num, sample.time_us);
        if marks.contains(&mark) {
            found.insert(mark);
        }
    }
    Ok(found)
}

/// A copy without the tasks of these samples; none: it would be the same.
fn without(spool: &Spool, about: &About, others: &HashSet<Mark>) -> Result<Option<Spool>> {
    if others.is_empty() {
        return Ok(None);
    }
    let mut unwanted = HashSet::new();
    let mut history = spool.source().open()?;
    while let Some((task, sample)) = history.next()? {
        if others.contains(&(sample.pid, sample.num, sample.time_us)) {
            unwanted.insert(task.index);
        }
    }
    Spool::write(about, |writer| {
        let mut history = spool.source().open()?;
        let mut at = None;
        while let Some((task, sample)) = history.next()? {
            if unwanted.contains(&task.index) {
                continue;
            }
            if at != Some(task.index) {
                at = Some(task.index);
                writer.task(task.pid, task.name.as_deref())?;
            }
            writer.sample(&sample)?;
        }
        Ok(())
    })
    .map(Some)
}
