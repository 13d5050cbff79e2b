// SPDX-License-Identifier: GPL-2.0

//! The options of `taskmon record`, and times as people write them.

use crate::selection::Selection;
use clap::{Args, ValueHint};
use std::{ffi::OsString, path::PathBuf, time::Duration};

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
/// were watched before stay watched; the others are not watched any more. If one of the former was
/// named here, its descendants are followed from then on, unless --alone was given.
///
/// taskmon writes the samples to the file while the tasks run, and removes tasks that have ended
/// from the module. So neither the module's memory nor max_targets limits a recording. If taskmon
/// is killed or the file system is full, the file is valid up to there; other subcommands say that
/// it was cut off. After SIGKILL, the tasks stay watched: `taskmon remove --tree PID` or `taskmon
/// remove --all` removes them.
///
/// At the end, taskmon writes a summary to standard error: CPU time and waiting time of the whole, of
/// the processes with the most CPU time, and of the names with the most CPU time, where several
/// processes have the same name. Waiting time is the time in which a process could have run, but had
/// no CPU. If there are more than ten processes, the summary also names those that waited longest. It
/// reports evicted samples, descendants that could not be followed, and whatever else is missing. In
/// the JSON summary, is_complete is true if nothing is missing in the recording.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

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
