// SPDX-License-Identifier: GPL-2.0

//! The command line: subcommands, options, and their help texts. The doc comments of the types and
//! fields are the help texts, also in the man pages and shell completions.

use crate::selection::{parse_pid, Selection};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Record, watch and plot the CPU time of tasks
///
/// taskmon uses the kernel module taskmonitor, a flight recorder for CPU time. A kernel thread
/// samples the CPU time of the watched tasks and keeps the samples in kernel memory. The samples of
/// a task stay there after it has ended. The sum of user and system time is exact.
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

/// Record the CPU time of a command, or of running tasks, and of their descendants
///
/// taskmon runs the command and watches it from its first instruction. The command uses taskmon's
/// terminal, input and outputs. taskmon forwards the signals SIGHUP, SIGINT, SIGQUIT, SIGTERM,
/// SIGALRM, SIGUSR1 and SIGUSR2 to it. The recording ends when the command ends, also if a signal
/// ends it.
///
/// Instead of a command, you can select tasks that run already, by --pid, --name, --cgroup, --unit
/// or --all. Their living descendants are recorded too. The recording ends when all selected tasks
/// have ended, after --duration, or when SIGINT (Ctrl-C), SIGTERM, SIGHUP or SIGQUIT is sent to
/// taskmon. It is complete then, and the summary says which processes are still running. Tasks that
/// were watched before stay watched; the others are not watched any more.
///
/// taskmon writes the samples to the file while the tasks run, and removes tasks that have ended
/// from the module. So neither the module's memory nor max_targets limits a recording. If taskmon
/// is killed or the file system is full, the file is valid up to there; other subcommands say that
/// it was cut off. After SIGKILL, the tasks stay watched: `taskmon remove --tree PID` or `taskmon
/// remove --all` removes them.
///
/// At the end, taskmon writes a summary to standard error. It reports evicted samples, descendants
/// that could not be followed, and whatever else is missing. In the JSON summary, is_complete is
/// true if nothing is missing in the recording.
///
/// The exit status is that of the command, or 128 plus the signal number if a signal ended the
/// command. It is 125 if taskmon failed, 126 if the command could not be executed, and 127 if the
/// command was not found. If running tasks are recorded, it is 0 or 125.
#[derive(Args)]
pub struct Record {
    #[command(flatten)]
    pub selection: Selection,

    /// Time between two samples of a task, such as 10ms or 1s [default: the module's period]
    ///
    /// A number without a unit is in milliseconds. The interval is from 1ms to 1h. If other
    /// recordings run at the same time, or the module's period is shorter, samples are taken more
    /// often. Afterwards the module's period is as before.
    #[arg(short, long, value_name = "TIME", value_parser = interval)]
    pub interval: Option<u64>,

    /// File for the samples
    #[arg(short, long, value_name = "FILE", default_value = "taskmon.out", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// Record only the command or the selected tasks, not their descendants
    #[arg(long)]
    pub alone: bool,

    /// Stop recording after this time, such as 500ms, 30s, 5min or 1h
    ///
    /// A number without a unit is in seconds. A command runs on, and taskmon ends when it ends,
    /// with its exit status.
    #[arg(short, long, value_name = "TIME", value_parser = length)]
    pub duration: Option<Duration>,

    /// Record until the last descendant has ended
    #[arg(long, conflicts_with = "alone")]
    pub wait_all: bool,

    /// Write the summary as a JSON object
    #[arg(long)]
    pub json: bool,

    /// File for the summary [default: standard error]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub summary: Option<PathBuf>,

    /// The command and its arguments
    #[arg(
        trailing_var_arg = true,
        required_unless_present = "selection",
        conflicts_with = "selection",
        value_name = "CMD",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// Show a live table of the watched tasks
///
/// The arrow keys, PgUp, PgDn, Home and End select a task. Press a to add tasks, t to add tasks and
/// follow their descendants, and d to remove the selected task. Press the space bar to pause or
/// resume sampling, s or S to change the sort order, r to reverse it, and q to quit.
#[derive(Args)]
pub struct Top {
    /// Time between two refreshes in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1.0, value_parser = delay)]
    pub delay: f64,
}

/// Plot CPU share over time
///
/// The plot has one panel per task, in which user and system time are stacked. If there are more
/// than 12 tasks, it shows the 12 that consumed the most CPU time. A recording of several processes
/// is plotted in one panel, in which the processes are stacked.
///
/// The plot is blank for times at which sampling was paused, or of which the samples were evicted.
/// In names and titles, characters that are not visible are shown as a backslash and three octal
/// digits for each byte.
///
/// A recording can be plotted while it is written. If it was cut off or is incomplete, a message on
/// standard error says so.
#[derive(Args)]
pub struct Plot {
    /// A recording, or PIDs or thread IDs of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,

    /// File for the plot; its extension, .svg or .png, selects the format
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// Draw one panel per task, also for a recording of several processes
    #[arg(long, conflicts_with = "stacked")]
    pub panels: bool,

    /// Draw one panel in which the processes are stacked
    #[arg(long)]
    pub stacked: bool,

