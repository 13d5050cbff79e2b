// SPDX-License-Identifier: GPL-2.0

//! The options of `taskmon add` and `taskmon remove`.

use crate::selection::{parse_pid, Selection};
use clap::Args;
use std::ffi::OsString;

/// Start watching tasks
///
/// If several tasks are named, taskmon adds all that can be added, and fails if one cannot.
#[derive(Args)]
pub struct Add {
    /// PIDs, thread IDs or process names
    ///
    /// A process is watched with all its threads. If you give the ID of a thread that does not lead
    /// a process, only that thread is watched. If you give a name, all processes with that name are
    /// watched. A word of digits is a PID; --name can give a name of digits.
    #[arg(required_unless_present = "selection", value_name = "PID or NAME")]
    pub tasks: Vec<OsString>,

    #[command(flatten)]
    pub selection: Selection,

    /// Also watch all descendants: those that are alive, and those that are forked from now on
    #[arg(long)]
    pub tree: bool,
}

/// Stop watching tasks and free their samples
///
/// Nothing but what is named is removed. A name or an id, as `taskmon list` shows them, stands for
/// watched tasks, including those that have ended.
#[derive(Args)]
pub struct Remove {
    /// PIDs, thread IDs or names of watched tasks
    ///
    /// If you give a PID, every watched task that has or had it is removed. If you give a name, all
    /// watched tasks with that name are removed. A word of digits is a PID; --name can give a name
    /// of digits.
    #[arg(required_unless_present_any = ["pids", "names", "ids", "all", "ended"], value_name = "PID or NAME")]
    pub tasks: Vec<OsString>,

    /// PIDs or thread IDs, separated by commas
    #[arg(short, long = "pid", value_name = "PID", value_delimiter = ',', value_parser = parse_pid)]
    pub pids: Vec<u32>,

    /// All watched tasks of this name
    ///
    /// Of a task that has ended, the command name is known, which has at most 15 bytes.
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<OsString>,

    /// Ids of watched tasks, separated by commas
    ///
    /// `taskmon list --json` shows the ids. Unlike a PID, an id is not used again.
    #[arg(long = "id", value_name = "ID", value_delimiter = ',')]
    pub ids: Vec<u64>,

    /// Also remove the descendants that are watched because of --tree
    #[arg(long)]
    pub tree: bool,

    /// Remove all watched tasks
    #[arg(long, conflicts_with_all = ["tasks", "pids", "names", "ids", "tree", "ended"])]
    pub all: bool,

    /// Remove all tasks that have ended
    #[arg(long, conflicts_with_all = ["tasks", "pids", "names", "ids", "tree"])]
    pub ended: bool,
}
