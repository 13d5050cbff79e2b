// SPDX-License-Identifier: GPL-2.0

//! The options of the subcommands that read samples and write files: `plot` and `export`.

use super::Times;
use crate::grouping::{By, Filter};
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Plot CPU share over time
///
/// A recording of several processes is plotted in one panel, in which groups of processes are stacked:
/// those of one name, or what --group says. The groups that have 90 % of the CPU time together have a
/// colour each, the others share one. The legend is in the order of the stack, with CPU time and share
/// of the whole. A dashed line shows all CPUs of the machine; no share is above it. A dark line shows
/// the waiting time of all processes together, in the same unit: at 300 %, three of them wait at the
/// same time. It has at most 80 steps, each of which is a mean.
///
/// Otherwise, the plot has one panel per task, in which user, system and waiting time are stacked.
/// Waiting time is hatched: in it, the task could have run, but had no CPU. So the colours show what
/// the task got, and the whole height shows what it wanted. All panels have the same scale; those that
/// wanted the most come first. Tasks that lived for a short time, or wanted little, are bars below the
/// panels, from their first to their last sample.
///
/// The kernel counts the whole of a wait when it ends, so a long one is drawn as a peak at its end.
///
/// Thin hatching shows the times at which nothing was sampled: sampling was stopped, or the samples
/// were evicted. In names and titles, characters that are not visible are shown as a backslash and three
/// octal digits for each byte.
///
/// A recording can be plotted while it is written. If it was cut off or is incomplete, a message on
/// standard error says so.
#[derive(Args)]
pub struct Plot {
    /// A recording, or PIDs or thread IDs of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,

    /// File for the plot; its extension, .svg, .png or .html, selects the format
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "html")]
    pub output: Option<PathBuf>,

    /// File for a web page, with the stacked picture, in which you can zoom, and the table of processes
    ///
    /// The page is one file. It loads nothing from the network.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["output", "panels"])]
    pub html: Option<PathBuf>,

    /// Draw one panel per task, also for a recording of several processes
    #[arg(long, conflicts_with = "stacked")]
    pub panels: bool,

    /// Draw one panel in which the processes are stacked
    #[arg(long)]
    pub stacked: bool,

    /// What makes processes one area, where they are stacked
    #[arg(long, value_name = "GROUP", default_value = "name")]
    pub group: PlotGroup,

    /// How many areas or panels are drawn; the rest is one area, or a bar for each
    ///
    /// Without this option, areas are drawn until they have 90 % of the CPU time.
    #[arg(long, value_name = "NUMBER", value_parser = top)]
    pub top: Option<usize>,

    /// Draw only tasks of these PIDs or command names, in which `*` and `?` stand for other letters
    #[arg(long, value_name = "PID or NAME", value_delimiter = ',')]
    pub filter: Vec<Filter>,

    #[command(flatten)]
    pub times: Times,

    /// Title of the plot [default: the recorded command, if there is one]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// Width of the plot in pixels; a PNG file is twice as wide
    #[arg(long, value_name = "PIXELS", default_value_t = 960, value_parser = clap::value_parser!(u32).range(400..=8000))]
    pub width: u32,
}

/// What makes processes one area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlotGroup {
    /// The command name
    Name,
    /// The command name, without a version or number at its end
    Stem,
    /// The process that forked them
    Parent,
    /// The cgroup
    Cgroup,
    /// Each process by itself
    Pid,
}

impl From<PlotGroup> for By {
    fn from(group: PlotGroup) -> Self {
        match group {
            PlotGroup::Name => Self::Command,
            PlotGroup::Stem => Self::Stem,
            PlotGroup::Parent => Self::Parent,
            PlotGroup::Cgroup => Self::Cgroup,
            PlotGroup::Pid => Self::Process,
        }
    }
}

/// Parses the argument of `--top`. There are as many colours.
fn top(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=8) => Ok(number),
        _ => Err("it must be a number from 1 to 8".to_string()),
    }
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
/// forked the task. wait_us is how long the task could have run, but had no CPU, since it began, in
/// microseconds. These three can be unknown, like the name; wait_us is unknown in recordings of
/// earlier versions. The name is the last one that the task had.
/// Bytes of it that are not UTF-8 are written as a backslash and three octal digits.
///
/// perfetto is the JSON of the Trace Event Format, which the Perfetto and Chrome trace viewers
/// open. Each task has a slice for its life, with its parent, what it used, and how it ended. Below it
/// are a counter of its user and system share of one CPU in per cent, and one of its waiting time as a
/// share of the time that has passed. If two tasks had the same PID, the second one is shown with
/// another, higher number.
///
/// openmetrics is the text format of Prometheus (version 0.0.4), which node_exporter's textfile
/// collector reads too. OpenMetrics 1.0 is a stricter variant of it. The output has the current
/// totals of each task, also of its waiting time, and, unless a recording is exported, the module's
/// statistics. The label id identifies a task; the label pid is its PID. In a recording without ids,
/// the tasks are numbered from 1. The metric taskmonitor_task_info has the command names.
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

    #[command(flatten)]
    pub times: Times,
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
