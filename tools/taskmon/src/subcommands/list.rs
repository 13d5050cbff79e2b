// SPDX-License-Identifier: GPL-2.0

//! `taskmon list` and `taskmon stats`: what is watched, and what that costs.

use crate::{
    cli::List,
    history::{Overview, Source, Span},
    kernel_module,
    output::{
        bold,
        format::{self, printable},
        say, Output,
    },
    procfs::Stat,
};
use anyhow::Result;
use serde::Serialize;
use std::{collections::BTreeSet, io::Write};

/// A watched task.
#[derive(Serialize)]
struct Row {
    pid: u32,
    command: Option<String>,
    /// The state letter of proc(5); none: it has ended.
    state: Option<char>,
    usr_us: u64,
    sys_us: u64,
    samples: u64,
    /// How many samples were given up to make room.
    evicted: u64,
    /// When the last sample was taken, microseconds since boot.
    time_us: u64,
}

impl Row {
    fn of(span: &Span) -> Self {
        let is_end = span.last.is_end;
        let stat =
            Stat::of(span.task.pid).filter(|stat| !is_end && stat.was_there_at(span.first.time_us));
        Self {
            pid: span.task.pid,
            command: span.task.name.clone(),
            state: stat.map(|stat| stat.state),
            usr_us: span.last.usr_us,
            sys_us: span.last.sys_us,
            samples: span.samples,
            evicted: span.first.num,
            time_us: span.last.time_us,
        }
    }
}

pub fn list(command: &List) -> Result<()> {
    let watched = Overview::read(&Source::Module(BTreeSet::new()))?;
    let rows: Vec<Row> = watched.spans.iter().map(Row::of).collect();
    if command.json {
        let mut out = Output::stdout();
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
        out.end()?;
    } else {
        table(&rows)?;
    }
    // They are in no history.
    let targets = kernel_module::statistic("targets")?;
    match targets.saturating_sub(rows.len() as u64) {
        0 => {}
        1 => say("one more task is watched, and has no samples"),
        more => say(format_args!(
            "{more} more tasks are watched, and have no samples"
        )),
    }
    Ok(())
}

fn table(rows: &[Row]) -> Result<()> {
    let mut out = Output::stdout();
    let head = format!(
        "{:>10} {:5} {:>14} {:>14} {:>9} {:>9}  {}",
        "PID", "STATE", "USER s", "SYSTEM s", "SAMPLES", "EVICTED", "COMMAND"
    );
    writeln!(out, "{}", bold(&head))?;
    for row in rows {
        let state = row
            .state
            .map_or("ended".to_string(), |state| state.to_string());
        writeln!(
            out,
            "{:>10} {:5} {:>14} {:>14} {:>9} {:>9}  {}",
            row.pid,
            state,
            format::seconds(row.usr_us),
            format::seconds(row.sys_us),
            row.samples,
            row.evicted,
            printable(row.command.as_deref().unwrap_or("?")),
        )?;
    }
    out.end()
}
