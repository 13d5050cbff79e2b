// SPDX-License-Identifier: GPL-2.0

//! `taskmon list`: the watched tasks.

use crate::{
    cli::List,
    history::{Overview, Source, TaskOverview},
    kernel_module,
    output::{
        bold,
        format::{seconds, task_name, task_state},
        print_json, print_message, Output,
    },
    procfs::Stat,
};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// A watched task. The JSON output has a key for each field.
#[derive(Serialize)]
struct Row {
    pid: u32,
    command: Option<String>,
    /// The state letter of proc(5); `None` if the task has ended.
    state: Option<char>,
    usr_us: u64,
    sys_us: u64,
    samples: u64,
    /// The number of evicted samples.
    evicted: u64,
    /// When the last sample was taken, in microseconds since boot.
    time_us: u64,
}

impl Row {
    fn of(watched: &TaskOverview) -> Self {
        let pid = watched.task.pid;
        let stat = Stat::of_task(pid, watched.first.time_us).filter(|_| !watched.last.is_exit);
        Self {
            pid,
            command: watched.task.name.clone(),
            state: stat.map(|stat| stat.state),
            usr_us: watched.last.usr_us,
            sys_us: watched.last.sys_us,
            samples: watched.samples,
            // Samples are numbered from 0, so as many were evicted as the first number says.
            evicted: watched.first.num,
            time_us: watched.last.time_us,
        }
    }
}

/// Runs `taskmon list`.
pub fn list(arguments: &List) -> Result<()> {
    let watched = Overview::read(&Source::all_watched())?;
    let rows: Vec<Row> = watched.tasks.iter().map(Row::of).collect();
    if arguments.json {
        print_json(&rows)?;
    } else {
        print_table(&rows)?;
    }
    // A task without samples is not in the history.
    let targets = kernel_module::statistic("targets")?;
    match targets.saturating_sub(rows.len() as u64) {
        0 => {}
        1 => print_message("1 more watched task has no samples"),
        more => print_message(format_args!("{more} more watched tasks have no samples")),
    }
    Ok(())
}

fn print_table(rows: &[Row]) -> Result<()> {
    let mut out = Output::stdout();
    let head = format!(
        "{:>10} {:5} {:>14} {:>14} {:>9} {:>9}  {}",
        "PID", "STATE", "USER s", "SYSTEM s", "SAMPLES", "EVICTED", "COMMAND"
    );
    writeln!(out, "{}", bold(&head))?;
    for row in rows {
        writeln!(
            out,
            "{:>10} {:5} {:>14} {:>14} {:>9} {:>9}  {}",
            row.pid,
            task_state(row.state),
            seconds(row.usr_us),
            seconds(row.sys_us),
            row.samples,
            row.evicted,
            task_name(row.command.as_deref()),
        )?;
    }
    out.finish()
}
