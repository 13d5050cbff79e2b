// SPDX-License-Identifier: GPL-2.0

//! The end of a recording: the last samples, what is missing, and the summary.

use super::{
    counters::children_cpu_us,
    ours::Membership,
    recording::Recording,
    release,
    session::Session,
    summary::{Outcome, Summary},
};
use crate::{
    history::{Losses, Source},
    output::{error_text, format::seconds, write_failure},
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeSet,
    io::{stderr, Write},
    os::fd::AsRawFd,
};

/// By how much an exit sample can fall short of what wait4(2) reports to the parent: user and system
/// time are each rounded down to a microsecond.
const ROUNDING_US: u64 = 2;

/// Writes the last samples and the last line, removes from the module what was added to it, and
/// reports the result.
///
/// All of that is tried even if a part of it fails. Returns the first error.
pub fn finish(recording: &mut Recording<'_>) -> Result<()> {
    let wall = recording
        .wall
        .unwrap_or_else(|| recording.origin.started.elapsed());
    let sampled = add_last_samples(recording);
    recording.note_surroundings();
    let missing_us = missing_us(recording).unwrap_or(0);
    let stream = &mut recording.session.stream;
    if missing_us > 0 {
        stream.note_missing(&format!("{} s of CPU time", seconds(missing_us)));
    }
    if let Err(error) = &sampled {
        stream.note_missing(&error_text(error));
    }
    let losses = stream.losses().clone();
    let has_failed = stream.failure().is_some();
    let is_complete = !has_failed && losses == Losses::default();
    let written = stream.end(is_complete);
    let written = written.map_err(|error| write_failure(&recording.arguments.output, &error));
    let removed = remove_added(recording);
    let outcome = Outcome {
        status: recording.status,
        wall,
        is_ended: recording.named_are_over(),
        is_complete: is_complete && written.is_ok(),
        evicted_in_all: recording.session.evicted().unwrap_or(losses.evicted),
        losses,
        missing_us,
    };
    sampled
        .and(written)
        .and(removed)
        .and(report(recording, &outcome))
}

/// Records until all exit samples have been taken. Notes which are missing.
fn add_last_samples(recording: &mut Recording<'_>) -> Result<()> {
    // Tasks that run on are sampled once more.
    let awaited = recording.session.drain_last(recording.status.is_none())?;
    let has_ended = recording.status.is_some();
    let is_named_missing = has_ended && !recording.named_are_over();
    let stream = &mut recording.session.stream;
    if is_named_missing {
        stream.note_missing(
            "the command's exit sample, so the totals are too low: is sampling stopped?",
        );
    } else if awaited > 0 {
        stream.note_missing(&format!("the exit samples of {awaited} processes"));
    }
    Ok(())
}

/// Returns how much CPU time of the command and its descendants the kernel has counted but is not
/// recorded, 0 if rounding explains it.
fn missing_us(recording: &Recording<'_>) -> Result<u64> {
    if recording.status.is_none() || recording.arguments.alone {
        return Ok(0);
    }
    let totals = recording.session.stream.totals();
    let missing_us = children_cpu_us()?.saturating_sub(totals.cpu_us);
    Ok(if missing_us > totals.tasks * ROUNDING_US {
        missing_us
    } else {
        0
    })
}

/// Removes from the module what was added to it.
fn remove_added(recording: &Recording<'_>) -> Result<()> {
    let Session {
        stream, control, ..
    } = &recording.session;
    let ids: Vec<u64> = stream.added().map(|task| task.id).collect();
    let trees: BTreeSet<u32> = recording.trees.keys().copied().collect();
    // The PID of a root can be that of a tree of somebody else now.
    let tasks = stream.list().tasks();
    let is_own = |pid: &u32| {
        let mut others = tasks.iter().filter(|task| task.pid == *pid);
        recording.trees.get(pid) == Some(&Membership::Added)
            && others.all(|task| ids.contains(&task.id))
    };
    let own: Vec<u32> = trees.iter().copied().filter(is_own).collect();
    release::remove_trees(control, &own);
    release::remove_all(control, &ids, &trees, stream.list().max_id())
}

/// Writes the summary. That standard error is closed is no error.
fn report(recording: &mut Recording<'_>, outcome: &Outcome) -> Result<()> {
    let arguments = recording.arguments;
    let file = recording
        .reader
        .as_ref()
        .context("the recording could not be read")?;
    let source = Source::Recording(format!("/proc/self/fd/{}", file.as_raw_fd()).into());
    let name = arguments.output.display().to_string();
    let summary = Summary::of(&source, outcome).with_context(|| format!("reading {name}"))?;
    let text = if arguments.json {
        summary.json()?
    } else {
        summary.text(&name)
    };
    match recording.summary_output.take() {
        Some(mut to) => {
            to.write_all(text.as_bytes())?;
            to.finish()
        }
        None => {
            let _ = stderr().write_all(text.as_bytes());
            Ok(())
        }
    }
}
