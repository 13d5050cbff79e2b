// SPDX-License-Identifier: GPL-2.0

//! `taskmon list`: the watched tasks, or those of a window of a history.

mod seen;

use crate::{
    cli::List,
    excerpt::Excerpt,
    history::{newest_samples, Sample, Source},
    kernel_module::{self, TaskInfo},
    output::{
        bold,
        format::{as_data, or_dash, seconds, task_state, wait_status},
        print_json, Output,
    },
};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// A watched task. The JSON output has a key for each field.
#[derive(Serialize)]
struct Row {
    pid: u32,
    command: String,
    /// The state letter of proc(5); `None` if the task has ended.
    state: Option<char>,
    usr_us: u64,
    sys_us: u64,
    samples: u64,
    /// The number of samples that were evicted or cleared.
    evicted: u64,
    /// When the last sample was taken, in microseconds since boot; `None` if there is none.
    time_us: Option<u64>,
    id: u64,
    parent: Option<u32>,
    root: Option<u32>,
    cgroup: Option<u64>,
    started_us: u64,
    ended_us: Option<u64>,
    status: Option<i32>,
    is_thread: bool,
    first: u64,
    next: u64,
    wait_us: Option<u64>,
}

impl Row {
    fn of(info: &TaskInfo, newest: Option<&Sample>) -> Self {
        Self {
            pid: info.pid,
            command: as_data(&info.name),
            state: info.state(),
            usr_us: info.usr_us,
            sys_us: info.sys_us,
            samples: info.samples(),
            // Samples are numbered from 0.
            evicted: info.first,
            time_us: newest.map(|sample| sample.time_us),
            id: info.id,
            parent: info.parent,
            root: info.root,
            cgroup: info.cgroup,
            started_us: info.started_us,
            ended_us: info.ended_us,
            status: info.status,
            is_thread: info.is_thread,
            first: info.first,
            next: info.next,
            wait_us: info.wait_us,
        }
    }
}

/// Runs `taskmon list`.
pub fn list(arguments: &List) -> Result<()> {
    if !arguments.what.is_empty() || arguments.times.is_limited() {
        let source = Source::from_arguments(&arguments.what)?;
        let excerpt = Excerpt::read(&source, &arguments.times, true)?;
        return seen::list(&source, &excerpt, arguments.json);
    }
    let tasks = kernel_module::tasks()?;
    if !arguments.json {
        return print_table(&tasks);
    }
    let sampled = tasks.iter().filter(|info| info.samples() > 0).count();
    let newest = newest_samples(sampled)?;
    let rows = tasks.iter().map(|info| Row::of(info, newest.get(&info.id)));
    print_json(&rows.collect::<Vec<_>>())
}

fn print_table(tasks: &[TaskInfo]) -> Result<()> {
    let mut out = Output::stdout();
    let head = format!(
        "{:>10} {:5} {:>14} {:>14} {:>14} {:>9} {:>9} {:>10} {:14} {}",
        "PID",
        "STATE",
        "USER s",
        "SYSTEM s",
        "WAIT s",
        "SAMPLES",
        "EVICTED",
        "PARENT",
        "STATUS",
        "COMMAND"
    );
    writeln!(out, "{}", bold(&head))?;
    for info in tasks {
        writeln!(
            out,
            "{:>10} {:5} {:>14} {:>14} {:>14} {:>9} {:>9} {:>10} {:14} {}",
            info.pid,
            task_state(info.state()),
            seconds(info.usr_us),
            seconds(info.sys_us),
            or_dash(info.wait_us.map(seconds)),
            info.samples(),
            info.first,
            or_dash(info.parent),
            or_dash(info.status.map(wait_status)),
            info.name_text(),
        )?;
    }
    out.finish()
}
