// SPDX-License-Identifier: GPL-2.0

//! Moves the samples of the recorded tasks out of the module.

use crate::{
    history::{Metadata, Source, Task, TempRecording},
    kernel_module::{self, ControlFile},
};
use anyhow::{anyhow, Context, Error, Result};
use nix::fcntl::{Flock, FlockArg};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs::File,
};

/// Identifies a sample, and with it its task: PID, number of the sample, time.
type SampleKey = (u32, u64, u64);

/// Moves the samples of the command `root` out of the module, and those of its descendants if
/// `metadata` names a tree.
///
/// `start_us` is a time before the command began, since boot. `names` has the names of ended
/// processes. If an error occurs, the samples are kept, and the error says where.
///
/// The module lists tasks in the order in which they were added, but does not say to which tree
/// they belong. So all tasks from the root on are copied, then the tree is removed from the module,
/// and then those tasks that the module still has are removed from the copy. The control file is
/// locked meanwhile: another recorder must not remove its tasks between these steps.
pub fn collect(
    control: &ControlFile,
    metadata: &Metadata,
    root: u32,
    start_us: u64,
    names: HashMap<u32, String>,
) -> Result<TempRecording> {
    let (recording, last_samples, _lock) = copy(control, metadata, root, start_us, names)
        .map_err(|error| samples_left(&error, metadata, root))?;
    let command = metadata
        .tree
        .map_or(format!("-{root}"), |root| format!("-tree:{root}"));
    // An error means that another program has removed the task.
    let _ = control.try_send(&command);
    let foreign = still_in_module(&last_samples);
    match foreign.and_then(|foreign| copy_without(&recording, metadata, &foreign)) {
        Ok(None) => Ok(recording),
        Ok(Some(own)) => Ok(own),
        Err(error) => Err(recording.keep_after(&error)),
    }
}

/// Returns `error`, and how to get the samples if they are still in the module.
pub fn samples_left(error: &Error, metadata: &Metadata, root: u32) -> Error {
    if !kernel_module::is_loaded() {
        return anyhow!("{error:#}");
    }
    let option = if metadata.tree.is_some() {
        "--tree "
    } else {
        ""
    };
    anyhow!(
        "{error:#}; the samples are still in the module: `taskmon export` reads them, \
         `taskmon remove {option}{root}` frees them"
    )
}

/// Copies the module's samples of the root and, for a tree, of all tasks that were added after it.
/// Also returns the key of the last sample of each copied task, and the lock on the control file.
fn copy(
    control: &ControlFile,
    metadata: &Metadata,
    root: u32,
    start_us: u64,
    mut names: HashMap<u32, String>,
) -> Result<(TempRecording, Vec<SampleKey>, Flock<File>)> {
    let lock = Flock::lock(control.duplicate()?, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .context("locking the control file")?;
    let mut last_samples: Vec<SampleKey> = Vec::new();
    let recording = TempRecording::write(metadata, |writer| {
        let source = if metadata.tree.is_some() {
            Source::all_watched()
        } else {
            Source::KernelModule(BTreeSet::from([root]))
        };
        let mut history = source.open()?;
        let mut index = None;
        // The current task, if it is copied.
        let mut copied: Option<Task> = None;
        while let Some((task, sample)) = history.next()? {
            if index != Some(task.index) {
                index = Some(task.index);
                let is_recent = sample.time_us >= start_us;
                let is_copied = is_recent && (task.pid == root || !last_samples.is_empty());
                copied = is_copied.then(|| Task {
                    name: names.remove(&task.pid).or_else(|| task.name.clone()),
                    ..task.clone()
                });
                if is_copied {
                    last_samples.push((0, 0, 0));
                }
            }
            if let (Some(task), Some(last)) = (&copied, last_samples.last_mut()) {
                *last = (sample.pid, sample.num, sample.time_us);
                writer.write(task, &sample)?;
            }
        }
        Ok(())
    })?;
    Ok((recording, last_samples, lock))
}

/// Returns those of `keys` whose samples the module still has.
fn still_in_module(keys: &[SampleKey]) -> Result<HashSet<SampleKey>> {
    if kernel_module::statistic("targets")? == 0 {
        return Ok(HashSet::new());
    }
    let keys: HashSet<SampleKey> = keys.iter().copied().collect();
    let mut found = HashSet::new();
    let mut history = Source::all_watched().open()?;
    while let Some((_, sample)) = history.next()? {
        let key = (sample.pid, sample.num, sample.time_us);
        if keys.contains(&key) {
            found.insert(key);
        }
    }
    Ok(found)
}

/// Copies a recording without the tasks that have one of the samples `foreign`. Returns `None` if
/// there are none, since the copy would be the same.
fn copy_without(
    recording: &TempRecording,
    metadata: &Metadata,
    foreign: &HashSet<SampleKey>,
) -> Result<Option<TempRecording>> {
    if foreign.is_empty() {
        return Ok(None);
    }
    let mut left_out = HashSet::new();
    let mut history = recording.source().open()?;
    while let Some((task, sample)) = history.next()? {
        if foreign.contains(&(sample.pid, sample.num, sample.time_us)) {
            left_out.insert(task.index);
        }
    }
    TempRecording::write(metadata, |writer| {
        let mut history = recording.source().open()?;
        while let Some((task, sample)) = history.next()? {
            if !left_out.contains(&task.index) {
                writer.write(task, &sample)?;
            }
        }
        Ok(())
    })
    .map(Some)
}
