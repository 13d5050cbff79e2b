// SPDX-License-Identifier: GPL-2.0

//! `taskmon list` and `taskmon stats`: what is watched, and what that costs.

use crate::{
    cli::{List, Stats},
    module,
    output::{bold, say, Output},
    overview::{Overview, Span},
    procfs::Stat,
    source::Source,
    text::{self, printable},
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
    let targets = module::statistic("targets")?;
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
            text::seconds(row.usr_us),
            text::seconds(row.sys_us),
            row.samples,
            row.evicted,
            printable(row.command.as_deref().unwrap_or("?")),
        )?;
    }
    out.end()
}

pub fn stats(command: &Stats) -> Result<()> {
    let statistics = module::statistics()?;
    let mut out = Output::stdout();
    if command.json {
        let object: serde_json::Map<String, serde_json::Value> = statistics
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        serde_json::to_writer(&mut out, &object)?;
        writeln!(out)?;
        return out.end();
    }
    for (name, value) in &statistics {
        writeln!(out, "{name:<10} {value:>16}  {}", meaning(name))?;
    }
    out.end()
}

/// What a statistic counts, in a few words.
fn meaning(name: &str) -> &'static str {
    match name {
        "targets" => "tasks watched, ended ones included",
        "created" => "samples ever taken",
        "alive" => "samples held now",
        "evicted" => "samples given up to memory pressure or the limit",
        "removed" => "samples freed on demand",
        "bytes" => "kernel memory that holds the samples",
        "passes" => "times that all tasks were sampled",
        "pass_ns" => "nanoseconds spent in that",
        "late" => "passes that began a period or more late",
        "missed" => "periods in which no pass began",
        "lost" => "descendants not followed, for want of memory or past max_targets",
        "reserve" => "allocations served by the reserve",
        "recycled" => "times that old samples made room for new ones",
        _ => "",
    }
}
