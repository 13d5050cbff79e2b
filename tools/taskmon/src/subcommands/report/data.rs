// SPDX-License-Identifier: GPL-2.0

//! A report as JSON and CSV.

use super::{Report, Row};
use crate::{output::format::wait_status, wall_clock::WallClock};
use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use std::io::Write;

/// A report with the field names that taskmon-report(1) documents. Times are in microseconds, since
/// boot and as in RFC 3339; shares are fractions of one CPU.
#[derive(Serialize)]
struct Object<'a> {
    command: Option<&'a str>,
    host: Option<&'a str>,
    cpus: Option<u32>,
    interval_ms: Option<u64>,
    by: String,
    from_us: u64,
    to_us: u64,
    from: Option<String>,
    to: Option<String>,
    processes: usize,
    usr_us: u64,
    sys_us: u64,
    wait_us: Option<u64>,
    unused_us: Option<u64>,
    share: f64,
    peak_share: f64,
    unsampled_us: u64,
    unsampled: Vec<Range>,
    missing: Option<&'a str>,
    rows: Vec<Line>,
    left_out: usize,
}

/// A range in which nothing was sampled.
#[derive(Serialize)]
struct Range {
    from_us: u64,
    to_us: u64,
}

/// A row.
#[derive(Serialize)]
struct Line {
    name: String,
    pid: Option<u32>,
    id: Option<u64>,
    parent: Option<u32>,
    is_thread: bool,
    depth: usize,
    processes: usize,
    failed: usize,
    usr_us: u64,
    sys_us: u64,
    wait_us: Option<u64>,
    own_usr_us: u64,
    own_sys_us: u64,
    share: f64,
    peak_share: f64,
    first_us: u64,
    last_us: u64,
    first: Option<String>,
    last: Option<String>,
    unsampled_us: u64,
    status: Option<String>,
}

impl Line {
    fn of(row: &Row, report: &Report, clock: &WallClock) -> Self {
        let task = row.task;
        Self {
            name: row.name.clone(),
            pid: task.map(|task| task.pid),
            id: task.and_then(|task| task.id),
            parent: task.and_then(|task| task.parent),
            is_thread: task.is_some_and(|task| task.is_thread),
            depth: row.depth,
            processes: row.tasks,
            failed: row.failed,
            usr_us: row.usage.usr_us,
            sys_us: row.usage.sys_us,
            wait_us: row.usage.wait_us,
            own_usr_us: row.own.usr_us,
            own_sys_us: row.own.sys_us,
            share: report.share(row.usage.cpu_us()),
            peak_share: row.peak,
            first_us: row.first_us,
            last_us: row.last_us,
            first: clock.rfc3339(row.first_us),
            last: clock.rfc3339(row.last_us),
            unsampled_us: row.gap_us,
            status: task.and_then(|task| task.status).map(wait_status),
        }
    }
}

fn lines<'a>(report: &'a Report, clock: &'a WallClock) -> impl Iterator<Item = Line> + 'a {
    report.rows.iter().map(|row| Line::of(row, report, clock))
}

/// Returns what is written as JSON.
pub fn object<'a>(report: &'a Report, clock: &WallClock) -> impl Serialize + 'a {
    let range = |window: &crate::history::Window| Range {
        from_us: window.from_us,
        to_us: window.to_us,
    };
    let by = report.by.to_possible_value();
    Object {
        command: report.command.as_deref(),
        host: report.host.as_deref(),
        cpus: report.cpus,
        interval_ms: report.period_ms,
        by: by.map_or(String::new(), |by| by.get_name().to_string()),
        from_us: report.window.from_us,
        to_us: report.window.to_us,
        from: clock.rfc3339(report.window.from_us),
        to: clock.rfc3339(report.window.to_us),
        processes: report.processes,
        usr_us: report.total.usr_us,
        sys_us: report.total.sys_us,
        wait_us: report.total.wait_us,
        unused_us: report.unused_us(),
        share: report.share(report.total.cpu_us()),
        peak_share: report.peak,
        unsampled_us: report.unsampled_us(),
        unsampled: report.unsampled.iter().map(range).collect(),
        missing: report.missing.as_deref(),
        rows: lines(report, clock).collect(),
        left_out: report.left_out,
    }
}

/// Writes the rows as CSV, with a header line.
pub fn csv(report: &Report, clock: &WallClock, to: &mut impl Write) -> Result<()> {
    let mut to = csv::Writer::from_writer(to);
    for line in lines(report, clock) {
        to.serialize(line)?;
    }
    to.flush()?;
    Ok(())
}
