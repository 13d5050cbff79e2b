// SPDX-License-Identifier: GPL-2.0

//! The tasks that were seen in a window of a history, and what they used in it.

use crate::{
    cpu_share::{usage_of_tasks, TaskUsage},
    excerpt::Excerpt,
    history::{Source, TaskOverview},
    output::{
        bold,
        format::{or_dash, seconds, task_name, wait_status},
        print_json, Output,
    },
    wall_clock::WallClock,
};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// A task. The JSON output has a key for each field.
#[derive(Serialize)]
struct Row<'a> {
    pid: u32,
    command: Option<&'a str>,
    usr_us: u64,
    sys_us: u64,
    wait_us: Option<u64>,
    /// When it was seen first and last in the window.
    first_us: u64,
    last_us: u64,
    first_time: Option<String>,
    last_time: Option<String>,
    id: Option<u64>,
    parent: Option<u32>,
    root: Option<u32>,
    cgroup: Option<u64>,
    status: Option<i32>,
    is_thread: bool,
}

/// Lists the tasks of an excerpt.
pub fn list(source: &Source, excerpt: &Excerpt, is_json: bool) -> Result<()> {
    let used = usage_of_tasks(&excerpt.history, excerpt.window)?;
    let tasks = excerpt.overview().tasks.iter().zip(&used.tasks);
    let seen = tasks.filter(|(_, used)| used.is_seen());
    let rows: Vec<Row<'_>> = seen
        .map(|(task, used)| Row::of(task, used, &excerpt.clock))
        .collect();
    match is_json {
        true => print_json(&rows)?,
        false => print_table(&rows, excerpt)?,
    }
    source.tell_what_is_missing(&excerpt.overview().metadata);
    Ok(())
}

impl<'a> Row<'a> {
    fn of(task: &'a TaskOverview, used: &TaskUsage, clock: &WallClock) -> Self {
        let info = task.task.info.as_ref();
        Self {
            pid: task.task.pid,
            command: task.task.name.as_deref(),
            usr_us: used.usage.usr_us,
            sys_us: used.usage.sys_us,
            wait_us: used.usage.wait_us,
            first_us: used.first_us,
            last_us: used.last_us,
            first_time: clock.rfc3339(used.first_us),
            last_time: clock.rfc3339(used.last_us),
            id: task.task.id(),
            parent: info.and_then(|info| info.parent),
            root: info.and_then(|info| info.root),
            cgroup: info.and_then(|info| info.cgroup),
            status: info.and_then(|info| info.status),
            is_thread: info.is_some_and(|info| info.is_thread),
        }
    }
}

fn print_table(rows: &[Row<'_>], excerpt: &Excerpt) -> Result<()> {
    let (clock, window) = (&excerpt.clock, excerpt.window);
    let mut out = Output::stdout();
    let (from, to) = (clock.text(window.from_us), clock.text(window.to_us));
    writeln!(out, "from {from} to {to}:")?;
    let time = |us| clock.short_text(us, window.length_us() / 100);
    let times = rows.iter().map(|row| time(row.last_us).len());
    let width = times.max().unwrap_or(0).max(5);
    let head = format!(
        "{:>10} {:>14} {:>14} {:>14} {:>width$} {:>width$} {:>10} {:14} COMMAND",
        "PID", "USER s", "SYSTEM s", "WAIT s", "FIRST", "LAST", "PARENT", "STATUS"
    );
    writeln!(out, "{}", bold(&head))?;
    for row in rows {
        writeln!(
            out,
            "{:>10} {:>14} {:>14} {:>14} {:>width$} {:>width$} {:>10} {:14} {}",
            row.pid,
            seconds(row.usr_us),
            seconds(row.sys_us),
            or_dash(row.wait_us.map(seconds)),
            time(row.first_us),
            time(row.last_us),
            or_dash(row.parent),
            or_dash(row.status.map(wait_status)),
            task_name(row.command),
        )?;
    }
    out.finish()
}