    /// Title of the plot [default: the recorded command, if there is one]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// Width of the plot in pixels; a PNG file is twice as wide
    #[arg(long, value_name = "PIXELS", default_value_t = 960, value_parser = clap::value_parser!(u32).range(400..=8000))]
    pub width: u32,
}

/// Export samples for other programs
///
/// csv (RFC 4180, with a header line) and json (one object per line) have the same fields. pid is
/// the process or thread ID. command is the command name; if the name is unknown, the field is
/// empty in csv and null in json. num is the number of the sample; the first sample of a task has
/// the number 0. usr_us and sys_us are the user and system time that the task has consumed since it
/// began, in microseconds. time_us is the time of the sample in microseconds since boot. exit is 1
/// for the last sample of a task that has ended, and 0 for all others. id is the number that the
/// module gave the task; unlike a PID, it is not used again. parent is the PID of the process that
/// forked the task. Both can be unknown, like the name. The name is the last one that the task had.
/// Bytes of it that are not UTF-8 are written as a backslash and three octal digits.
///
/// perfetto is the JSON of the Trace Event Format, which the Perfetto and Chrome trace viewers
/// open. Each task has a counter of its user and system share of one CPU in per cent.
///
/// openmetrics is the text format of Prometheus (version 0.0.4), which node_exporter's textfile
/// collector reads too. OpenMetrics 1.0 is a stricter variant of it. The output has the current
/// totals of each task and, unless a recording is exported, the module's statistics. The label id
/// identifies a task; the label pid is its PID. In a recording without ids, the tasks are numbered
/// from 1. The metric taskmonitor_task_info has the command names.
///
/// A recording can be exported while it is written. If it was cut off or is incomplete, a message
/// on standard error says so.
#[derive(Args)]
pub struct Export {
    /// Format of the output
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Format,

    /// File for the output [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// A recording, or PIDs or thread IDs of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,
}

/// A format of `taskmon export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line of fields per sample
    Csv,
    /// One JSON object per sample
    Json,
    /// A trace of CPU shares for the Perfetto and Chrome trace viewers
    Perfetto,
    /// The current totals for Prometheus and node_exporter's textfile collector
    Openmetrics,
}

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

/// List the watched tasks and their CPU time
///
/// The state is the letter that ps(1) shows, or `ended`. The status says how a task ended: with an
/// exit status (`exit 3`) or by a signal (`signal 9`; `core` if it left a core file). The command is
/// the name that the task has now, or had last. The parent is the process that forked it.
///
/// A task that has no samples is listed too. It has none if sampling was stopped when it was added,
/// or if they were evicted or cleared.
#[derive(Args)]
pub struct List {
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

/// Parses the argument of `record --interval`: milliseconds.
fn interval(text: &str) -> Result<u64, String> {
    let micros = time_us(text, 1_000)?;
    match micros / 1_000 {
        ms @ 1..=3_600_000 if micros % 1_000 == 0 => Ok(ms),
        _ => Err("it must be from 1ms to 1h, in whole milliseconds".to_string()),
    }
}

/// Parses the argument of `record --duration`.
fn length(text: &str) -> Result<Duration, String> {
    match time_us(text, 1_000_000)? {
        0 => Err("it must be longer than 0".to_string()),
        micros => Ok(Duration::from_micros(micros)),
    }
}

/// Parses a time such as `10ms`, `1.5s`, `5min` or `1h`, in microseconds. `default_us` is the unit
/// of a number without one.
fn time_us(text: &str, default_us: u64) -> Result<u64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("us", 1),
        ("ms", 1_000),
        ("min", 60_000_000),
        ("s", 1_000_000),
        ("m", 60_000_000),
        ("h", 3_600_000_000),
        ("d", 86_400_000_000),
    ];
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit_us = match unit.trim_start() {
        "" => default_us,
        unit => {
            let found = UNITS.iter().find(|(name, _)| *name == unit);
            found
                .ok_or("it is a number and one of the units ms, s, min and h")?
                .1
        }
    };
    let number: f64 = digits.parse().map_err(|_| "it must begin with a number")?;
    let micros = number * unit_us as f64;
    // CAST: the range is checked. A year is enough.
    if (0.0..=31_536_000e6).contains(&micros) {
        Ok(micros.round() as u64)
    } else {
        Err("it is too long".to_string())
    }
}

/// Parses the argument of `top --delay`.
fn delay(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("it must be a number of seconds from 0.1 to 3600".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }
    #[test]
    fn times() {
        assert_eq!(interval("10ms"), Ok(10));
        assert_eq!(interval("10"), Ok(10));
        assert_eq!(interval("1s"), Ok(1_000));
        assert_eq!(interval("0.5 s"), Ok(500));
        assert_eq!(interval("1h"), Ok(3_600_000));
        for text in [
            "",
            "0",
            "s",
            "-1",
            "1.5",
            "61min",
            "1x",
            "1e3",
            "..",
            "99999999999999999999h",
        ] {
            assert!(interval(text).is_err(), "{text}");
        }
        assert_eq!(length("1"), Ok(Duration::from_secs(1)));
        assert_eq!(length("1.5min"), Ok(Duration::from_secs(90)));
        assert!(length("0ms").is_err());
    }

    #[test]
    fn command_or_selection() {
        let is_valid = |words: &str| Cli::try_parse_from(words.split(' ')).is_ok();
        assert!(is_valid("taskmon record -- make -j4"));
        assert!(is_valid("taskmon record -p 1,2 -p 3 --name nginx"));
        assert!(is_valid("taskmon record -i 10ms -d 5s -a"));
        assert!(!is_valid("taskmon record"));
        assert!(!is_valid("taskmon record -p 1 -- make"));
        assert!(!is_valid("taskmon record -a make"));
        assert!(!is_valid("taskmon record --alone --wait-all make"));
        assert!(!is_valid("taskmon record -p 0"));
    }
}
