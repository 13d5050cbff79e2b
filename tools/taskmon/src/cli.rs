// SPDX-License-Identifier: GPL-2.0

//! The command line: subcommands, options, and their help texts. The doc comments of the types and
//! fields are the help texts, also in the man pages and shell completions.

mod exports;
mod record;
mod report;
mod times;
mod top;
mod watch;

pub use exports::{Export, Format, Plot};
pub use record::Record;
pub use report::{Diff, DiffBy, Form, Least, Report, ReportBy, RowOrder, Rows};
pub use times::Times;
pub use top::{SortOrder, Top};
pub use watch::{Add, Remove};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::{ffi::OsString, path::PathBuf};

/// Record, watch and plot the CPU time of tasks
///
/// taskmon uses the kernel module taskmonitor, a flight recorder for CPU time. A kernel thread
/// samples the CPU time of the watched tasks and keeps the samples in kernel memory. The samples of
/// a task stay there after it has ended. The sum of user and system time is exact.
///
/// Each sample has three times. User and system time are those in which the task had a CPU. Waiting
/// time is that in which it could have run, but had no CPU, because other tasks had them all or
/// because the CPU quota of its cgroup (cpu.max) was used up. In the rest of the time the task slept:
/// it had nothing to do, or waited for input and output, a lock or another process. So a task that is
/// slow and uses little CPU time was starved if its waiting time is long, and had little to do if it
/// is short. Where a task waits for a half of the time in which it wants to run, it takes twice as
/// long.
///
/// The waiting time of a process is that of all its threads together. The kernel counts the whole of
/// a wait when it ends. So between two samples, waiting time can be longer than the time that has
/// passed.
///
/// taskmon must run as root, and the module must be loaded. Most subcommands also need debugfs.
#[derive(Parser)]
#[command(name = "taskmon", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Record(Record),
    Top(Top),
    Report(Report),
    Diff(Diff),
    Plot(Plot),
    Export(Export),
    Add(Add),
    Remove(Remove),
    List(List),
    /// Resume sampling
    Start,
    /// Pause sampling
    ///
    /// The tasks stay watched. CPU time that they consume during the pause is included in the
    /// totals of later samples. A plot is blank during the pause.
    Stop,
    /// Free all samples
    ///
    /// The tasks stay watched.
    Clear,
    Stats(Stats),
    #[command(hide = true)]
    Candidates(Candidates),
    #[command(hide = true)]
    Generate(Generate),
}

/// List the watched tasks, their CPU time and their waiting time
///
/// WAIT is the time in which the task could have run, but had no CPU. The state is the letter that
/// ps(1) shows, or `ended`. The status says how a task ended: with an exit status (`exit 3`) or by a
/// signal (`signal 9`; `core` if it left a core file). The command is the name that the task has now,
/// or had last. The parent is the process that forked it.
///
/// A task that has no samples is listed too. It has none if sampling was stopped when it was added,
/// or if they were evicted or cleared.
///
/// Of a recording, or with --since or --until, the tasks are listed that were seen in that window, with
/// what they used in it, in the order in which they were added.
#[derive(Args)]
pub struct List {
    /// A recording, or PIDs or thread IDs of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,

    #[command(flatten)]
    pub times: Times,

    /// Write a JSON array
    #[arg(long)]
    pub json: bool,
}

/// Show the module's statistics
#[derive(Args)]
pub struct Stats {
    /// Write a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Print what can complete a word, for the shell completions
#[derive(Args)]
pub struct Candidates {
    /// What is completed
    pub kind: CandidateKind,
    /// The word as far as it has been typed
    #[arg(default_value = "", allow_hyphen_values = true)]
    pub word: OsString,
}

/// What `taskmon candidates` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CandidateKind {
    Pids,
    Names,
    /// The PIDs of watched tasks
    WatchedPids,
    /// The names of watched tasks
    WatchedNames,
    /// The ids of watched tasks
    Ids,
    Units,
    Cgroups,
}

/// Write the man pages or the shell completions
#[derive(Args)]
pub struct Generate {
    /// What to write
    pub what: Generated,
    /// The directory for the files
    pub directory: PathBuf,
}

/// What `taskmon generate` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// The man pages taskmon(1) and one page per subcommand
    Man,
    /// The completions for bash, zsh and fish
    Completions,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
