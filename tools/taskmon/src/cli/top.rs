// SPDX-License-Identifier: GPL-2.0

//! The options of `taskmon top`.

use super::Times;
use crate::wall_clock::Moment;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Show a live table of the watched tasks, or replay a recording
///
/// USER and SYSTEM are the shares of one CPU that a task has used since the last refresh. WAIT is the
/// time in which it could have run, but had no CPU, as a share of the same time. A terminal of 101
/// columns or more also shows the totals since the task began. The line of blocks is the history of
/// user and system time together.
///
/// The second line has the sums of all tasks. Tasks that have ended are one line; press e to see them.
///
/// The arrow keys, PgUp, PgDn, Home and End select a task. Press a to add tasks, A to add tasks and
/// follow their descendants, and d to remove the selected task. Press the space bar to pause or
/// resume sampling. Press s or S to change the sort order, w to see first who waits most, r to reverse
/// the order. Press t to see descendants below their ancestors, which then have the sums, / to show
/// only some tasks, ? for help, and q to quit.
///
/// A recording is shown as it was at one moment, at first the one of --at, or its end. The left and right
/// arrow keys go one step back and on, [ and ] sixty steps. Press the space bar to play, + and - to play
/// faster and slower, and g to go to another time. A step is as long as --delay, or longer in a recording
/// of more than 4096 steps or more than 256 tasks.
#[derive(Args)]
pub struct Top {
    /// A recording to replay [default: the watched tasks, live]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// The moment of the recording to show first [default: its end]
    #[arg(
        long,
        value_name = "TIME",
        requires = "file",
        allow_hyphen_values = true
    )]
    pub at: Option<Moment>,

    #[command(flatten)]
    pub times: Times,

    /// Time between two refreshes in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1.0, value_parser = delay)]
    pub delay: f64,

    /// Sort order at the start
    #[arg(short, long, value_name = "ORDER", default_value = "cpu")]
    pub sort: SortOrder,
}

/// What the rows of `taskmon top` are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SortOrder {
    /// The order in which the tasks were added
    Added,
    /// The highest share of a CPU first
    #[value(name = "cpu")]
    Share,
    /// The longest waiting for a CPU, since the last refresh, first
    #[value(name = "wait")]
    Waiting,
    /// The most CPU time since the task began first
    #[value(name = "time")]
    Total,
    /// The PID
    Pid,
    /// The command name
    Command,
}

/// Parses the argument of `--delay`.
fn delay(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("it must be a number of seconds from 0.1 to 3600".to_string()),
    }
}
