// SPDX-License-Identifier: GPL-2.0

//! The options of `taskmon report` and `taskmon diff`.

use super::Times;
use crate::{grouping::Filter, wall_clock::parse_length};
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Show who used the CPU, and who waited for it
///
/// The report is about a window of time: all that is recorded or, with --since and --until, a part of
/// it. CPU% is the mean share of one CPU over the window, PEAK the highest share over a tenth of a
/// second or more. WAIT is the time in which a process could have run, but had no CPU. FIRST and LAST are
/// when the process was seen first and last in the window. STATUS says how it ended, if it failed or
/// was killed; of several processes, how many did.
///
/// In a window that begins or ends between two samples, what was used between them counts in part. No
/// share exceeds the number of threads, nor that of CPUs: the kernel books CPU time late at times, and
/// what is too much is counted where it must have been used, a moment before. Totals are exact.
///
/// What was used while nothing was sampled, because sampling was stopped or could not keep pace, is in
/// the totals. How long that was, and what else is missing, the report says.
///
/// --json writes one object: what the report says of the window, and the array rows. --csv writes the
/// rows. The fields of a row are the same in both. Names that end in _us are microseconds; first_us,
/// last_us, from_us and to_us count since boot, and first, last, from and to are the same times as in
/// RFC 3339, if the wall clock is known. share and peak_share are fractions of one CPU. processes is how
/// many were seen, failed how many of them failed or were killed. With --by tree, own_usr_us and
/// own_sys_us are without the descendants, and depth says how far below its root a row is.
/// unsampled_us is how long a process lived without being sampled. What is not known is null or empty.
#[derive(Args)]
pub struct Report {
    /// A recording, or PIDs or thread IDs of watched tasks [default: all watched tasks]
    #[arg(value_name = "FILE or PID", value_hint = ValueHint::FilePath)]
    pub what: Vec<String>,

    /// What is shown in one row
    #[arg(long, value_name = "GROUP", default_value = "process")]
    pub by: ReportBy,

    #[command(flatten)]
    pub times: Times,

    #[command(flatten)]
    pub rows: Rows,

    /// Show the threads of each process that are watched; with rows by process or tree
    #[arg(long)]
    pub threads: bool,
}

/// What one row of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportBy {
    /// One process
    Process,
    /// All processes of one command name
    Command,
    /// One process, above its descendants; what it used is the sum of its own and of theirs
    Tree,
    /// All processes that one process forked
    Parent,
    /// All processes of one cgroup
    Cgroup,
    /// A process that is followed with its descendants, and all of these
    Root,
}

/// Which rows are shown, in which order and form.
#[derive(Args, Clone, Debug)]
pub struct Rows {
    #[command(flatten)]
    pub form: Form,

    /// What the rows are sorted by
    #[arg(short, long, value_name = "ORDER", default_value = "cpu")]
    pub sort: RowOrder,

    /// Reverse the order
    #[arg(short, long)]
    pub reverse: bool,

    /// Show only what used at least this much: a share of the window, or a CPU time, as `1%` or `0.5s`
    #[arg(long, value_name = "SHARE or TIME")]
    pub min: Option<Least>,

    /// Show only tasks of these PIDs or command names, in which `*` and `?` stand for other letters
    #[arg(long, value_name = "PID or NAME", value_delimiter = ',')]
    pub filter: Vec<Filter>,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            form: Form::default(),
            sort: RowOrder::Cpu,
            reverse: false,
            min: None,
            filter: Vec::new(),
        }
    }
}

/// How many rows of a table are written, and in which form.
#[derive(Args, Clone, Debug, Default)]
pub struct Form {
    /// The most rows to show; 0 shows all [default: 20, with --json and --csv all]
    #[arg(short, long, value_name = "ROWS")]
    pub number: Option<usize>,

    /// Write a JSON object
    #[arg(long)]
    pub json: bool,

    /// Write the rows as CSV (RFC 4180), with a header line
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

impl Form {
    /// Returns how many rows are shown at most.
    pub fn max_rows(&self) -> usize {
        match self.number {
            Some(0) => usize::MAX,
            Some(number) => number,
            None if self.json || self.csv => usize::MAX,
            None => 20,
        }
    }
}

/// What rows are sorted by. The highest comes first, but for times, PIDs and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowOrder {
    /// User and system time
    Cpu,
    User,
    System,
    Wait,
    /// The highest share
    Peak,
    /// When it was seen first
    First,
    /// When it was seen last
    Last,
    Pid,
    Name,
}

/// The least that a row must have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Least {
    /// A share of one CPU.
    Share(f64),
    /// A CPU time in microseconds.
    Time(u64),
}

impl std::str::FromStr for Least {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = text
            .strip_suffix('%')
            .map(|number| number.trim().parse::<f64>());
        match share {
            Some(Ok(percent)) if (0.0..1e6).contains(&percent) => Ok(Self::Share(percent / 100.0)),
            Some(_) => Err("it must be a share such as `1%`".to_string()),
            None => parse_length(text)
                .map(Self::Time)
                .ok_or_else(|| "it must be a share or a time, such as `1%` or `0.5s`".to_string()),
        }
    }
}

/// Compare two recordings of the same job
///
/// What the processes of each command name used in the first recording is compared with what they used
/// in the second one. What has changed most comes first.
///
/// In JSON and CSV, names that end in _us are microseconds, and change is a fraction of the CPU time in
/// the first recording: 0.5 is half as much again.
#[derive(Args)]
pub struct Diff {
    /// The recording before
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub before: PathBuf,

    /// The recording after
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub after: PathBuf,

    /// What is compared
    #[arg(long, value_name = "GROUP", default_value = "command")]
    pub by: DiffBy,

    #[command(flatten)]
    pub form: Form,
}

/// What `taskmon diff` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffBy {
    /// Command names
    Command,
    /// Command names, without a version or number at their end
    Stem,
    /// Cgroups
    Cgroup,
}
