// SPDX-License-Identifier: GPL-2.0

//! `taskmon candidates`, a hidden subcommand: what can complete a word, for the shell completions.
//!
//! Each line is a candidate, and its description after a tab if it has one. Errors lead to fewer
//! candidates: a message would disturb the line that the user types.

use crate::{
    cli::{CandidateKind, Candidates},
    kernel_module::{self, TaskInfo},
    output::{
        format::{as_data, printable},
        Output,
    },
    procfs::{self, Stat},
    selection::Cgroup,
};
use anyhow::Result;
use std::{collections::BTreeMap, io::Write, os::unix::ffi::OsStrExt, path::Path};

/// Runs `taskmon candidates`.
pub fn candidates(arguments: &Candidates) -> Result<()> {
    let word = arguments.word.as_bytes();
    let found = match arguments.kind {
        CandidateKind::Pids => pids(&processes()),
        CandidateKind::Names => names(&processes()),
        CandidateKind::WatchedPids => pids(&watched()),
        CandidateKind::WatchedNames => names(&watched()),
        CandidateKind::Ids => ids(&kernel_module::tasks().unwrap_or_default()),
        CandidateKind::Units => units(),
        CandidateKind::Cgroups => cgroups(word),
    };
    // Of a list with commas, the last element is completed.
    let word = match arguments.kind {
        CandidateKind::Pids | CandidateKind::WatchedPids | CandidateKind::Ids => {
            word.rsplit(|byte| *byte == b',').next().unwrap_or(word)
        }
        _ => word,
    };
    let mut out = Output::stdout();
    for (candidate, description) in found {
        if !candidate.starts_with(word) || candidate.iter().any(u8::is_ascii_control) {
            continue;
        }
        out.write_all(&candidate)?;
        if !description.is_empty() {
            write!(out, "\t{}", printable(&description))?;
        }
        writeln!(out)?;
    }
    out.finish()
}

/// Candidates and their descriptions, which can be empty.
type Found = BTreeMap<Vec<u8>, String>;

/// A task, by PID and command name.
type Named = (u32, Vec<u8>);

fn processes() -> Vec<Named> {
    let pids = procfs::processes().unwrap_or_default();
    pids.into_iter()
        .filter_map(|pid| Some((pid, Stat::of(pid)?.name)))
        .collect()
}

/// Returns the watched tasks. Who is not root cannot read which these are: then all processes.
fn watched() -> Vec<Named> {
    match kernel_module::tasks() {
        Ok(tasks) => tasks
            .into_iter()
            .map(|info| (info.pid, info.name))
            .collect(),
        Err(_) => processes(),
    }
}

fn pids(tasks: &[Named]) -> Found {
    let pids = tasks.iter();
    pids.map(|(pid, name)| (pid.to_string().into(), as_data(name)))
        .collect()
}

fn names(tasks: &[Named]) -> Found {
    let names = tasks.iter().map(|(_, name)| name.clone());
    names.map(|name| (name, String::new())).collect()
}

fn ids(tasks: &[TaskInfo]) -> Found {
    tasks
        .iter()
        .map(|info| (info.id.to_string().into(), info.label()))
        .collect()
}

fn units() -> Found {
    let all = Cgroup::all().unwrap_or_default();
    let units = all.iter().filter_map(|cgroup| cgroup.unit());
    units
        .map(|unit| (unit.as_bytes().to_vec(), String::new()))
        .collect()
}

/// Returns the cgroups at the depth of `word`, as it is written: a path of the file system, or one
/// below the folder at which cgroups are mounted.
fn cgroups(word: &[u8]) -> Found {
    let depth = |path: &[u8]| path.iter().filter(|byte| **byte == b'/').count();
    let path = |cgroup: &Cgroup| -> Vec<u8> {
        let path: &Path = match word.first() {
            Some(b'/') => cgroup.folder(),
            _ => cgroup.below_mount(),
        };
        path.as_os_str().as_bytes().to_vec()
    };
    let all = Cgroup::all().unwrap_or_default();
    all.iter()
        .map(path)
        .filter(|path| depth(path) == depth(word))
        .map(|path| (path, String::new()))
        .collect()
}
