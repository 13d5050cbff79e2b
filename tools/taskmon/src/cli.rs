// SPDX-License-Identifier: GPL-2.0

//! The command line. What stands here becomes `--help`, the man pages and the completions.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Record, watch and plot the CPU time of tasks
///
/// taskmon uses the kernel module taskmonitor, a flight recorder for CPU time: a kernel thread
/// samples the tasks that it is told to watch and keeps their history in kernel memory, exact to
/// the microsecond, also of tasks that have ended. taskmon needs root, the module, and for most
/// commands debugfs.
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
    Plot(Plot),
    Export(Export),
    Add(Add),
    Remove(Remove),
    List(List),
    /// Resume sampling
    Start,
    /// Pause sampling
    ///
    /// What happens meanwhile is counted in the totals, and left blank in plots.
    Stop,
    /// Free all samples, and go on watching
    Clear,
    Stats(Stats),
    #[command(hide = true)]
    Generate(Generate),
}

/// Run a command and record the CPU time of it and its descendants
///
/// The command is watched from its first instruction to its last, and has the terminal and the
/// signals. When it ends, a summary goes to standard error and the samples to a file, also when it
/// was interrupted. Until then the module keeps the samples, within its limits: the summary says
/// what had to make room or is missing, and is_complete in its JSON whether all is there. What cannot
/// be written at the end is kept, and the error says where.
///
/// The exit status is the command's; 128 and the signal's number when one ended it; 125 when taskmon
/// itself failed, 126 when the command could not be run, 127 when it was not found.
#[derive(Args)]
pub struct Record {
    /// Time between two samples in milliseconds, for all watched tasks, until the command ends; by
    /// one recorder at a time [default: the module's]
    #[arg(short, long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub period: Option<u64>,

    /// Where the samples go
    #[arg(short, long, value_name = "FILE", default_value = "taskmon.out", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// Watch the command only, not its descendants
    #[arg(long)]
    pub alone: bool,

    /// The summary as one object of JSON
    #[arg(long)]
    pub json: bool,

    /// Where the summary goes, instead of standard error
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub summary: Option<PathBuf>,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<std::ffi::OsString>,
}

/// A live table of the watched tasks
///
/// Keys: arrows, PgUp, PgDn, Home and End choose a task; a adds tasks by number or
/// name, t with their descendants, d removes the chosen one; space pauses and resumes sampling; s
/// and S change the order, r reverses it; q quits.
#[derive(Args)]
pub struct Top {
    /// Time between two looks, in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1.0, value_parser = delay)]
    pub delay: f64,
}

/// Draw CPU share over time
///
/// User and system time are stacked, one panel a task; a recording of several processes becomes
/// one panel, stacked by process. Stretches whose samples were evicted, or in which sampling was
/// stopped, stay blank.
#[derive(Args)]
pub struct Plot {
    /// A recording, or the numbers of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,

    /// The picture: its ending, .svg or .png, says which kind
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// One panel a task, also for a recording of several processes
    #[arg(long, conflicts_with = "stacked")]
    pub panels: bool,

    /// One panel, stacked by process
    #[arg(long)]
    pub stacked: bool,

    /// What stands above the picture [default: the command that was recorded]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// Width of the picture in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 960, value_parser = clap::value_parser!(u32).range(400..=8000))]
    pub width: u32,
}

/// Write the samples in a form that other programs read
///
/// csv (RFC 4180, with a head line) and json (an object a line) have the same fields: pid; command,
/// empty or null where the name is not known; num, which counts the task's samples from 0; usr_us and
/// sys_us, the CPU time consumed since the task began, in microseconds; time_us, the moment, in
/// microseconds since boot; exit, 1 on the last sample of a task that has ended, else 0.
///
/// perfetto is the JSON of the Trace Event Format, which the Perfetto and Chrome viewers open: for
/// each task a counter of its user and system share of a CPU in per cent.
///
/// openmetrics is what Prometheus reads, also from the textfile collector of its node_exporter, in its
/// own text format (version 0.0.4, of which OpenMetrics 1.0 is a stricter kind): the totals of each
/// task, and the module's own figures. A task is known by the labels pid and life, which counts those
/// of the same number; taskmonitor_task_info has its command.
#[derive(Args)]
pub struct Export {
    /// The form
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Format,

    /// Where it goes [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// A recording, or the numbers of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,
}

/// A form of `taskmon export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line of fields for each sample
    Csv,
    /// An object a line for each sample
    Json,
    /// A trace for the Perfetto and Chrome viewers: counters of CPU share in per cent
    Perfetto,
    /// The totals now, for node_exporter's textfile collector and Prometheus
    Openmetrics,
}

/// Watch tasks
#[derive(Args)]
pub struct Add {
    /// Numbers of processes or threads, or names: all processes of that name
    #[arg(required = true, value_name = "PID or NAME")]
    pub tasks: Vec<String>,

    /// With every descendant forked from now on
    #[arg(long)]
    pub tree: bool,
}

/// Stop watching tasks, and free their samples
#[derive(Args)]
pub struct Remove {
    /// Numbers of watched tasks, or names: all watched processes of that name
    #[arg(required_unless_present_any = ["all", "ended"], value_name = "PID or NAME")]
    pub tasks: Vec<String>,

    /// With the descendants that are followed
    #[arg(long)]
    pub tree: bool,

    /// All watched tasks; fails where some remain, as they have no samples
    #[arg(long, conflicts_with_all = ["tasks", "tree", "ended"])]
    pub all: bool,

    /// All tasks that have ended
    #[arg(long, conflicts_with_all = ["tasks", "tree"])]
    pub ended: bool,
}

/// List the watched tasks and what they have consumed
///
/// Of those that have no samples, as sampling is stopped or their samples had to make room, it says on
/// standard error how many there are.
#[derive(Args)]
pub struct List {
    /// One array of JSON
    #[arg(long)]
    pub json: bool,
}

/// Show the module's statistics
#[derive(Args)]
pub struct Stats {
    /// One object of JSON
    #[arg(long)]
    pub json: bool,
}

/// Write what is installed beside the program.
#[derive(Args)]
pub struct Generate {
    /// What to write
    pub what: Generated,
    /// The directory to write to
    pub directory: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// taskmon.1 and a page for each command
    Man,
    /// For bash, zsh and fish
    Completions,
}

fn delay(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.1 to 3600".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn it_is_consistent() {
        Cli::command().debug_assert();
    }
}
